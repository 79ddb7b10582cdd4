"""The ``identity`` block of a resource: made, shown and taken away in the resource's transaction.

A system-assigned identity lives exactly as long as its resource wants one. A user-assigned one is
somebody else's: who hands it to a workload needs the right to assign it, whenever what runs under
it changes, or anyone who may write the workload could speak as the identity.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from silo import arm, core, identity

from .errors import (
    FailedIdentityOperation,
    InvalidIdentityValues,
    MissingIdentityIds,
)

ASSIGN = "Microsoft.ManagedIdentity/userAssignedIdentities/assign/action"
_TYPE = "microsoft.managedidentity/userassignedidentities"
_SYSTEM, _USER = "SystemAssigned", "UserAssigned"


@dataclass(frozen=True, slots=True)
class Assignment:
    """One identity that a resource has."""

    object_id: str
    """ARM's ``principalId``."""
    client_id: str
    resource_id: str
    """The ARM id of a user-assigned identity; of the resource itself for its own."""


@dataclass(frozen=True, slots=True)
class Assigned:
    """The identities of one resource as they stand in the directory now."""

    system: Assignment | None = None
    users: tuple[Assignment, ...] = ()

    def find_user(self, identity_id: str) -> Assignment | None:
        """Return the user-assigned identity of that ARM id, in any case, or None."""
        key = identity_id.casefold()
        return next((one for one in self.users if one.resource_id.casefold() == key), None)


def write_identities(
    conn: core.Connection, change: arm.Change[Any], resource: arm.Resource
) -> arm.Resource:
    """Give the resource the identities that its document asks for.

    Call it first thing in ``on_write``, while the resource still holds what the client wrote.

    Raises:
        arm.LinkedAuthorizationFailed: the caller may not assign one of them.
        FailedIdentityOperation: one of them does not exist.
        MissingIdentityIds, InvalidIdentityValues: the block contradicts itself.

    """
    if _only_tags_differ(change, resource):
        return resource
    wanted: Mapping[str, Any] = change.document.get("identity") or {}
    kinds = _read_kinds(wanted)
    before = change.current.document if change.current else {}
    current: Mapping[str, Any] = before.get("identity") or {}
    shown: dict[str, Any] = {"type": ", ".join(kinds)}
    if _SYSTEM in kinds:
        own = _find_own(conn, current) or identity.create_managed_identity(
            conn, resource.id.name, resource.id.text, change.call.now
        )
        shown |= {"principalId": own.object_id, "tenantId": identity.get_tenant(conn).id}
    else:
        _delete_own(conn, current)
    users = _list_wanted(wanted, current, kinds)
    if users:
        _check_assignable(change, resource, users)
        shown["userAssignedIdentities"] = {
            text: _render_user(conn, resource, text) for text in users
        }
    return resource.with_document(identity=shown if kinds else None)


def delete_identities(conn: core.Connection, resource: arm.Resource) -> None:
    """Remove the resource's own identity; call it in ``on_delete``."""
    _delete_own(conn, resource.document.get("identity") or {})


def list_assigned(conn: core.Connection, resource: arm.Resource) -> Assigned:
    """Return the identities that a resource can act as now.

    One that was deleted is not among them, nor is one made later under the same name: nobody
    with the right to assign that one has done so.
    """
    block: Mapping[str, Any] = resource.document.get("identity") or {}
    system = None
    own = _find_own(conn, block)
    if own is not None:
        system = Assignment(own.object_id, own.client_id, resource.id.text)
    users = []
    for text, shown in (block.get("userAssignedIdentities") or {}).items():
        principal = identity.find_service_principal(conn, str(shown.get("principalId") or ""))
        if principal is not None and principal.resource_id.casefold() == text.casefold():
            users.append(Assignment(principal.id, principal.app_id, principal.resource_id))
    return Assigned(system, tuple(users))


def check_assigned(document: Mapping[str, Any], identity_ids: Iterable[str]) -> None:
    """Refuse the use of a user-assigned identity that the same document does not assign.

    Raises:
        InvalidIdentityValues: with the ids.

    """
    block: Mapping[str, Any] = document.get("identity") or {}
    known = {text.casefold() for text in block.get("userAssignedIdentities") or {}}
    missing = [text for text in identity_ids if text.casefold() not in known]
    if missing:
        raise InvalidIdentityValues("The identities are not assigned to the resource", missing)


def _read_kinds(block: Mapping[str, Any]) -> tuple[str, ...]:
    # The gateway has checked the word; here it gets Azure's own spelling and order.
    words = {word.strip().casefold() for word in str(block.get("type") or "").split(",")}
    return tuple(kind for kind in (_SYSTEM, _USER) if kind.casefold() in words)


def _find_own(conn: core.Connection, block: Mapping[str, Any]) -> identity.ManagedIdentity | None:
    principal = identity.find_service_principal(conn, str(block.get("principalId") or ""))
    return identity.ManagedIdentity(principal.id, principal.app_id) if principal else None


def _delete_own(conn: core.Connection, block: Mapping[str, Any]) -> None:
    own = _find_own(conn, block)
    if own is not None:
        identity.delete_managed_identity(conn, own.object_id)


def _list_wanted(
    wanted: Mapping[str, Any], current: Mapping[str, Any], kinds: tuple[str, ...]
) -> tuple[str, ...]:
    """Return the ids to assign; a null beside an id takes it away, as in a patch."""
    entries = wanted.get("userAssignedIdentities") or {}
    users = [text for text, value in entries.items() if value is not None]
    if _USER in kinds:
        if not users:
            raise MissingIdentityIds
        for text in users:
            if arm.parse_resource_id(text).full_type.casefold() != _TYPE:
                raise arm.InvalidResourceId(text)
        return tuple({text.casefold(): text for text in users}.values())
    # A patch of the type alone still shows the identities that it takes away.
    known = {text.casefold() for text in current.get("userAssignedIdentities") or {}}
    stray = [text for text in users if text.casefold() not in known]
    if stray:
        raise InvalidIdentityValues(
            f"The type '{wanted.get('type')}' does not take user-assigned identities", stray
        )
    return ()


def _only_tags_differ(change: arm.Change[Any], resource: arm.Resource) -> bool:
    """Tell whether what runs, and as whom, stays as it was."""
    if change.current is None:
        return False
    before, after = ({**one.document, "tags": None} for one in (change.current, resource))
    return before == after


def _check_assignable(
    change: arm.Change[Any], resource: arm.Resource, users: tuple[str, ...]
) -> None:
    for text in users:
        arm.check_linked(change.call, resource.id.text, text, ASSIGN)


def _render_user(conn: core.Connection, resource: arm.Resource, text: str) -> dict[str, str]:
    principal = identity.find_managed_identity(conn, text)
    if principal is None or principal.type is not identity.ServicePrincipalType.MANAGED_IDENTITY:
        raise FailedIdentityOperation(resource.id.text, text)
    return {"principalId": principal.id, "clientId": principal.app_id}
