"""The rules of workspaces: what is refused, what is stored, and their shared keys."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from silo import arm, core

from . import tables
from .errors import WorkspaceKeyRefused
from .properties import SKUS, Workspace

NAME = r"[A-Za-z0-9][A-Za-z0-9-]{2,61}[A-Za-z0-9]"
_RETENTION = {"Free": (7, 7, 7), "Standard": (30, 30, 30), "Premium": (365, 365, 365)}
"""Least, default and most days by tier; the others are as ``_DAYS``."""
_DAYS = (4, 30, 730)
_OURS = ("customerId", "createdDate", "modifiedDate", "provisioningState")
"""What a client sends back after reading; these are ours to say."""


def check_workspace(change: arm.Change[Workspace]) -> Workspace | None:
    """Refuse what would be promised and not kept."""
    wanted = change.wanted
    extra = wanted.model_extra or {}
    tier = wanted.sku.name
    if tier not in SKUS:
        raise arm.InvalidParameter(
            f"The pricing tier '{tier[:50]}' is not supported; it must be one of {', '.join(SKUS)}."
        )
    least, default, most = _RETENTION.get(tier, _DAYS)
    days = default if wanted.retention_in_days is None else wanted.retention_in_days
    if not least <= days <= most:
        raise arm.InvalidParameter(
            f"'RetentionInDays' property doesn't match the SKU limits: {tier} keeps "
            f"{least} to {most} days."
        )
    refused = {
        "a daily quota": wanted.workspace_capping.daily_quota_gb != -1,
        "replication": _asks(extra.get("replication"), "enabled"),
        "a default data collection rule": bool(extra.get("defaultDataCollectionRuleResourceId")),
        "forced customer-managed storage": bool(extra.get("forceCmkForQuery")),
        "an identity": _has_identity(change.document),
        "ingestion over private links alone": _is_off(wanted.public_network_access_for_ingestion),
        "queries over private links alone": _is_off(wanted.public_network_access_for_query),
        "disabling the shared keys": bool(wanted.features.disable_local_auth),
    }
    for what, asked in refused.items():
        if asked:
            raise arm.InvalidParameter(f"A workspace with {what} is not supported.")
    kept = {name: value for name, value in extra.items() if name not in _OURS}
    known = {name: getattr(wanted, name) for name in type(wanted).model_fields}
    return Workspace.model_construct(**{**known, "retention_in_days": days}, **kept)


def _asks(part: Any, name: str) -> bool:
    return isinstance(part, Mapping) and bool(part.get(name))


def _is_off(text: str) -> bool:
    return text.casefold() != "enabled"


def _has_identity(document: Mapping[str, Any]) -> bool:
    own = document.get("identity") or {}
    return str(own.get("type") or "None").casefold() != "none"


def render_workspace(resource: arm.Resource, _call: arm.Call) -> dict[str, Any]:
    """Return what is computed."""
    sku = dict(resource.properties.get("sku") or {})
    return {
        "createdDate": resource.created.at,
        "modifiedDate": resource.changed.at,
        "sku": {**sku, "lastSkuUpdate": resource.created.at},
    }


@dataclass(frozen=True, slots=True)
class Workspaces:
    """What needs the database besides."""

    store: core.Store
    vault: core.Vault

    def write(
        self, conn: core.Connection, change: arm.Change[Workspace], resource: arm.Resource
    ) -> arm.Resource:
        """Give a new workspace its customer id and keys; keep what an old one has."""
        known = change.current.properties.get("customerId") if change.current else None
        customer_id = str(known or uuid.uuid4())
        days = change.wanted.retention_in_days or _DAYS[1]
        workspace = tables.Workspace(customer_id, resource.id.text, days)
        tables.put_workspace(conn, self.vault, workspace)
        return resource.with_properties(customerId=customer_id)

    def delete(self, conn: core.Connection, resource: arm.Resource) -> None:
        """Forget the keys at once; the records go with the next clean-up."""
        tables.delete_workspace(conn, str(resource.properties["customerId"]))

    async def list_keys(self, _call: arm.Call, resource: arm.Resource, _body: Any) -> arm.Reply:
        """Show both keys."""
        return arm.Reply(200, self.store.read_now(lambda conn: self._render_keys(conn, resource)))

    async def regenerate_keys(
        self, call: arm.Call, resource: arm.Resource, _body: Any
    ) -> arm.Reply:
        """Replace both keys and show the new ones."""

        def write(conn: core.Connection) -> dict[str, str]:
            customer_id = str(resource.properties["customerId"])
            tables.regenerate_keys(conn, self.vault, customer_id)
            call.record(conn, 200)
            return self._render_keys(conn, resource)

        return arm.Reply(200, await self.store.write(write))

    def check_key(self, conn: core.Connection, workspace_id: str, key: str) -> str:
        """Return the id of the workspace that a container group may write to with this key.

        The seam for ``diagnostics.logAnalytics`` of container groups.

        Raises:
            WorkspaceKeyRefused: there is no such workspace, or the key is not its.

        """
        found = tables.find_workspace(conn, workspace_id)
        if found is None or not tables.holds_key(conn, self.vault, found.customer_id, key):
            raise WorkspaceKeyRefused(workspace_id)
        return found.resource_id

    def _render_keys(self, conn: core.Connection, resource: arm.Resource) -> dict[str, str]:
        keys = tables.get_keys(conn, self.vault, str(resource.properties["customerId"]))
        return {f"{name}SharedKey": key for name, key in keys.items()}
