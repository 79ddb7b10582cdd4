import pytest
from tests.unit.silo.identity.sign_in_world import NAMES

from silo.identity.audiences import GRAPH_APP_ID, find_azure_resource
from silo.identity.errors import ScopeInvalid
from silo.identity.scopes import parse_scopes, render_scopes, select_permissions


@pytest.mark.parametrize(
    ("text", "resource"),
    [
        ("https://management.azure.com//.default openid", "https://management.azure.com/"),
        ("https://management.azure.com/.default", "https://management.azure.com"),
        ("api://x/read", "api://x"),
        ("6dae42f8-4368-4678-94ff-3960e28e3630/.default", "6dae42f8-4368-4678-94ff-3960e28e3630"),
        ("openid profile", GRAPH_APP_ID),
        ("User.Read", GRAPH_APP_ID),
    ],
)
def test_a_scope_names_its_resource(text: str, resource: str) -> None:
    assert parse_scopes(text).resource == resource


@pytest.mark.parametrize("text", ["", "a/.default b/.default", "/x", "x/", "a/b " * 3 + "c/d"])
def test_a_scope_that_names_nothing_is_refused(text: str) -> None:
    with pytest.raises(ScopeInvalid):
        parse_scopes(text)


def test_what_was_asked_is_repeated_verbatim() -> None:
    scopes = parse_scopes("https://management.azure.com//.default openid")
    resource = find_azure_resource(NAMES, scopes.resource)
    assert resource

    text = render_scopes(scopes, select_permissions(scopes, resource))

    assert text == (
        "https://management.azure.com//user_impersonation "
        "https://management.azure.com//.default openid"
    )


def test_a_permission_that_does_not_exist_is_refused() -> None:
    scopes = parse_scopes("https://management.azure.com/everything")
    resource = find_azure_resource(NAMES, scopes.resource)
    assert resource

    with pytest.raises(ScopeInvalid):
        select_permissions(scopes, resource)
