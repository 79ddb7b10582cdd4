from typing import Any

import pytest
from tools import coverage

from silo import arm


async def answer(_call: arm.Call, _match: arm.Match, _body: Any) -> arm.Reply:
    return arm.Reply(200)


GROUP = "/subscriptions/{subscription}/resourceGroups/{group}"
REGISTRY = f"{GROUP}/providers/Microsoft.ContainerRegistry/registries/{{name}}"
OPERATIONS = (
    arm.Operation("Microsoft.ContainerRegistry/registries/read", "GET", REGISTRY, answer),
    arm.Operation(
        "Microsoft.ContainerRegistry/registries/write",
        "PUT",
        REGISTRY,
        answer,
        coverage="partly: no zones",
    ),
    arm.Operation(
        "Microsoft.Authorization/locks/read",
        "GET",
        "{scope}/providers/Microsoft.Authorization/locks",
        answer,
    ),
    arm.Operation(
        "Microsoft.Authorization/checkAccess/read",
        "POST",
        "{scope}/providers/Microsoft.Authorization/checkAccess",
        answer,
    ),
)
AZURE_REGISTRY = (
    "/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}"
    "/providers/Microsoft.ContainerRegistry/registries/{registryName}"
)
AZURE_LOCKS = (
    "/subscriptions/{subscriptionId}/resourcegroups/{resourceGroupName}/providers/"
    "{resourceProviderNamespace}/{parentResourcePath}/{resourceType}/{resourceName}/providers/"
    "Microsoft.Authorization/locks"
)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", AZURE_REGISTRY, "works"),
        ("PUT", AZURE_REGISTRY, "partly: no zones"),
        ("DELETE", AZURE_REGISTRY, "refused: 405 MethodNotAllowed"),
        ("GET", f"{AZURE_REGISTRY}/tasks", "refused: 404 InvalidResourceType"),
        ("GET", "/{scope}/providers/Microsoft.Authorization/locks", "works"),
        ("GET", AZURE_LOCKS, "works"),
        ("GET", "/{resourceId}", "works"),
        ("GET", "/{roleId}", "refused: 404 InvalidResourceType"),
    ],
)
def test_the_routes_say_what_becomes_of_a_request(method: str, path: str, status: str) -> None:
    (row,) = coverage.make_rows([("Microsoft.X", method, path)], OPERATIONS)

    assert row.status == status


def test_what_is_served_beyond_azures_list_is_shown() -> None:
    azure = [("Microsoft.Authorization", "GET", "/{scope}/providers/Microsoft.Authorization/locks")]

    (row,) = coverage.list_own(azure, OPERATIONS)

    assert row.path.endswith("checkAccess")


def test_the_page_counts_and_names_every_operation() -> None:
    azure = [("Microsoft.ContainerRegistry", verb, AZURE_REGISTRY) for verb in ("GET", "DELETE")]

    page = coverage.render(coverage.make_rows(azure, OPERATIONS), ())

    assert "| Microsoft.ContainerRegistry | 2 | 1 | 0 | 1 |" in page
    assert (
        "| registries/delete | `DELETE /subscriptions/{subscription}/resourceGroups/{group}"
        "/providers/Microsoft.ContainerRegistry/registries/{registryName}` "
        "| refused: 405 MethodNotAllowed |" in page
    )


def test_azures_list_is_whole() -> None:
    azure = coverage.read_azure_operations()
    namespaces = {namespace for namespace, _, _ in azure}

    assert len(azure) > 500
    assert namespaces == {
        "Microsoft.Authorization",
        "Microsoft.ContainerInstance",
        "Microsoft.ContainerRegistry",
        "Microsoft.ContainerService",
        "Microsoft.Insights",
        "Microsoft.ManagedIdentity",
        "Microsoft.Management",
        "Microsoft.Network",
        "Microsoft.OperationalInsights",
        "Microsoft.Resources",
        "Microsoft.Storage",
    }
    assert len({(method, path) for _, method, path in azure}) == len(azure)
