"""``az acr``: a registry's life on the management side."""

from collections.abc import Callable

import pytest
from tools.azure import Az, Registry
from tools.instance import Instance


def test_a_registry_is_made_shown_listed_changed_and_deleted(
    silo: Instance, az: Az, make_group: Callable[[], str], unique: Callable[[str], str]
) -> None:
    name, group = unique("life"), make_group()
    suffix = silo.endpoints["registrySuffix"]

    assert az("acr", "check-name", "-n", name)["nameAvailable"] is True
    made = az("acr", "create", "-n", name, "-g", group, "--sku", "Basic", "--tags", "a=1")
    assert made["provisioningState"] == "Succeeded"
    assert made["loginServer"] == f"{name}.{suffix}"
    assert made["adminUserEnabled"] is False
    assert az("acr", "check-name", "-n", name)["nameAvailable"] is False
    assert az("acr", "show", "-n", name)["id"] == made["id"]
    assert made["id"] in [item["id"] for item in az("acr", "list")]
    assert [item["id"] for item in az("acr", "list", "-g", group)] == [made["id"]]
    changed = az("acr", "update", "-n", name, "--sku", "Standard", "--tags", "b=2")
    assert (changed["sku"]["name"], changed["tags"]) == ("Standard", {"b": "2"})
    az("acr", "delete", "-n", name, "--yes")
    az.refused("acr", "show", "-n", name, saying="could not be found")


def test_a_name_belongs_to_one_registry_only(
    az: Az, registry: Registry, make_group: Callable[[], str]
) -> None:
    create = ["acr", "create", "-n", registry.name, "-g", make_group(), "--sku", "Basic"]

    az.refused(*create, saying="AlreadyInUse")


@pytest.mark.parametrize("option", ["--allow-metadata-search", "--role-assignment-mode"])
def test_what_is_not_known_is_kept_and_told_or_refused(
    az: Az, make_registry: Callable[..., Registry], option: str
) -> None:
    value = "rbac-abac" if option == "--role-assignment-mode" else "true"
    registry = make_registry()

    outcome = az.run("acr", "update", "-n", registry.name, option, value)

    assert outcome.code == 0 or "(" in outcome.err


def test_anonymous_pull_cannot_be_switched_on(az: Az, registry: Registry) -> None:
    az.refused("acr", "update", "-n", registry.name, "--anonymous-pull-enabled", saying="anonymous")

    assert az("acr", "show", "-n", registry.name)["anonymousPullEnabled"] is False


def test_the_admin_user_has_two_passwords_that_are_renewed_one_by_one(
    az: Az, make_registry: Callable[..., Registry]
) -> None:
    registry = make_registry()
    az.refused("acr", "credential", "show", "-n", registry.name, saying="admin")

    az("acr", "update", "-n", registry.name, "--admin-enabled", "true")
    before = az("acr", "credential", "show", "-n", registry.name)
    renewing = ["acr", "credential", "renew", "-n", registry.name, "--password-name", "password"]
    after = az(*renewing)

    first, second = before["passwords"], after["passwords"]
    assert before["username"] == registry.name
    assert [item["name"] for item in first] == ["password", "password2"]
    assert first[0]["value"] != second[0]["value"]
    assert first[1]["value"] == second[1]["value"]


def test_usage_tells_what_is_stored(az: Az, registry: Registry) -> None:
    usages = {item["name"]: item for item in az("acr", "show-usage", "-n", registry.name)["value"]}

    assert usages["Size"]["unit"] == "Bytes"
    assert usages["Size"]["currentValue"] >= 0
    assert usages["Size"]["limit"] > 0


def test_login_gives_a_token_without_docker(az: Az, registry: Registry) -> None:
    told = az("acr", "login", "-n", registry.name, "--expose-token")

    assert told["loginServer"] == registry.server
    assert told["username"] == "00000000-0000-0000-0000-000000000000"
    assert told["accessToken"].count(".") == 2


def test_endpoints_are_told(az: Az, registry: Registry) -> None:
    assert az("acr", "show-endpoints", "-n", registry.name)["loginServer"] == registry.server


@pytest.mark.parametrize(
    "words",
    [
        ("config", "retention", "show", "-r"),
        ("config", "content-trust", "show", "-r"),
        ("config", "soft-delete", "show", "-r"),
        ("config", "authentication-as-arm", "show", "-r"),
        ("replication", "list", "-r"),
        ("webhook", "list", "-r"),
    ],
    ids=" ".join,
)
def test_reading_settings_never_crashes_az(
    az: Az, registry: Registry, words: tuple[str, ...]
) -> None:
    outcome = az.run("acr", *words, registry.name)

    assert "Traceback" not in outcome.said
    assert outcome.code in {0, 1, 3}
