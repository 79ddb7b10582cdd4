import pytest

from silo import core

WEB = {
    "name": "web",
    "resourceType": "Microsoft.Web/sites",
    "tags": {"team": "Blue"},
    "servicePrincipalNames": ["a", "b"],
    "eventTimestamp": "2026-11-23T10:00:00.0000000Z",
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("resourceType eq 'microsoft.web/sites'", True),
        ("name eq 'web' and resourceType eq 'x'", False),
        ("name eq 'api' or startswith(name,'W')", True),
        ("not startswith(name,'w')", False),
        ("servicePrincipalNames/any(c:c eq 'b')", True),
        ("servicePrincipalNames/any(c:c eq 'z')", False),
        ("tags/team eq 'blue'", True),
        ("missing eq null", True),
        ("startswith(missing,'x')", False),
        ("name in ('api', 'web')", True),
        ("eventTimestamp ge 2026-11-23T09:00:00.123456", True),
        ("eventTimestamp ge '2026-11-23T11:00:00Z'", False),
    ],
)
def test_a_filter_says_what_azures_tools_mean(text, expected):
    assert core.parse_filter(text)(WEB) is expected


def test_a_door_may_add_functions_of_its_own():
    calls = {"assignedTo": lambda document, args: document["name"] == args[0]}

    matches = core.parse_filter("assignedTo('web') and name eq 'web'", calls)

    assert matches(WEB)


@pytest.mark.parametrize(
    "text", ["", "name eq", "name eq 'a", "(((", "nosuch(name)", "x" * 5000, "1 add 2 eq 3"]
)
def test_a_malformed_filter_is_refused(text):
    with pytest.raises(core.FilterMalformed):
        core.parse_filter(text)(WEB)
