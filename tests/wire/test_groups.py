"""``az group``, ``tag``, ``lock``, ``provider``, ``resource``, ``rest``: the grammar of ARM."""

import json
from collections.abc import Callable

import pytest
from tools.azure import Az, Registry
from tools.instance import Instance


def test_a_group_is_made_shown_changed_and_deleted(az: Az, unique: Callable[[str], str]) -> None:
    name = unique("group")

    made = az("group", "create", "-n", name, "-l", "westeurope", "--tags", "team=blue")
    assert made["properties"]["provisioningState"] == "Succeeded"
    assert az.text("group", "exists", "-n", name) == "true"
    assert az("group", "show", "-n", name.upper())["id"] == made["id"]
    changed = az("group", "update", "-n", name, "--set", "tags.cost=9")
    assert changed["tags"] == {"team": "blue", "cost": "9"}
    assert name in [group["name"] for group in az("group", "list")]
    assert name in [group["name"] for group in az("group", "list", "--tag", "team=blue")]
    az("group", "delete", "-n", name, "--yes")
    assert az.text("group", "exists", "-n", name) == "false"
    assert az.refused("group", "show", "-n", name, saying="ResourceGroupNotFound").code == 3


def test_deleting_a_group_deletes_what_is_in_it(
    az: Az, make_registry: Callable[..., Registry]
) -> None:
    registry = make_registry()
    group = registry.group

    az("group", "delete", "-n", group, "--yes")

    assert registry.name not in [item["name"] for item in az("acr", "list")]
    assert az("acr", "check-name", "-n", registry.name)["nameAvailable"] is True


def test_a_group_in_no_known_place_is_refused(az: Az, unique: Callable[[str], str]) -> None:
    create = ["group", "create", "-n", unique("group"), "-l", "atlantis"]

    az.refused(*create, saying="LocationNotAvailable")


def test_a_group_does_not_move(az: Az, make_group: Callable[[], str]) -> None:
    create = ["group", "create", "-n", make_group(), "-l", "northeurope"]

    az.refused(*create, saying="InvalidResourceGroupLocation")


def test_tags_are_put_merged_and_taken_away(az: Az, make_group: Callable[[], str]) -> None:
    group = az.text("group", "show", "-n", make_group(), "--query", "id")

    az("tag", "create", "--resource-id", group, "--tags", "a=1", "b=2")
    az("tag", "update", "--resource-id", group, "--operation", "Merge", "--tags", "c=3")
    az("tag", "update", "--resource-id", group, "--operation", "Delete", "--tags", "a=1")

    found = az("tag", "list", "--resource-id", group)
    assert found["properties"]["tags"] == {"b": "2", "c": "3"}


def test_a_lock_against_deletion_holds_until_it_is_taken_off(
    az: Az, make_group: Callable[[], str]
) -> None:
    group = make_group()
    az("lock", "create", "-n", "keep", "-g", group, "--lock-type", "CanNotDelete")

    assert [lock["name"] for lock in az("lock", "list", "-g", group)] == ["keep"]
    az.refused("group", "delete", "-n", group, "--yes", saying="ScopeLocked")
    az("lock", "delete", "-n", "keep", "-g", group)
    az("group", "delete", "-n", group, "--yes")


def test_a_lock_against_writing_holds_for_what_is_inside(
    az: Az, make_registry: Callable[..., Registry]
) -> None:
    registry = make_registry()
    group = registry.group
    az("lock", "create", "-n", "freeze", "-g", group, "--lock-type", "ReadOnly")

    az.refused("acr", "update", "-n", registry.name, "--admin-enabled", saying="ScopeLocked")
    az.refused("acr", "delete", "-n", registry.name, "--yes", saying="ScopeLocked")
    assert az("acr", "show", "-n", registry.name)["id"] == registry.id
    az("lock", "delete", "-n", "freeze", "-g", group)
    assert (
        az("acr", "update", "-n", registry.name, "--sku", "Standard")["sku"]["name"] == "Standard"
    )


def test_every_provider_is_registered(az: Az) -> None:
    found = {item["namespace"]: item["registrationState"] for item in az("provider", "list")}
    one = az("provider", "show", "-n", "Microsoft.ContainerRegistry")

    assert set(found.values()) == {"Registered"}
    assert "registries" in [item["resourceType"] for item in one["resourceTypes"]]
    az("provider", "register", "-n", "Microsoft.ContainerRegistry", "--wait")


def test_resources_are_listed_and_read_by_their_ids(az: Az, registry: Registry) -> None:
    group = registry.group

    listed = az("resource", "list", "-g", group)
    by_type = az("resource", "list", "--resource-type", "Microsoft.ContainerRegistry/registries")
    shown = az("resource", "show", "--ids", registry.id)

    assert [item["id"] for item in listed] == [registry.id]
    assert registry.id in [item["id"] for item in by_type]
    assert shown["properties"]["loginServer"] == registry.server


def test_a_resource_is_tagged_by_its_id(az: Az, make_registry: Callable[..., Registry]) -> None:
    registry = make_registry()

    az("resource", "tag", "--ids", registry.id, "--tags", "a=1", "--is-incremental")

    assert az("acr", "show", "-n", registry.name)["tags"] == {"a": "1"}


def test_a_type_that_silo_does_not_have_is_an_honest_error(
    az: Az, make_group: Callable[[], str]
) -> None:
    create = ["resource", "create", "-g", make_group(), "-n", "x", "--api-version", "2023-01-01"]

    az.refused(
        *create, "--resource-type", "Microsoft.Quantum/workspaces", "--properties", "{}",
        saying="Microsoft.Quantum",
    )  # fmt: skip


def test_templates_are_honestly_not_supported(
    az: Az, make_group: Callable[[], str], folder_of_test: str
) -> None:
    create = ["deployment", "group", "create", "-g", make_group(), "--template-file"]

    az.refused(*create, folder_of_test, saying="not supported yet")


@pytest.fixture
def folder_of_test(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("template") / "template.json"
    schema = "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#"
    document = {"$schema": schema, "contentVersion": "1.0.0.0", "resources": []}
    path.write_text(json.dumps(document))
    return str(path)


def test_rest_reads_arm_and_graph(silo: Instance, az: Az) -> None:
    subscription = az(
        "rest", "-m", "get", "-u", f"/subscriptions/{silo.subscription}?api-version=2022-12-01"
    )
    graph = az("rest", "-m", "get", "-u", f"{silo.endpoints['graph']}/v1.0/servicePrincipals")

    assert subscription["state"] == "Enabled"
    client = silo.credentials["servicePrincipal"]["clientId"]
    assert client in [item["appId"] for item in graph["value"]]


def test_management_groups_are_made_shown_and_deleted(az: Az, unique: Callable[[str], str]) -> None:
    name = unique("people")
    # Without it every command registers the namespace first, and sleeps ten seconds.
    quick = "--no-register"

    az("account", "management-group", "create", "-n", name, "--display-name", "People", quick)

    listed = az("account", "management-group", "list", quick)
    assert name in [item["name"] for item in listed]
    assert az("account", "management-group", "show", "-n", name, quick)["displayName"] == "People"
    az("account", "management-group", "delete", "-n", name, quick)
