"""Wire shapes of storage accounts and shares.

Source: https://learn.microsoft.com/rest/api/storagerp (2025-08-01); azure-wire 7.2.
"""

import ipaddress
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from silo import arm


def _check_range(text: str) -> str:
    ipaddress.IPv4Network(text, strict=False)
    return text


class IpRule(arm.Shape):
    """An address or range that may reach the account."""

    action: Annotated[Literal["Allow"], arm.in_casing_of("Allow")] = "Allow"
    value: Annotated[str, AfterValidator(_check_range)]


class NetworkRuleSet(arm.Shape):
    """From where the account may be reached."""

    bypass: str = "AzureServices"
    default_action: Annotated[Literal["Allow", "Deny"], arm.in_casing_of("Allow", "Deny")] = "Allow"
    ip_rules: tuple[IpRule, ...] = ()
    virtual_network_rules: tuple[Any, ...] = ()


class Encryption(arm.Shape):
    """Which key encrypts at rest; here the disk's own, if any."""

    key_source: str = "Microsoft.Storage"
    require_infrastructure_encryption: bool | None = None


class StorageAccount(arm.Shape):
    """https://learn.microsoft.com/rest/api/storagerp/storage-accounts/create (2025-08-01)."""

    access_tier: str | None = None
    allow_shared_key_access: bool | None = None
    network_acls: NetworkRuleSet | None = None
    public_network_access: Annotated[
        Literal["Enabled", "Disabled", "SecuredByPerimeter"],
        arm.in_casing_of("Enabled", "Disabled", "SecuredByPerimeter"),
    ] = "Enabled"
    supports_https_traffic_only: bool = True
    minimum_tls_version: str = "TLS1_2"
    encryption: Encryption | None = None
    is_hns_enabled: bool | None = None
    is_sftp_enabled: bool | None = None
    is_nfs_v3_enabled: bool | None = None
    is_local_user_enabled: bool | None = None
    custom_domain: Any = None
    azure_files_identity_based_authentication: Any = None
    immutable_storage_with_versioning: Any = None
    sas_policy: Any = None
    key_policy: Any = None


class FileShare(arm.Shape):
    """https://learn.microsoft.com/rest/api/storagerp/file-shares/create (2024-01-01)."""

    share_quota: Annotated[int, Field(ge=1, le=102_400)] | None = None
    metadata: dict[str, str] | None = None
    access_tier: str | None = None
    enabled_protocols: str | None = None
    root_squash: str | None = None
    signed_identifiers: tuple[Any, ...] = ()


class ShareBody(arm.Shape):
    """The body of a share's PUT and PATCH."""

    properties: FileShare = FileShare()


class NameQuestion(arm.Shape):
    """The body of ``checkNameAvailability``."""

    name: str
    type: str = "Microsoft.Storage/storageAccounts"


class KeyName(arm.Shape):
    """The body of ``regenerateKey``."""

    key_name: str


class Cors(arm.Shape):
    """Which pages of others may call the file service."""

    cors_rules: tuple[Any, ...] = ()


class RetentionPolicy(arm.Shape):
    """How long a deleted share could be restored."""

    enabled: bool = False
    days: int | None = None


class FileService(arm.Shape):
    """https://learn.microsoft.com/rest/api/storagerp/file-services (2024-01-01)."""

    cors: Cors | None = None
    share_delete_retention_policy: RetentionPolicy | None = None
    protocol_settings: Any = None


class ServiceBody(arm.Shape):
    """The body of the file service's PUT."""

    properties: FileService = FileService()
