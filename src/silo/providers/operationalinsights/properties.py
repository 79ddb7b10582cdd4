"""Wire shapes of workspaces.

Source: https://learn.microsoft.com/rest/api/loganalytics/workspaces (2025-02-01).
"""

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic.alias_generators import to_camel

SKUS = (
    "PerGB2018",
    "Free",
    "Standard",
    "Premium",
    "PerNode",
    "Standalone",
)
"""Pricing tiers without a commitment: here they differ in retention alone."""
_BY_NAME = {name.casefold(): name for name in SKUS}


class _Shape(BaseModel):
    model_config = ConfigDict(
        frozen=True, extra="allow", alias_generator=to_camel, populate_by_name=True
    )


def _restore_casing(value: Any) -> Any:
    return _BY_NAME.get(value.casefold(), value) if isinstance(value, str) else value


class Sku(_Shape):
    """The pricing tier."""

    name: Annotated[str, BeforeValidator(_restore_casing)] = "PerGB2018"


class Capping(_Shape):
    """How much a workspace takes in a day."""

    daily_quota_gb: float = -1.0
    """-1: no bound."""


class Features(_Shape):
    """Switches of a workspace."""

    disable_local_auth: bool | None = None
    enable_log_access_using_only_resource_permissions: bool | None = True


class Workspace(_Shape):
    """The ``properties`` of a workspace."""

    sku: Sku = Sku()
    retention_in_days: int | None = Field(default=None)
    workspace_capping: Capping = Capping()
    features: Features = Features()
    public_network_access_for_ingestion: str = "Enabled"
    public_network_access_for_query: str = "Enabled"
