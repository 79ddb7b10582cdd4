"""Wire shapes of registries.

Source: https://learn.microsoft.com/rest/api/containerregistry (2025-11-01); azure-wire 4.1.
"""

import ipaddress
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from silo import arm


def _check_range(text: str) -> str:
    ipaddress.IPv4Network(text, strict=False)
    return text


Switch = Annotated[Literal["Enabled", "Disabled"], arm.in_casing_of("Enabled", "Disabled")]
Status = Annotated[Literal["enabled", "disabled"], arm.in_casing_of("enabled", "disabled")]


class IpRule(arm.Shape):
    """An address or range that may reach the registry."""

    action: Annotated[Literal["Allow"], arm.in_casing_of("Allow")] = "Allow"
    value: Annotated[str, AfterValidator(_check_range)]


class NetworkRuleSet(arm.Shape):
    """From where the registry may be reached."""

    default_action: Annotated[Literal["Allow", "Deny"], arm.in_casing_of("Allow", "Deny")] = "Allow"
    ip_rules: tuple[IpRule, ...] = ()


class Policy(arm.Shape):
    """A policy that is on or off."""

    status: Status = "disabled"


class TrustPolicy(Policy):
    """Content trust."""

    type: str = "Notary"


class RetentionPolicy(Policy):
    """Removal of untagged manifests."""

    days: Annotated[int, Field(ge=0, le=365)] = 7


class ExportPolicy(Policy):
    """Whether content may leave by export pipelines and import."""

    status: Status = "enabled"


class AzureADAuthenticationAsArmPolicy(Policy):
    """Whether a token for ARM may be exchanged for one of the registry."""

    status: Status = "enabled"


class SoftDeletePolicy(Policy):
    """Keeping deleted artifacts for a while."""

    retention_days: Annotated[int, Field(ge=1, le=90)] = 7


class Policies(arm.Shape):
    """All policies; ``az acr config`` looks into each of them."""

    quarantine_policy: Policy = Policy()
    trust_policy: TrustPolicy = TrustPolicy()
    retention_policy: RetentionPolicy = RetentionPolicy()
    export_policy: ExportPolicy = ExportPolicy()
    azure_ad_authentication_as_arm_policy: Annotated[
        AzureADAuthenticationAsArmPolicy, Field(alias="azureADAuthenticationAsArmPolicy")
    ] = AzureADAuthenticationAsArmPolicy()
    soft_delete_policy: SoftDeletePolicy = SoftDeletePolicy()


class Encryption(arm.Shape):
    """Encryption with a customer's key."""

    status: Status = "disabled"


class Registry(arm.Shape):
    """The ``properties`` of a registry."""

    admin_user_enabled: bool = False
    anonymous_pull_enabled: bool = False
    data_endpoint_enabled: bool = False
    public_network_access: Switch = "Enabled"
    network_rule_bypass_options: str = "AzureServices"
    network_rule_set: NetworkRuleSet | None = None
    zone_redundancy: Switch = "Disabled"
    policies: Policies = Policies()
    encryption: Encryption = Encryption()
    role_assignment_mode: str = "LegacyRegistryPermissions"
    auto_generated_domain_name_label_scope: str = "Unsecure"


class NameQuestion(arm.Shape):
    """The body of ``checkNameAvailability``."""

    name: str
    type: str


class CredentialName(arm.Shape):
    """The body of ``regenerateCredential``."""

    name: Annotated[Literal["password", "password2"], arm.in_casing_of("password", "password2")]
