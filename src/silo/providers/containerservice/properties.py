"""Wire shapes of managed clusters, in Azure's words.

Source: https://learn.microsoft.com/rest/api/aks/managed-clusters (2026-06-01); azure-wire 6.
"""

import uuid
from typing import Any

from pydantic import Field

from silo import arm


class UpgradeSettings(arm.Shape):
    """How nodes of a pool are replaced."""

    max_surge: str | None = Field(default=None, pattern=r"^(\d{1,4}|\d{1,3}%)?$")
    max_unavailable: str | None = Field(default=None, pattern=r"^(\d{1,4}|\d{1,3}%)?$")
    drain_timeout_in_minutes: int | None = Field(default=None, ge=1, le=1440)
    node_soak_duration_in_minutes: int | None = Field(default=None, ge=0, le=30)
    undrainable_node_behavior: str | None = None


class AgentPool(arm.Shape):
    """A pool of nodes; an empty text is the server's choice."""

    name: str = Field(default="", pattern=r"^([a-z][a-z0-9]{0,11})?$")
    mode: str | None = None
    count: int | None = Field(default=None, ge=0, le=1000)
    vm_size: str | None = None
    os_type: str | None = None
    type: str | None = None
    orchestrator_version: str | None = None
    node_image_version: str | None = None
    max_pods: int | None = Field(default=None, ge=10, le=250)
    scale_set_priority: str | None = None
    scale_set_eviction_policy: str | None = None
    spot_max_price: float | None = None
    scale_down_mode: str | None = None
    enable_auto_scaling: bool | None = None
    min_count: int | None = Field(default=None, ge=0, le=1000)
    max_count: int | None = Field(default=None, ge=0, le=1000)
    node_labels: dict[str, str] | None = None
    node_taints: tuple[str, ...] | None = None
    upgrade_settings: UpgradeSettings | None = None
    tags: dict[str, str] | None = None


class NetworkProfile(arm.Shape):
    """How nodes and pods are reached."""

    network_plugin: str | None = None
    network_plugin_mode: str | None = None
    network_policy: str | None = None
    network_dataplane: str | None = None
    pod_cidr: str | None = None
    pod_cidrs: tuple[str, ...] | None = None
    service_cidr: str | None = None
    service_cidrs: tuple[str, ...] | None = None
    dns_service_ip: str | None = Field(default=None, alias="dnsServiceIP")
    load_balancer_sku: str | None = None
    outbound_type: str | None = None
    ip_families: tuple[str, ...] | None = None


class KubeletIdentity(arm.Shape):
    """The identity that nodes have."""

    resource_id: str = ""
    client_id: str = ""
    object_id: str = ""


class AadProfile(arm.Shape):
    """Sign-in with Entra."""

    managed: bool | None = None
    enable_azure_rbac: bool | None = Field(default=None, alias="enableAzureRBAC")
    admin_group_object_ids: tuple[uuid.UUID, ...] | None = Field(
        default=None, alias="adminGroupObjectIDs", max_length=100
    )
    tenant_id: str | None = Field(default=None, alias="tenantID")


class ApiServerAccess(arm.Shape):
    """Who reaches the API server."""

    authorized_ip_ranges: tuple[str, ...] | None = Field(default=None, alias="authorizedIPRanges")
    enable_private_cluster: bool | None = None
    private_dns_zone: str | None = Field(default=None, alias="privateDNSZone")
    enable_private_cluster_public_fqdn: bool | None = Field(
        default=None, alias="enablePrivateClusterPublicFQDN"
    )


class AutoUpgradeProfile(arm.Shape):
    """What is upgraded without being asked for."""

    upgrade_channel: str | None = None
    node_os_upgrade_channel: str | None = Field(default=None, alias="nodeOSUpgradeChannel")


class OidcIssuerProfile(arm.Shape):
    """Whether others can check the tokens of service accounts, and where."""

    enabled: bool | None = None
    issuer_url: str | None = Field(default=None, alias="issuerURL")


class WorkloadIdentity(arm.Shape):
    """Whether pods that ask for it act as identities."""

    enabled: bool | None = None


class SecurityProfile(arm.Shape):
    """What a cluster and its pods are safe by."""

    workload_identity: WorkloadIdentity | None = None


class DefaultController(arm.Shape):
    """The ingress controller that comes with app routing."""

    default_ingress_controller_type: str | None = None


class AppRouting(arm.Shape):
    """The class of ingress that the cluster serves itself."""

    enabled: bool | None = None
    nginx: DefaultController | None = None


class IngressProfile(arm.Shape):
    """How requests come in."""

    web_app_routing: AppRouting | None = None


class ManagedCluster(arm.Shape):
    """A cluster."""

    kubernetes_version: str | None = None
    dns_prefix: str | None = Field(
        default=None, pattern=r"^([a-zA-Z0-9]([-a-zA-Z0-9]{0,52}[a-zA-Z0-9])?)?$"
    )
    agent_pool_profiles: tuple[AgentPool, ...] | None = None
    network_profile: NetworkProfile | None = None
    api_server_access_profile: ApiServerAccess | None = None
    enable_rbac: bool | None = Field(default=None, alias="enableRBAC")
    disable_local_accounts: bool | None = None
    node_resource_group: str | None = Field(default=None, pattern=r"^([-\w.()]{0,89}[-\w()])?$")
    identity_profile: dict[str, KubeletIdentity] | None = None
    aad_profile: AadProfile | None = None
    oidc_issuer_profile: OidcIssuerProfile | None = None
    security_profile: SecurityProfile | None = None
    ingress_profile: IngressProfile | None = None
    bootstrap_profile: dict[str, Any] | None = None
    auto_upgrade_profile: AutoUpgradeProfile | None = None
    auto_scaler_profile: dict[str, str | None] | None = None
    silo: dict[str, Any] | None = None
    """Ours (see ``wish.py``); never taken from a client, never shown."""
