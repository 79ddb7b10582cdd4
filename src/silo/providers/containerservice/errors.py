"""The codes that only Microsoft.ContainerService answers with, in Azure's sentences."""

from collections.abc import Sequence

from silo import arm


class KubernetesUnavailable(arm.Conflict):
    """No clusters are run here, and why."""

    code = "ServiceUnavailable"

    def __init__(self, reason: str) -> None:
        super().__init__(f"Managed clusters cannot be run here: {reason}")


class NoShareAccount(arm.Conflict):
    """The storage account that a cluster's shares are in cannot be made."""

    code = "StorageAccountNotAvailable"

    def __init__(self, name: str) -> None:
        super().__init__(f"The storage account {name} cannot be made for the cluster's shares.")


class VersionNotSupported(arm.ArmError):
    """The version that was asked for is not here."""

    code = "K8sVersionNotSupported"

    def __init__(self, name: str, version: str) -> None:
        super().__init__(
            f"Managed cluster {name} is on version {version[:50]}, which is not supported in this "
            "region. Please use [az aks get-versions] command to get the supported version list "
            "in this region."
        )


class LocalAccountsDisabled(arm.ArmError):
    """Nobody gets a certificate of an administrator from this cluster."""

    code = "BadRequest"

    def __init__(self) -> None:
        super().__init__(
            "Getting static credential is not allowed because this cluster is set to disable local "
            "accounts."
        )


class LocalAccountsNeeded(arm.ArmError):
    """Without Entra nobody could come in."""

    code = "BadRequest"

    def __init__(self) -> None:
        super().__init__(
            "Local accounts can only be disabled where Azure Active Directory integration is "
            "enabled.",
            target="properties.disableLocalAccounts",
        )


class IssuerNotDisabled(arm.ArmError):
    """Whoever believes tokens of a public issuer goes on doing so: it stays."""

    code = "OIDCIssuerFeatureCannotBeDisabled"

    def __init__(self) -> None:
        super().__init__(
            "OIDC issuer feature cannot be disabled.", target="properties.oidcIssuerProfile.enabled"
        )


class IssuerNotEnabled(arm.ArmError):
    """There is no public issuer whose key could be rotated."""

    code = "OperationNotAllowed"

    def __init__(self) -> None:
        super().__init__("OIDC issuer is not enabled.", target="properties.oidcIssuerProfile")


class IssuerNeeded(arm.ArmError):
    """Nobody outside of the cluster could check the tokens of its pods."""

    code = "InvalidParameter"

    def __init__(self) -> None:
        super().__init__(
            "Workload identity requires the OIDC issuer: set oidcIssuerProfile.enabled.",
            target="properties.securityProfile.workloadIdentity.enabled",
        )


class TenantNotSupported(arm.ArmError):
    """People of another tenant are not known here."""

    code = "InvalidParameter"

    def __init__(self, tenant: str) -> None:
        super().__init__(
            f"The tenant '{tenant[:50]}' is not known here.",
            target="properties.aadProfile.tenantID",
        )


class UpgradeNotAllowed(arm.ArmError):
    """Nothing goes back, and no minor is passed over."""

    code = "OperationNotAllowed"

    def __init__(self, before: str, after: str, allowed: Sequence[str]) -> None:
        super().__init__(
            f"Upgrading Kubernetes version {before} to {after} is not allowed. Available upgrades: "
            f"[{' '.join(allowed)}]. Please see https://aka.ms/aks-supported-k8s-ver for version "
            "details.",
            target="kubernetesVersion",
        )


class RollbackNotAllowed(arm.ArmError):
    """What upgrades itself would not stay where it was brought back to."""

    code = "OperationNotAllowed"

    def __init__(self, pool: str, channel: str) -> None:
        super().__init__(
            f"The agent pool {pool} cannot be rolled back while the cluster is upgraded "
            f"automatically (upgradeChannel '{channel}'). Set the channel to 'none' first.",
            target="orchestratorVersion",
        )


class VersionsIncompatible(arm.ArmError):
    """A pool that is newer than its control plane, or too old for it."""

    code = "NodePoolMcVersionIncompatible"

    def __init__(self, pool: str, control: str) -> None:
        super().__init__(
            f"Node pool version {pool} and control plane version {control} are incompatible. A "
            "node pool cannot be newer than the control plane, nor more than three minor versions "
            "older. For more information, please check https://aka.ms/aks/UpgradeVersionRules",
            target="orchestratorVersion",
        )


class SizeNotSupported(arm.ArmError):
    """No such size of a virtual machine."""

    code = "VMSizeNotSupported"

    def __init__(self, size: str, location: str, known: str) -> None:
        super().__init__(
            f"The VM size of {size[:50]} is not allowed in your subscription in location "
            f"'{location}'. The available VM sizes are '{known}'.",
            target="properties.agentPoolProfiles.vmSize",
        )


class QuotaExceeded(arm.ArmError):
    """The machine has not as much as the node is to have."""

    code = "InsufficientVCPUQuota"

    def __init__(self, size: str, cores: float, memory_gib: float) -> None:
        super().__init__(
            f"Insufficient capacity for a node of size {size}: this machine has {cores:g} vCPUs "
            f"and {memory_gib:.1f} GiB of memory left for clusters."
        )


class PropertyNotSupported(arm.ArmError):
    """A part of the request that Azure would follow and this location cannot."""

    code = "FeatureNotSupported"

    def __init__(self, path: str, value: str) -> None:
        super().__init__(
            f"The value {value[:100]} of '{path}' is not supported in this location.", target=path
        )


class PropertyCannotChange(arm.ArmError):
    """What is fixed when a cluster is made."""

    code = "PropertyChangeNotAllowed"

    def __init__(self, path: str) -> None:
        super().__init__(f"Changing property '{path}' is not allowed.", target=path)


class PropertyRequired(arm.ArmError):
    """What no cluster can be without."""

    code = "InvalidParameter"

    def __init__(self, path: str) -> None:
        super().__init__(f"Required parameter {path} is missing (null).", target=path)


class PropertyInvalid(arm.ArmError):
    """A value that means nothing."""

    code = "InvalidParameter"

    def __init__(self, path: str, why: str) -> None:
        super().__init__(f"The value of parameter {path} is invalid: {why[:300]}.", target=path)


class SystemPoolRequired(arm.ArmError):
    """A cluster without a pool for its own pods."""

    code = "InvalidParameter"

    def __init__(self) -> None:
        super().__init__(
            "There has to be at least one system agent pool.",
            target="properties.agentPoolProfiles",
        )


class MachineNotFound(arm.ArmError):
    """The pool has no such machine."""

    status = 404
    code = "NotFound"

    def __init__(self, machine: str, pool: str) -> None:
        super().__init__(f"Could not find the machine {machine[:80]} in the agent pool {pool}.")


class DnsPrefixTaken(arm.Conflict):
    """Another cluster has the name."""

    code = "DnsRecordCreateConflict"

    def __init__(self, fqdn: str) -> None:
        super().__init__(f"The name {fqdn} is taken; choose another dnsPrefix.")


class NodeGroupExists(arm.Conflict):
    """The resource group that the nodes are to have is somebody's already."""

    code = "NodeResourceGroupAlreadyExists"

    def __init__(self, name: str) -> None:
        super().__init__(
            f"The node resource group '{name}' exists already; choose another name, or delete it.",
            target="properties.nodeResourceGroup",
        )


class ClusterFailed(arm.ArmError):
    """The cluster does not come up."""

    status = 500
    code = "ControlPlaneFailed"


class PodDrainFailure(arm.ArmError):
    """Pods do not leave a node."""

    status = 500
    code = "PodDrainFailure"


class PublicNameDisabled(arm.ArmError):
    """A private cluster that has a private name alone."""

    code = "BadRequest"

    def __init__(self) -> None:
        super().__init__("The public FQDN of the private cluster is disabled.")


class ClusterNotReady(arm.Conflict):
    """There are no credentials before there is a cluster."""

    code = "NotReady"

    def __init__(self, name: str) -> None:
        super().__init__(f"The managed cluster {name} has not been created yet; try again later.")


class ClusterStopped(arm.Conflict):
    """A stopped cluster can be started, shown and deleted."""

    code = "OperationNotAllowed"

    def __init__(self) -> None:
        super().__init__(
            "Managed cluster is in (Stopped) state, no operations except for start are allowed. "
            "Please see https://aka.ms/aks-cluster-start-stop for more details."
        )


class OperationPending(arm.Conflict):
    """One thing at a time."""

    code = "OperationNotAllowed"

    def __init__(self, state: str) -> None:
        super().__init__(
            f"Operation is not allowed: Another operation ({state}) is in progress, please wait "
            "for it to finish before starting a new operation. See "
            "https://aka.ms/aks-pending-operation for more details"
        )


class MaintenanceInvalid(arm.ArmError):
    """A maintenance configuration that says nothing that can be followed."""

    code = "InvalidParameter"


class CommandInvalid(arm.ArmError):
    """A part of a command that cannot be run."""

    code = "InvalidParameter"

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"The value of parameter {name} is invalid: {reason}.", target=name)


class NothingToAbort(arm.Conflict):
    """The last operation has ended."""

    code = "OperationNotAllowed"

    def __init__(self) -> None:
        super().__init__("There is no operation in progress on the managed cluster to abort.")


class AbortNotAllowed(arm.Conflict):
    """Half a cluster's end is no state that it could be left in."""

    code = "OperationNotAllowed"

    def __init__(self, state: str) -> None:
        super().__init__(f"Aborting the operation ({state}) is not allowed: it goes on to its end.")


class ClusterTokenRequired(arm.ArmError):
    """Where people sign in with Entra a command is somebody's."""

    code = "InvalidParameter"

    def __init__(self) -> None:
        super().__init__(
            "The parameter clusterToken is required: the cluster is integrated with Azure Active "
            "Directory, and commands run as the one who gives them.",
            target="clusterToken",
        )


class CommandFailed(arm.Conflict):
    """The cluster does not take a command, or tells nothing of it."""

    code = "KubernetesOperationError"


class CommandNotFound(arm.ArmError):
    """No such command was run, or it was long ago."""

    status = 404
    code = "NotFound"

    def __init__(self, name: str) -> None:
        super().__init__(f"Could not find the result of the command {name[:50]}.")


class PoolNotFound(arm.ArmError):
    """The cluster has no such pool."""

    status = 404
    code = "NotFound"

    def __init__(self, pool: str, cluster: str) -> None:
        super().__init__(
            f"Could not find the agent pool {pool[:50]} in the managed cluster {cluster}."
        )
