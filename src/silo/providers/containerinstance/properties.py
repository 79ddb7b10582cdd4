"""Wire shapes of container groups, in Azure's words.

Source: https://learn.microsoft.com/rest/api/container-instances (2023-05-01 to 2025-09-01).
"""

from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

_CONFIG = ConfigDict(frozen=True, extra="allow", alias_generator=to_camel, populate_by_name=True)


def _check_no_nul(text: str) -> str:
    if "\0" in text:
        raise ValueError("a NUL character cannot be handed to a program")
    return text


Text = Annotated[str, AfterValidator(_check_no_nul)]


class Shape(BaseModel):
    """What every shape has in common: unknown parts are kept and shown again."""

    model_config = _CONFIG


class ContainerPort(Shape):
    """A port a container listens on."""

    port: int
    protocol: str = "TCP"


class EnvironmentVariable(Shape):
    """A variable; ``secure_value`` is never shown again."""

    name: str
    value: Text | None = None
    secure_value: Text | None = None
    secure_value_reference: str | None = None


class GpuResource(Shape):
    """Graphics processors."""

    count: int = Field(ge=0)
    sku: str = Field(max_length=20)


class ResourceAmount(Shape):
    """Requests or limits of one container."""

    cpu: float | None = None
    memory_in_gb: float | None = Field(default=None, alias="memoryInGB")
    gpu: GpuResource | None = None


class ResourceRequirements(Shape):
    """What a container holds, and what it may use at most."""

    requests: ResourceAmount | None = None
    limits: ResourceAmount | None = None


class VolumeMount(Shape):
    """Where a container sees a volume."""

    name: str
    mount_path: Text
    read_only: bool = False


class ContainerExec(Shape):
    """A probe that runs a program."""

    command: tuple[Text, ...] = ()


class HttpHeader(Shape):
    """A header of a probe."""

    name: str
    value: str


class ContainerHttpGet(Shape):
    """A probe that asks over HTTP."""

    path: str = "/"
    port: int
    scheme: str = "http"
    http_headers: tuple[HttpHeader, ...] = ()


class ContainerProbe(Shape):
    """How to find out whether a container is well."""

    exec_: ContainerExec | None = Field(default=None, alias="exec")
    http_get: ContainerHttpGet | None = None
    initial_delay_seconds: int | None = Field(default=None, ge=0)
    period_seconds: int | None = Field(default=None, ge=1)
    failure_threshold: int | None = Field(default=None, ge=1)
    success_threshold: int | None = Field(default=None, ge=1)
    timeout_seconds: int | None = Field(default=None, ge=1)


class Capabilities(Shape):
    """What is added to and taken from the capabilities of a container."""

    add: tuple[str, ...] | None = None
    drop: tuple[str, ...] | None = None


class SecurityContext(Shape):
    """What a container may do."""

    privileged: bool | None = None
    allow_privilege_escalation: bool | None = None
    read_only_root_filesystem: bool | None = None
    capabilities: Capabilities | None = None
    run_as_group: int | None = Field(default=None, ge=0, le=2**31 - 1)
    run_as_user: int | None = Field(default=None, ge=0, le=2**31 - 1)
    seccomp_profile: str | None = None
    """Base64 of the JSON that Docker takes."""


class ConfigMap(Shape):
    """Values that become environment; a variable of the same name wins."""

    key_value_pairs: dict[str, Text] = Field(default_factory=dict)


class ContainerProperties(Shape):
    """One container."""

    image: str | None = None
    command: tuple[Text, ...] | None = None
    ports: tuple[ContainerPort, ...] | None = None
    environment_variables: tuple[EnvironmentVariable, ...] | None = None
    resources: ResourceRequirements | None = None
    volume_mounts: tuple[VolumeMount, ...] | None = None
    liveness_probe: ContainerProbe | None = None
    readiness_probe: ContainerProbe | None = None
    security_context: SecurityContext | None = None
    config_map: ConfigMap | None = None


class Container(Shape):
    """A container and its name."""

    name: str
    properties: ContainerProperties = Field(default_factory=ContainerProperties)


class IpAddress(Shape):
    """How the group is reached; ``ip`` and ``fqdn`` are ours to say."""

    type: str
    ports: tuple[ContainerPort, ...] = ()
    ip: str | None = None
    dns_name_label: str | None = None
    auto_generated_domain_name_label_scope: str | None = None
    fqdn: str | None = None


class ImageRegistryCredential(Shape):
    """How to sign in to one registry."""

    server: str
    username: str | None = None
    password: str | None = None
    identity: str | None = None
    identity_url: str | None = None
    password_reference: str | None = None


class AzureFile(Shape):
    """A file share as a volume."""

    share_name: str
    storage_account_name: str
    storage_account_key: str | None = None
    storage_account_key_reference: str | None = None
    read_only: bool = False


class GitRepo(Shape):
    """A repository as a volume."""

    repository: str
    directory: str | None = None
    revision: str | None = None


class Volume(Shape):
    """A volume; exactly one source is set."""

    name: str
    azure_file: AzureFile | None = None
    empty_dir: dict[str, Any] | None = None
    secret: dict[str, str] | None = None
    secret_reference: dict[str, str] | None = None
    git_repo: GitRepo | None = None


class SubnetId(Shape):
    """The subnet a group lives in."""

    id: str
    name: str | None = None


class DnsConfiguration(Shape):
    """What ``/etc/resolv.conf`` says."""

    name_servers: tuple[str, ...] = ()
    search_domains: str | None = None
    options: str | None = None


class LogAnalytics(Shape):
    """The workspace that the logs go to."""

    workspace_id: str
    workspace_key: str | None = None
    log_type: str | None = None
    metadata: dict[str, str] | None = None
    workspace_resource_id: str | None = None


class Diagnostics(Shape):
    """Where the logs go besides."""

    log_analytics: LogAnalytics | None = None


class ContainerGroup(Shape):
    """A container group."""

    containers: tuple[Container, ...] = ()
    init_containers: tuple[Container, ...] | None = None
    os_type: str | None = None
    restart_policy: str | None = None
    sku: str | None = None
    priority: str | None = None
    ip_address: IpAddress | None = None
    image_registry_credentials: tuple[ImageRegistryCredential, ...] | None = None
    volumes: tuple[Volume, ...] | None = None
    subnet_ids: tuple[SubnetId, ...] | None = None
    dns_config: DnsConfiguration | None = None
    diagnostics: Diagnostics | None = None
    encryption_properties: dict[str, Any] | None = None
    extensions: tuple[dict[str, Any], ...] | None = None
    confidential_compute_properties: dict[str, Any] | None = None
    container_group_profile: dict[str, Any] | None = None
    standby_pool_profile: dict[str, Any] | None = None
    identity_acls: dict[str, Any] | None = None
    silo: dict[str, Any] | None = None
    """Ours (see ``wish.py``); never taken from a client, never shown."""
