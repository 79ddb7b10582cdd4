"""Wire shapes of registries.

Source: https://learn.microsoft.com/rest/api/containerregistry (2025-11-01); azure-wire 4.1.
"""

import ipaddress
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic.alias_generators import to_camel


class _Shape(BaseModel):
    model_config = ConfigDict(
        frozen=True, extra="allow", alias_generator=to_camel, populate_by_name=True
    )


def _in_casing_of(*words: str) -> BeforeValidator:
    """Accept a word in any casing, as Azure does, and keep it in its own."""
    known = {word.casefold(): word for word in words}

    def restore(value: Any) -> Any:
        return known.get(value.casefold(), value) if isinstance(value, str) else value

    return BeforeValidator(restore)


def _check_range(text: str) -> str:
    ipaddress.IPv4Network(text, strict=False)
    return text


Switch = Annotated[Literal["Enabled", "Disabled"], _in_casing_of("Enabled", "Disabled")]
Status = Annotated[Literal["enabled", "disabled"], _in_casing_of("enabled", "disabled")]


class IpRule(_Shape):
    """An address or range that may reach the registry."""

    action: Annotated[Literal["Allow"], _in_casing_of("Allow")] = "Allow"
    value: Annotated[str, AfterValidator(_check_range)]


class NetworkRuleSet(_Shape):
    """From where the registry may be reached."""

    default_action: Annotated[Literal["Allow", "Deny"], _in_casing_of("Allow", "Deny")] = "Allow"
    ip_rules: tuple[IpRule, ...] = ()


class Policy(_Shape):
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


class Policies(_Shape):
    """All policies; ``az acr config`` looks into each of them."""

    quarantine_policy: Policy = Policy()
    trust_policy: TrustPolicy = TrustPolicy()
    retention_policy: RetentionPolicy = RetentionPolicy()
    export_policy: ExportPolicy = ExportPolicy()
    azure_ad_authentication_as_arm_policy: Annotated[
        AzureADAuthenticationAsArmPolicy, Field(alias="azureADAuthenticationAsArmPolicy")
    ] = AzureADAuthenticationAsArmPolicy()
    soft_delete_policy: SoftDeletePolicy = SoftDeletePolicy()


class Encryption(_Shape):
    """Encryption with a customer's key."""

    status: Status = "disabled"


class Registry(_Shape):
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


class NameQuestion(_Shape):
    """The body of ``checkNameAvailability``."""

    name: str
    type: str


class CredentialName(_Shape):
    """The body of ``regenerateCredential``."""

    name: Annotated[Literal["password", "password2"], _in_casing_of("password", "password2")]
