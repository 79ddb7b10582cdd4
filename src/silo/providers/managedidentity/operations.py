"""The rules of identities, their principals in the directory, and the issuers they trust."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from silo import arm, core, identity

from .errors import FederatedCredentialConflict, FederatedCredentialLimit, IdentityNotFound
from .properties import FederatedIdentityCredential, UserAssignedIdentity

_GIVEN = ("tenantId", "principalId", "clientId")
"""What the directory says of an identity; never taken from a client."""


def check_identity(
    change: arm.Change[UserAssignedIdentity],
) -> UserAssignedIdentity | None:
    """Refuse what would be promised and not kept."""
    extra = change.wanted.model_extra or {}
    if extra.get("assignmentRestrictions"):
        raise arm.InvalidParameter("assignmentRestrictions is not supported.")
    if str(extra.get("isolationScope") or "None").casefold() != "none":
        raise arm.InvalidParameter("isolationScope is not supported: there are no regions here.")
    return None


def write_identity(
    conn: core.Connection, change: arm.Change[UserAssignedIdentity], resource: arm.Resource
) -> arm.Resource:
    """Give a new identity its principal; keep what an old one has."""
    if change.current is not None:
        given = {name: change.current.properties[name] for name in _GIVEN}
    else:
        made = identity.create_managed_identity(
            conn, resource.id.name, resource.id.text, change.call.now
        )
        tenant = identity.get_tenant(conn).id
        given = dict(zip(_GIVEN, (tenant, made.object_id, made.client_id), strict=True))
    return resource.with_properties(**given)


def delete_identity(conn: core.Connection, resource: arm.Resource) -> None:
    """Remove the principal with the identity; its tokens and roles end with it."""
    identity.delete_managed_identity(conn, resource.properties["principalId"])


def check_credential(
    change: arm.Change[FederatedIdentityCredential],
) -> FederatedIdentityCredential | None:
    """Refuse what would be promised and not kept."""
    if (change.wanted.model_extra or {}).get("claimsMatchingExpression"):
        raise arm.InvalidParameter("claimsMatchingExpression is not supported; give a subject.")
    return None


@dataclass(frozen=True, slots=True)
class Identities:
    """What needs the resource table besides."""

    resources: arm.Resources

    def write_credential(
        self,
        conn: core.Connection,
        change: arm.Change[FederatedIdentityCredential],
        resource: arm.Resource,
    ) -> arm.Resource | None:
        """Let the issuer of tokens trust this pair of issuer and subject."""
        owner = self._get_owner(conn, resource.id)
        name, wanted = resource.id.name, change.wanted
        known = {
            each.name.casefold(): each.id
            for each in identity.list_federated_credentials(conn, owner)
        }
        credential = identity.FederatedCredential(
            id=known.get(name.casefold(), str(uuid.uuid4())),
            object_id=owner,
            name=name,
            issuer=wanted.issuer,
            subject=wanted.subject,
            audiences=wanted.audiences,
            description="",
        )
        try:
            identity.put_federated_credential(conn, credential)
        except identity.ObjectConflict as error:
            raise FederatedCredentialConflict(str(error)) from error
        except identity.PropertyInvalid as error:
            raise FederatedCredentialLimit(str(error)) from error
        return None

    def delete_credential(self, conn: core.Connection, resource: arm.Resource) -> None:
        """Stop trusting; in a cascade the identity took its credentials along already."""
        parent = resource.id.parent
        owner = self.resources.find(conn, parent) if parent else None
        if owner is not None:
            principal = owner.properties["principalId"]
            identity.delete_federated_credential(conn, principal, resource.id.name)

    async def list_associated(
        self, call: arm.Call, resource: arm.Resource, _body: Any
    ) -> arm.Reply:
        """List the resources that carry this identity, as far as the caller may read them."""
        tenant = arm.parse_resource_id("/")
        every = self.resources.store.read_now(lambda conn: self.resources.list(conn, tenant))
        found = [
            _describe(each)
            for each in every
            if _carries(each, resource.id.key)
            and call.allows(f"{each.id.full_type}/read", each.id.text)
        ]
        return arm.Reply(200, {"totalCount": len(found), "value": found})

    async def get_system_assigned(self, _call: arm.Call, match: arm.Match, _body: Any) -> arm.Reply:
        """Return a resource's own identity."""

        def read(conn: core.Connection) -> dict[str, Any]:
            resource = self.resources.get(conn, arm.parse_resource_id(match.scope))
            own: Mapping[str, Any] = resource.document.get("identity") or {}
            principal = identity.find_service_principal(conn, str(own.get("principalId") or ""))
            if principal is None:
                raise IdentityNotFound(match.scope)
            return {
                "id": f"{resource.id}/providers/Microsoft.ManagedIdentity/identities/default",
                "name": "default",
                "type": "Microsoft.ManagedIdentity/identities",
                "location": resource.location,
                "tags": dict(resource.tags),
                "properties": {
                    "tenantId": identity.get_tenant(conn).id,
                    "principalId": principal.id,
                    "clientId": principal.app_id,
                },
            }

        return arm.Reply(200, self.resources.store.read_now(read))

    def _get_owner(self, conn: core.Connection, credential: arm.ResourceId) -> str:
        parent = credential.parent
        if parent is None:
            raise arm.InvalidResourceId(credential.text)
        return str(self.resources.get(conn, parent).properties["principalId"])


def _carries(resource: arm.Resource, identity_key: str) -> bool:
    own: Mapping[str, Any] = resource.document.get("identity") or {}
    return any(each.casefold() == identity_key for each in own.get("userAssignedIdentities") or ())


def _describe(resource: arm.Resource) -> dict[str, str]:
    return {
        "id": resource.id.text,
        "name": resource.id.name,
        "type": resource.id.full_type,
        "resourceGroup": resource.id.group,
        "subscriptionId": resource.id.subscription,
        "subscriptionDisplayName": "",
    }
