"""What writing and deleting a group does in the transaction that does it."""

import hashlib
from dataclasses import dataclass, replace
from typing import Any

from silo import arm, core, engine, workload

from . import errors
from .checks import SCOPES, check_group, read_level
from .properties import ContainerGroup
from .quotas import Held, check_capacity, check_quota, measure_group
from .sealing import HIDDEN, seal_secrets, split_secrets
from .surroundings import Surroundings
from .wish import Wish, read_group, read_wish

FULL_TYPE = "Microsoft.ContainerInstance/containerGroups"
_RESTED = frozenset(
    {engine.GroupState.STOPPED, engine.GroupState.SUCCEEDED, engine.GroupState.FAILED}
)


def check_write(change: arm.Change[ContainerGroup]) -> ContainerGroup | None:
    """Hold a PUT to the rules; a PATCH changes tags and identity, as in Azure."""
    if is_patch(change):
        if change.current is not None and dict(change.document.get("properties") or {}) != dict(
            change.current.properties
        ):
            raise arm.InvalidRequestContent(
                "Path 'properties': a container group is patched in its tags only; use PUT"
            )
        return None
    group = change.wanted.model_copy(update={"silo": None})
    check_group(change.id.name, group)
    identities = [
        one.identity for one in group.image_registry_credentials or () if one.identity is not None
    ]
    workload.check_assigned(change.document, identities)
    return _with_defaults(_without_shown(group))


def is_patch(change: arm.Change[ContainerGroup]) -> bool:
    """Tell a PATCH, which starts from what is stored, from a PUT, which replaces it."""
    return change.call.recorder.method == "PATCH"


def _with_defaults(group: ContainerGroup) -> ContainerGroup:
    """Return the group with what Azure answers where nothing was said."""
    address = group.ip_address
    if address is not None and address.dns_name_label:
        scope = address.auto_generated_domain_name_label_scope or SCOPES[0]
        address = address.model_copy(update={"auto_generated_domain_name_label_scope": scope})
    return group.model_copy(
        update={
            "restart_policy": group.restart_policy or engine.Restart.ALWAYS.value,
            "sku": group.sku or "Standard",
            "ip_address": address,
        }
    )


def _without_shown(group: ContainerGroup) -> ContainerGroup:
    """Return the group without what a client sends back after reading it."""
    document = group.model_dump(mode="json", by_alias=True, exclude_none=True)
    document.pop("instanceView", None)
    for container in (*document["containers"], *document.get("initContainers", ())):
        container["properties"].pop("instanceView", None)
    for part in ("ip", "fqdn"):
        document.get("ipAddress", {}).pop(part, None)
    return ContainerGroup.model_validate(document)


@dataclass(frozen=True, slots=True)
class Writing:
    """The transaction's part of PUT, PATCH, DELETE, and of start, stop and restart."""

    around: Surroundings

    def write(
        self,
        conn: core.Connection,
        change: arm.Change[ContainerGroup],
        resource: arm.Resource,
    ) -> arm.Resource:
        """Seal, count, name; refuse what cannot be had."""
        resource = workload.write_identities(conn, change, resource)
        current = change.current
        level = read_level(resource.tags, self.around.default_level)
        if is_patch(change) and current is not None:
            if level != engine.Level(read_wish(current).level):
                raise errors.InvalidContainerGroupUpdate(resource.id.name)
            return resource
        reason = self.around.unavailable()
        if reason:
            raise errors.ContainerEngineUnavailable(reason)
        self._check_level(level)
        group = change.wanted
        self._check_parts(group)
        self._check_workspace(conn, group)
        shown, secrets = split_secrets(group)
        before = self._read_before(conn, current)
        if before is not None and not before.rested:
            _check_update(resource.id.name, before, group, level)
        wish = Wish(
            level=level.value, sealed=seal_secrets(self.around.vault, secrets, resource.uid)
        )
        if before is not None:
            same = (
                _normalize(before.group) == _normalize(group)
                and not before.rested
                and not _identity_differs(current, resource)
            )
            wish = replace(wish, revision=before.wish.revision + (0 if same else 1))
        self._admit(conn, resource, group, wish)
        wish = self._place(conn, change.call, resource, group, wish)
        if before is not None and not before.rested:
            # Programs that run would lose their network with the next address.
            wish = replace(wish, ipv6=before.wish.ipv6)
        return store_wish(
            resource.with_document(
                properties=shown.model_dump(mode="json", by_alias=True, exclude_none=True)
            ),
            wish,
        )

    def delete(self, conn: core.Connection, resource: arm.Resource) -> None:
        """Give back the address, the name and the identity."""
        engine.release_names(conn, resource.uid)
        if self.around.release is not None:
            self.around.release(conn, resource.uid)
        workload.delete_identities(conn, resource)

    def start(self, conn: core.Connection, resource: arm.Resource) -> Wish:
        """Return the wish of a group that is to run again, if there is room for it."""
        wish = read_wish(resource)
        started = replace(wish, wanted="running", revision=wish.revision + 1)
        group = read_group(resource, self.around.vault)
        self._admit(conn, resource, group, started)
        return started

    def measure(self, conn: core.Connection, scope: str = "/", *, but: str = "") -> Held:
        """Return what the groups below a scope hold, one left out."""
        every = self.around.resources.list(conn, arm.parse_resource_id(scope), FULL_TYPE)
        return sum(
            (
                measure_group(_read_shown(one), read_wish(one))
                for one in every
                if one.uid != but and not one.deleting
            ),
            Held(),
        )

    def _admit(
        self, conn: core.Connection, resource: arm.Resource, group: ContainerGroup, wish: Wish
    ) -> None:
        asked = measure_group(group, wish)
        mine = f"/subscriptions/{resource.id.subscription}"
        check_quota(
            resource.location, self.around.quota, self.measure(conn, mine, but=resource.uid), asked
        )
        held = self.measure(conn, but=resource.uid)
        check_capacity(resource.location, self.around.promise, group, held, asked)

    def _check_level(self, level: engine.Level) -> None:
        lack = self.around.levels.get(level, "unknown")
        if lack:
            allowed = ",".join(one for one, lacking in self.around.levels.items() if not lacking)
            raise errors.UnsupportedFeature(
                f"The isolation level '{level}' is not available in this location: {lack}. "
                f"Available: '{allowed}'."
            )

    def _check_parts(self, group: ContainerGroup) -> None:
        missing = (
            (group.subnet_ids and self.around.place is None, "Virtual networks"),
            (
                _is_public(group) and self.around.lease_public is None,
                "Public IP addresses",
            ),
            (
                any(one.azure_file for one in group.volumes or ())
                and self.around.find_share is None,
                "Azure file shares",
            ),
        )
        for asked, what in missing:
            if asked:
                raise errors.UnsupportedFeature(f"{what} are not available in this location.")

    def _check_workspace(self, conn: core.Connection, group: ContainerGroup) -> None:
        """Refuse a workspace whose key the writer does not know."""
        workspace = group.diagnostics.log_analytics if group.diagnostics else None
        if workspace is None:
            return
        if self.around.check_workspace is None:
            raise errors.UnsupportedFeature("Log Analytics is not available in this location.")
        self.around.check_workspace(conn, workspace.workspace_id, workspace.workspace_key or "")

    def _place(
        self,
        conn: core.Connection,
        call: arm.Call,
        resource: arm.Resource,
        group: ContainerGroup,
        wish: Wish,
    ) -> Wish:
        """Give the group its public address or its place in a subnet, its shares, and its name."""
        uid, subnets = resource.uid, group.subnet_ids or ()
        if self.around.release is not None and not subnets and not _is_public(group):
            self.around.release(conn, uid)
        if self.around.lease_public is not None and _is_public(group):
            wish = replace(wish, public_address=self.around.lease_public(conn, uid))
        if self.around.place is not None and subnets:
            at = self.around.place(conn, call, subnets[0].id, resource.id, uid)
            wish = replace(
                wish,
                ipv6=at.ipv6 or "",
                router=at.router,
                subnet=at.subnet or "",
                address=at.address or "",
                dns_servers=at.dns_servers,
            )
        wish = replace(wish, shares=self._find_shares(conn, group))
        fqdn = self._name(resource, group)
        if fqdn and not engine.claim_name(conn, fqdn, resource.uid):
            label = group.ip_address.dns_name_label if group.ip_address else ""
            raise errors.DnsNameLabelNotAvailable(
                f"The DNS name label '{label}' in container group '{resource.id.name}' not "
                "available. Try using a different label."
            )
        engine.release_names(conn, resource.uid, keep=fqdn)
        return replace(wish, fqdn=fqdn)

    def _find_shares(self, conn: core.Connection, group: ContainerGroup) -> dict[str, str]:
        found = {}
        for volume in group.volumes or ():
            file, find = volume.azure_file, self.around.find_share
            if file is None or find is None:
                continue
            try:
                path = find(
                    conn,
                    file.storage_account_name,
                    file.storage_account_key or "",
                    file.share_name,
                    read_only=bool(file.read_only),
                )
            except core.StoreUnavailable:
                raise
            except core.SiloError as error:
                raise errors.CannotAccessStorageAccount(volume.name, str(error)) from error
            found[volume.name] = str(path)
        return found

    def _name(self, resource: arm.Resource, group: ContainerGroup) -> str:
        address = group.ip_address
        if address is None or not address.dns_name_label:
            return ""
        scope = (address.auto_generated_domain_name_label_scope or "Unsecure").casefold()
        id_ = resource.id
        told_apart = {
            "unsecure": "",
            "tenantreuse": "tenant",
            "subscriptionreuse": id_.subscription,
            "resourcegroupreuse": f"{id_.subscription}/{id_.group}",
            "noreuse": resource.uid,
        }[scope]
        label = address.dns_name_label
        if told_apart:
            # Azure tells owners apart by a hash between label and region.
            digest = hashlib.sha256(f"{label}/{told_apart}".casefold().encode()).hexdigest()[:16]
            label = f"{label}.{digest}"
        return f"{label}.{resource.location}.azurecontainer.{self.around.domain}"

    def _read_before(self, conn: core.Connection, current: arm.Resource | None) -> "_Before | None":
        if current is None:
            return None
        wish, view = read_wish(current), engine.read_view(conn, current.uid)
        rested = wish.wanted == "stopped" or (view is not None and view.state in _RESTED)
        failed = current.is_settled and current.outcome.state != "Succeeded"
        return _Before(read_group(current, self.around.vault), wish, rested or failed)


@dataclass(frozen=True, slots=True)
class _Before:
    group: ContainerGroup
    wish: Wish
    rested: bool
    """It does not run and will not by itself: a write deploys it as new."""


def store_wish(resource: arm.Resource, wish: Wish) -> arm.Resource:
    """Return the resource with what is kept beside it."""
    return resource.with_properties(**{HIDDEN: wish.store()})


def _read_shown(resource: arm.Resource) -> ContainerGroup:
    properties = {name: value for name, value in resource.properties.items() if name != HIDDEN}
    return ContainerGroup.model_validate(properties)


def _normalize(group: ContainerGroup) -> Any:
    """Return a group without its empty lists, which Azure shows where nothing was given."""

    def strip(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: strip(each) for name, each in value.items() if each != []}
        return [strip(each) for each in value] if isinstance(value, list) else value

    return strip(group.model_dump(mode="json", by_alias=True, exclude_none=True))


def _is_public(group: ContainerGroup) -> bool:
    return group.ip_address is not None and group.ip_address.type.casefold() == "public"


def _identity_differs(current: arm.Resource | None, resource: arm.Resource) -> bool:
    before: Any = current.document.get("identity") if current else None
    return bool(before != resource.document.get("identity"))


def _check_update(name: str, before: _Before, group: ContainerGroup, level: engine.Level) -> None:
    """Refuse what Azure fixes when a group is made.

    Source: https://learn.microsoft.com/azure/container-instances/container-instances-update
    """
    old, running = before.group, replace(before.wish, wanted="running")
    fixed = (
        (old.os_type or "").casefold() == (group.os_type or "").casefold(),
        (old.restart_policy or "Always") == (group.restart_policy or "Always"),
        _list_subnets(old) == _list_subnets(group),
        measure_group(old, running) == measure_group(group, running),
        engine.Level(before.wish.level) is level,
    )
    if not all(fixed):
        raise errors.InvalidContainerGroupUpdate(name)


def _list_subnets(group: ContainerGroup) -> list[str]:
    return [one.id.casefold() for one in group.subnet_ids or ()]
