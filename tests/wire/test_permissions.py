"""``az role``: who may do what, and that everything else is refused at once."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from tools.azure import Az, Principal
from tools.instance import Instance


@pytest.fixture
def sign_in(silo: Instance, new_az: Callable[[], Az]) -> Callable[..., Az]:
    """Sign a principal in with an az of its own."""

    def sign(principal: Principal) -> Az:
        login = ["login", "--service-principal", "-u", principal.client_id]
        person = new_az()
        person(*login, "-p", principal.secret, "--tenant", silo.tenant, "--allow-no-subscriptions")
        return person

    return sign


def group_id(silo: Instance, name: str) -> str:
    return f"/subscriptions/{silo.subscription}/resourceGroups/{name}"


def test_without_a_role_nothing_is_seen(
    silo: Instance, make_principal: Callable[..., Principal], sign_in: Callable[..., Az]
) -> None:
    person = sign_in(make_principal())

    assert [item["name"] for item in person("account", "list")] != [silo.subscription]
    url = f"{silo.endpoints['resourceManager']}/subscriptions/{silo.subscription}/resourcegroups"
    # az itself asks no more about a subscription that it was not shown; the token still can.
    header = ["--skip-authorization-header", "--headers", f"Authorization=Bearer {person.token()}"]
    get = ["rest", "-m", "get", "-u", f"{url}?api-version=2024-11-01", *header]
    person.refused(*get, saying="AuthorizationFailed")


def test_a_reader_of_one_group_reads_that_and_changes_nothing(
    silo: Instance,
    make_group: Callable[[], str],
    make_principal: Callable[..., Principal],
    sign_in: Callable[..., Az],
) -> None:
    mine, other = make_group(), make_group()
    person = sign_in(make_principal("Reader", group_id(silo, mine)))

    assert person("group", "show", "-n", mine)["name"] == mine
    person.refused("group", "show", "-n", other, saying="AuthorizationFailed")
    person.refused("group", "delete", "-n", mine, "--yes", saying="AuthorizationFailed")
    create = ["acr", "create", "-n", "notmine", "-g", mine, "--sku", "Basic"]
    person.refused(*create, saying="AuthorizationFailed")


def test_a_contributor_may_not_give_rights_away(
    silo: Instance,
    az: Az,
    make_group: Callable[[], str],
    make_principal: Callable[..., Principal],
    sign_in: Callable[..., Az],
) -> None:
    scope = group_id(silo, make_group())
    principal = make_principal("Contributor", scope)
    person = sign_in(principal)
    mine = az.text("ad", "sp", "show", "--id", principal.client_id, "--query", "id")

    person.refused(
        *("role", "assignment", "create", "--assignee-object-id", mine),
        *("--assignee-principal-type", "ServicePrincipal", "--role", "Owner", "--scope", scope),
        saying="AuthorizationFailed",
    )


def test_assignments_are_listed_and_deleting_one_takes_effect_at_once(
    silo: Instance,
    az: Az,
    make_group: Callable[[], str],
    make_principal: Callable[..., Principal],
    sign_in: Callable[..., Az],
) -> None:
    name = make_group()
    scope = group_id(silo, name)
    principal = make_principal("Reader", scope)
    person = sign_in(principal)
    person("group", "show", "-n", name)

    listed = az("role", "assignment", "list", "--assignee", principal.client_id, "--scope", scope)
    assert [item["roleDefinitionName"] for item in listed] == ["Reader"]
    az("role", "assignment", "delete", "--assignee", principal.client_id, "--scope", scope)
    person.refused("group", "show", "-n", name, saying="AuthorizationFailed")


def test_the_same_assignment_twice_is_one(
    silo: Instance, az: Az, make_group: Callable[[], str], make_principal: Callable[..., Principal]
) -> None:
    scope = group_id(silo, make_group())
    principal = make_principal()
    assign = ["role", "assignment", "create", "--assignee", principal.client_id]

    first = az(*assign, "--role", "AcrPull", "--scope", scope)
    second = az(*assign, "--role", "AcrPull", "--scope", scope)

    assert first["id"] == second["id"]


def test_the_built_in_roles_have_azures_names_and_numbers(az: Az) -> None:
    found = {item["roleName"]: item["name"] for item in az("role", "definition", "list")}

    assert found["Owner"] == "8e3af657-a8ff-443c-a75c-2fe8c4bcb635"
    assert found["Contributor"] == "b24988ac-6180-42a0-ab88-20f7382dd24c"
    assert found["Reader"] == "acdd72a7-3385-48ef-bd42-f606fba81ae7"
    assert found["AcrPull"] == "7f951dda-4ed3-4680-a7ca-43fe172d538d"
    assert found["AcrPush"] == "8311e382-0749-4cb8-b61a-304f252e45ec"


def test_a_role_of_ones_own_gives_what_it_lists(
    silo: Instance,
    az: Az,
    tmp_path: Path,
    unique: Callable[[str], str],
    make_group: Callable[[], str],
    make_principal: Callable[..., Principal],
    sign_in: Callable[..., Az],
) -> None:
    name, role = make_group(), unique("Tagger")
    definition = {
        "Name": role,
        "Description": "Reads groups and writes tags.",
        "Actions": ["*/read", "Microsoft.Resources/tags/write"],
        "AssignableScopes": [f"/subscriptions/{silo.subscription}"],
    }
    (tmp_path / "role.json").write_text(json.dumps(definition))
    made = az("role", "definition", "create", "--role-definition", str(tmp_path / "role.json"))
    assert made["roleType"] == "CustomRole"

    person = sign_in(make_principal(role, group_id(silo, name)))
    person("tag", "create", "--resource-id", group_id(silo, name), "--tags", "a=1")
    person.refused("group", "delete", "-n", name, "--yes", saying="AuthorizationFailed")


def test_a_right_reaches_the_members_of_a_group_in_a_group(
    silo: Instance,
    az: Az,
    unique: Callable[[str], str],
    make_group: Callable[[], str],
    make_principal: Callable[..., Principal],
    sign_in: Callable[..., Az],
) -> None:
    name, inner, outer = make_group(), unique("inner"), unique("outer")
    principal = make_principal()
    member = az.text("ad", "sp", "show", "--id", principal.client_id, "--query", "id")
    ids = {
        group: az("ad", "group", "create", "--display-name", group, "--mail-nickname", group)["id"]
        for group in (inner, outer)
    }
    az("ad", "group", "member", "add", "-g", inner, "--member-id", member)
    az("ad", "group", "member", "add", "-g", outer, "--member-id", ids[inner])
    az(*("role", "assignment", "create", "--assignee-object-id", ids[outer]),
       *("--assignee-principal-type", "Group", "--role", "Reader"),
       *("--scope", group_id(silo, name)))  # fmt: skip
    person = sign_in(principal)

    assert person("group", "show", "-n", name)["name"] == name
    az("ad", "group", "member", "remove", "-g", inner, "--member-id", member)
    person.refused("group", "show", "-n", name, saying="AuthorizationFailed")


def test_a_disabled_principal_is_out_at_once(
    silo: Instance,
    az: Az,
    make_group: Callable[[], str],
    make_principal: Callable[..., Principal],
    sign_in: Callable[..., Az],
) -> None:
    name = make_group()
    principal = make_principal("Reader", group_id(silo, name))
    person = sign_in(principal)
    person("group", "show", "-n", name)

    disabled = ["ad", "sp", "update", "--id", principal.client_id, "--set", "accountEnabled=false"]
    az(*disabled)

    person.refused("group", "show", "-n", name)


def test_silo_why_names_the_deciding_assignment_or_what_is_missing(
    silo: Instance, make_group: Callable[[], str], make_principal: Callable[..., Principal]
) -> None:
    scope = group_id(silo, make_group())
    principal = make_principal("Reader", scope)
    read, write = (
        f"Microsoft.Resources/subscriptions/resourceGroups/{verb}" for verb in ("read", "write")
    )

    allowed = silo.silo("why", principal.client_id, read, scope)
    denied = silo.silo("why", principal.client_id, write, scope, check=False)

    assert "Reader" in allowed.said
    assert denied.code != 0
    assert "does not include the action" in denied.said
