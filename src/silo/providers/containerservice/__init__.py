"""Microsoft.ContainerService: managed clusters as resources. What runs them is the kube room's."""

from silo import arm

from .agent_pools import AgentPools
from .audit_log import AuditLog as AuditLog
from .authorizer_door import AUTHORIZER_ROUTE as AUTHORIZER_ROUTE
from .authorizer_door import AuthorizerDoor as AuthorizerDoor
from .auto_upgrades import AutoUpgrader as AutoUpgrader
from .autoscaling import Autoscaler as Autoscaler
from .checks import check_cluster
from .commands import Commands
from .issuer_door import ISSUER_ROUTES as ISSUER_ROUTES
from .issuer_door import IssuerDoor as IssuerDoor
from .life import Life
from .maintenance import NAMES, MaintenanceConfiguration, check_maintenance
from .node_group import NodeGroups
from .node_group import list_node_identities as list_node_identities
from .node_shares import NodeShares as NodeShares
from .operations import Operations
from .properties import ManagedCluster
from .reconcile import Reconciling
from .showing import POOL_TYPE
from .surroundings import Surroundings as Surroundings
from .token_issuer import TokenIssuers as TokenIssuers
from .writing import FULL_TYPE as FULL_TYPE
from .writing import Writing

_NAMESPACE = "Microsoft.ContainerService"
_VERSIONS = (
    "2026-06-01",
    "2026-01-01",
    "2025-10-01",
    "2025-09-01",
    "2025-08-01",
    "2025-07-01",
    "2025-05-01",
    "2025-01-01",
    "2024-09-01",
    "2024-05-01",
    "2024-02-01",
    "2023-11-01",
)
_CLUSTER = (
    "/subscriptions/{subscription}/resourceGroups/{group}"
    f"/providers/{_NAMESPACE}/managedClusters/{{name}}"
)
_LOCATION = f"/subscriptions/{{subscription}}/providers/{_NAMESPACE}/locations/{{location}}"


def provider(around: Surroundings) -> arm.Provider:
    """Return the declaration."""
    writing, reconciling, handlers = Writing(around), Reconciling(around), Operations(around)
    life, commands = Life(around), Commands(around)
    clusters: arm.ResourceType[ManagedCluster] = arm.ResourceType(
        name="managedClusters",
        properties=ManagedCluster,
        api_versions=_VERSIONS,
        check=check_cluster,
        check_delete=NodeGroups(around.resources).check_removal,
        on_write=writing.write,
        on_delete=writing.delete,
        reconcile=reconciling.reconcile,
        remove=reconciling.remove,
        render=handlers.render,
        name_pattern=r"[a-zA-Z0-9]([-_a-zA-Z0-9]{0,61}[a-zA-Z0-9])?",
        actions=(
            arm.Action("listClusterUserCredential", handlers.list_user_credential),
            arm.Action("listClusterAdminCredential", handlers.list_admin_credential),
            arm.Action("start", life.start, statuses=(202, 204)),
            arm.Action("runCommand", commands.run, statuses=(202,)),
            arm.Action("stop", life.stop, statuses=(202, 204)),
            arm.Action("rotateClusterCertificates", life.rotate, statuses=(202,)),
            arm.Action("abort", life.abort, statuses=(202,)),
            arm.Action("rotateServiceAccountSigningKeys", life.rotate_signing_key, statuses=(202,)),
        ),
        coverage="partly: no add-ons",
    )
    maintenance: arm.ResourceType[MaintenanceConfiguration] = arm.ResourceType(
        name="managedClusters/maintenanceConfigurations",
        properties=MaintenanceConfiguration,
        api_versions=_VERSIONS,
        located=False,
        check=check_maintenance,
        tracked=False,
        has_state=False,
        patchable=False,
        created_status=200,
        name_pattern="|".join(NAMES),
    )
    return arm.Provider(_NAMESPACE, (clusters, maintenance), _list_operations(handlers))


def open_plans(around: Surroundings) -> Reconciling:
    """Return what lists the plans of every stored cluster, for the start of the machine."""
    return Reconciling(around)


def _list_operations(handlers: Operations) -> tuple[arm.Operation, ...]:
    pools = f"{_CLUSTER}/agentPools"
    return (
        *AgentPools(handlers.around).list_operations(_CLUSTER),
        arm.Operation(
            f"{FULL_TYPE}/commandResults/read",
            "GET",
            f"{_CLUSTER}/commandResults/{{command}}",
            Commands(handlers.around).show,
            statuses=(200, 202),
        ),
        arm.Operation(
            f"{FULL_TYPE}/upgradeProfiles/read",
            "GET",
            f"{_CLUSTER}/upgradeProfiles/default",
            handlers.get_upgrades,
        ),
        arm.Operation(
            f"{POOL_TYPE}/upgradeProfiles/read",
            "GET",
            f"{pools}/{{pool}}/upgradeProfiles/default",
            handlers.get_pool_upgrades,
        ),
        arm.Operation(
            f"{_NAMESPACE}/locations/kubernetesversions/read",
            "GET",
            f"{_LOCATION}/kubernetesVersions",
            handlers.list_versions,
        ),
    )
