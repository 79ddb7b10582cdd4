"""Microsoft.ContainerInstance: container groups as resources. What runs them is the engine's."""

from silo import arm, workload

from .checks import ISOLATION_TAG as ISOLATION_TAG
from .operations import Operations
from .properties import ContainerGroup
from .quotas import Promise as Promise
from .quotas import Quota as Quota
from .reconcile import Reconciling
from .showing import observe_group
from .surroundings import Surroundings as Surroundings
from .writing import FULL_TYPE as FULL_TYPE
from .writing import Writing, check_write

_NAMESPACE = "Microsoft.ContainerInstance"
_VERSIONS = (
    "2025-09-01",
    "2024-11-01-preview",
    "2024-10-01-preview",
    "2024-09-01-preview",
    "2024-05-01-preview",
    "2023-05-01",
    "2022-10-01-preview",
    "2022-09-01",
    "2021-10-01",
    "2021-09-01",
    "2021-07-01",
    "2021-03-01",
    "2020-11-01",
    "2019-12-01",
    "2018-10-01",
)
_GROUP = (
    "/subscriptions/{subscription}/resourceGroups/{group}"
    f"/providers/{_NAMESPACE}/containerGroups/{{name}}"
)
_LOCATION = f"/subscriptions/{{subscription}}/providers/{_NAMESPACE}/locations/{{location}}"


def provider(around: Surroundings) -> arm.Provider:
    """Return the declaration."""
    writing, reconciling = Writing(around), Reconciling(around)
    handlers = Operations(around, writing, workload.ExecTickets(around.vault))
    groups: arm.ResourceType[ContainerGroup] = arm.ResourceType(
        name="containerGroups",
        properties=ContainerGroup,
        api_versions=_VERSIONS,
        check=check_write,
        on_write=writing.write,
        on_delete=writing.delete,
        reconcile=reconciling.reconcile,
        remove=reconciling.remove,
        view=observe_group,
        name_pattern=r"(?=.{1,63}$)[a-z0-9]([-a-z0-9]*[a-z0-9])?",
        actions=(
            arm.Action("start", handlers.start, statuses=(202, 204)),
            arm.Action("stop", handlers.stop, statuses=(204,)),
            arm.Action("restart", handlers.restart, statuses=(204,)),
        ),
        coverage="partly: Linux; no GPU, confidential, profiles, extensions, vault references",
    )
    return arm.Provider(_NAMESPACE, (groups,), _list_operations(handlers))


def open_plans(around: Surroundings) -> Reconciling:
    """Return what lists the plans of every stored group, for the engine's start."""
    return Reconciling(around)


def _list_operations(handlers: Operations) -> tuple[arm.Operation, ...]:
    containers = f"{FULL_TYPE}/containers"
    item = f"{_GROUP}/containers/{{container}}"
    return (
        arm.Operation(f"{containers}/logs/read", "GET", f"{item}/logs", handlers.read_log),
        arm.Operation(f"{containers}/exec/action", "POST", f"{item}/exec", handlers.exec),
        arm.Operation(
            f"{containers}/attach/action",
            "POST",
            f"{item}/attach",
            handlers.attach,
        ),
        arm.Operation(
            f"{FULL_TYPE}/outboundNetworkDependenciesEndpoints/read",
            "GET",
            f"{_GROUP}/outboundNetworkDependenciesEndpoints",
            handlers.list_dependencies,
        ),
        arm.Operation(
            f"{_NAMESPACE}/locations/usages/read",
            "GET",
            f"{_LOCATION}/usages",
            handlers.list_usages,
        ),
        arm.Operation(
            f"{_NAMESPACE}/locations/capabilities/read",
            "GET",
            f"{_LOCATION}/capabilities",
            handlers.list_capabilities,
        ),
        arm.Operation(
            f"{_NAMESPACE}/locations/cachedImages/read",
            "GET",
            f"{_LOCATION}/cachedImages",
            handlers.list_cached_images,
        ),
    )
