"""Microsoft.ContainerRegistry: registries as resources. Their content is the registry room's."""

from silo import arm, core

from .operations import NAME, Registries, check_registry, render_registry
from .properties import Registry
from .refusals import Refusals

_NAMESPACE = "Microsoft.ContainerRegistry"
_VERSIONS = (
    "2026-09-01-preview",
    "2025-11-01",
    "2025-04-01",
    "2025-03-01-preview",
    "2024-11-01-preview",
    "2023-07-01",
    "2023-01-01-preview",
    "2022-12-01",
    "2021-09-01",
    "2019-06-01-preview",
    "2019-05-01",
    "2017-10-01",
)


def provider(resources: arm.Resources, vault: core.Vault) -> arm.Provider:
    """Return the declaration."""
    handlers = Registries(resources.store, vault)
    registries: arm.ResourceType[Registry] = arm.ResourceType(
        name="registries",
        properties=Registry,
        api_versions=_VERSIONS,
        check=check_registry,
        on_write=handlers.write,
        on_delete=handlers.delete,
        render=render_registry,
        name_pattern=NAME,
        actions=(
            arm.Action("listCredentials", handlers.list_credentials, statuses=(200, 400)),
            arm.Action("regenerateCredential", handlers.regenerate_credential, statuses=(200, 400)),
            arm.Action(
                "listUsages",
                handlers.list_usages,
                method="GET",
                permission=f"{_NAMESPACE}/registries/listUsages/read",
                coverage="partly: size alone",
            ),
        ),
        coverage="partly: no private endpoints, customer keys, zones, retention, soft delete",
    )
    check_name = arm.Operation(
        f"{_NAMESPACE}/checkNameAvailability/read",
        "POST",
        f"/subscriptions/{{subscription}}/providers/{_NAMESPACE}/checkNameAvailability",
        handlers.check_name,
    )
    return arm.Provider(
        _NAMESPACE, (registries,), (check_name, *Refusals(resources).list_operations())
    )
