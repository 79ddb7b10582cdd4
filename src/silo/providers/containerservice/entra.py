"""Sign-in with Entra: what of it a cluster can have, and how ``kubectl`` gets its tokens."""

from collections.abc import Mapping
from typing import Any

from silo import arm, kube

from . import errors
from .properties import AadProfile, ManagedCluster

_SERVER, _CLIENT = "6dae42f8-4368-4678-94ff-3960e28e3630", "80faf920-1908-4b52-b5ef-a8e7bedfc67a"
"""Azure's own applications: the API servers of all clusters, and ``kubectl``."""
_HINT = """
kubelogin is not installed which is required to connect to AAD enabled cluster.

To learn more, please go to https://aka.ms/aks/kubelogin
"""
_AZ_ALONE = "azure"
_QUERY = (
    "{apiVersion:'client.authentication.k8s.io/v1beta1',kind:'ExecCredential',"
    "status:{token:accessToken}}"
)


def settle_profile(
    cluster: ManagedCluster, before: arm.Resource | None, tenant: str
) -> AadProfile | None:
    """Return the profile with Azure's defaults filled in.

    Raises:
        ArmError: it contradicts itself, or takes back what Azure does not take back.

    """
    profile = cluster.aad_profile
    if profile is None or not profile.managed:
        if before is not None and before.properties.get("aadProfile"):
            raise errors.PropertyCannotChange("properties.aadProfile")
        if cluster.disable_local_accounts:
            raise errors.LocalAccountsNeeded
        return None
    if (profile.tenant_id or tenant).casefold() != tenant.casefold():
        raise errors.TenantNotSupported(str(profile.tenant_id))
    return profile.model_copy(
        update={
            "tenant_id": tenant,
            "enable_azure_rbac": bool(profile.enable_azure_rbac),
            "admin_group_object_ids": profile.admin_group_object_ids or (),
        }
    )


def plan_sign_in(profile: AadProfile | None) -> kube.SignIn | None:
    """Return what the machine is to make of a profile."""
    if profile is None:
        return None
    return kube.SignIn(tuple(str(one) for one in profile.admin_group_object_ids or ()))


def choose_program(format_: str, tenant: str) -> Mapping[str, Any]:
    """Return what signs the user of a kubeconfig in.

    AKS's own shape wants ``kubelogin``. Where ``--format azure`` is asked for - a plugin that
    ``kubectl`` has no more - it is az itself, which is there.
    """
    shared = {
        "apiVersion": "client.authentication.k8s.io/v1beta1",
        "env": None,
        "provideClusterInfo": False,
    }
    if format_.casefold() == _AZ_ALONE:
        words = ["account", "get-access-token", "--resource", _SERVER, "--tenant", tenant]
        args = [*words, "--query", _QUERY, "--output", "json"]
        return {**shared, "command": "az", "args": args, "interactiveMode": "Never"}
    login = ["get-token", "--login", "devicecode", "--environment", "AzurePublicCloud"]
    ids = ["--tenant-id", tenant, "--server-id", _SERVER, "--client-id", _CLIENT]
    return {**shared, "command": "kubelogin", "args": [*login, *ids], "installHint": _HINT}
