"""A cluster's node resource group, and in it the identity that its nodes have: they pull as it.

Both are made with the cluster and go with it; as on Azure they are resources that their owner sees.
An identity of the owner's choice takes the place of the made one.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from silo import arm, core, identity, workload

from . import errors
from .properties import KubeletIdentity, ManagedCluster
from .wish import HIDDEN

KUBELET = "kubeletidentity"
_GROUP_NAME_MAX = 80
"""Azure cuts the names that it makes."""
_ASSIGN = "Microsoft.ManagedIdentity/userAssignedIdentities/assign/action"
_IDENTITY_TYPE = "Microsoft.ManagedIdentity/userAssignedIdentities"


@dataclass(frozen=True, slots=True)
class NodeGroups:
    """What stands beside clusters in the resource table."""

    resources: arm.Resources

    def give(
        self, conn: core.Connection, change: arm.Change[ManagedCluster], resource: arm.Resource
    ) -> arm.Resource:
        """Return the cluster with its group and its nodes' identity, made if they are not there."""
        before = change.current.properties if change.current else {}
        name = _choose_name(resource, change.wanted, before)
        group = self._ensure_group(conn, resource, name, before)
        own = self._ensure_identity(conn, resource, group)
        given = (change.wanted.identity_profile or {}).get(KUBELET)
        if given is not None and given.resource_id.casefold() not in {"", own.id.text.casefold()}:
            shown = _use_given(conn, change, resource, given.resource_id)
        else:
            shown = {
                "resourceId": own.id.text,
                "clientId": own.properties["clientId"],
                "objectId": own.properties["principalId"],
            }
        return resource.with_properties(
            nodeResourceGroup=group.id.name,
            identityProfile={KUBELET: shown},
            **{HIDDEN: {**resource.properties[HIDDEN], "node_group": group.uid}},
        )

    def begin_removal(self, conn: core.Connection, cluster: arm.Resource) -> bool:
        """Have a cluster's group go, with all that is in it; tell whether it is still there."""
        group = self._find(conn, cluster.properties)
        if group is None:
            return False
        if not group.deleting:
            marked = replace(
                group, deleting=True, generation=group.generation + 1, changed=cluster.changed
            )
            self.resources.put(conn, marked)
        return True

    def check_removal(self, conn: core.Connection, cluster: arm.Resource) -> None:
        """Refuse to delete a cluster whose group, or something in it, is locked."""
        group = self._find(conn, cluster.properties)
        if group is not None:
            arm.check_locks(conn, group.id, deleting=True)

    def _find(self, conn: core.Connection, properties: Mapping[str, Any]) -> arm.Resource | None:
        uid = (properties.get(HIDDEN) or {}).get("node_group")
        return self.resources.find_by_uid(conn, uid) if uid else None

    def _ensure_group(
        self, conn: core.Connection, cluster: arm.Resource, name: str, before: Mapping[str, Any]
    ) -> arm.Resource:
        found = self._find(conn, before)
        if found is not None:
            return found
        id_ = arm.parse_resource_id(
            f"/subscriptions/{cluster.id.subscription}/resourceGroups/{name}"
        )
        if self.resources.find(conn, id_) is not None:
            # Somebody else's: what is in it would go with the cluster.
            raise errors.NodeGroupExists(name)
        document = {"location": cluster.location, "managedBy": cluster.id.text}
        return self._put(conn, id_, document, cluster)

    def _ensure_identity(
        self, conn: core.Connection, cluster: arm.Resource, group: arm.Resource
    ) -> arm.Resource:
        id_ = arm.parse_resource_id(
            f"{group.id.text}/providers/{_IDENTITY_TYPE}/{cluster.id.name}-agentpool"
        )
        found = self.resources.find(conn, id_)
        if found is not None:
            return found
        made = identity.create_managed_identity(
            conn, id_.name, id_.text, self.resources.clock.now()
        )
        properties = {
            "tenantId": identity.get_tenant(conn).id,
            "principalId": made.object_id,
            "clientId": made.client_id,
        }
        document = {"location": cluster.location, "properties": properties}
        return self._put(conn, id_, document, cluster)

    def _put(
        self,
        conn: core.Connection,
        id_: arm.ResourceId,
        document: Mapping[str, Any],
        cluster: arm.Resource,
    ) -> arm.Resource:
        made = self.resources.make(id_, document, cluster.changed)
        return self.resources.put(conn, replace(made, settled_generation=made.generation))


def list_node_identities(conn: core.Connection, cluster: arm.Resource) -> workload.Assigned:
    """Return what a cluster's nodes can act as now; never an identity of another incarnation."""
    shown = (cluster.properties.get("identityProfile") or {}).get(KUBELET) or {}
    principal = identity.find_service_principal(conn, str(shown.get("objectId") or ""))
    if principal is None or principal.resource_id.casefold() != shown["resourceId"].casefold():
        return workload.Assigned()
    one = workload.Assignment(principal.id, principal.app_id, principal.resource_id)
    return workload.Assigned(users=(one,))


def _choose_name(cluster: arm.Resource, wanted: ManagedCluster, before: Mapping[str, Any]) -> str:
    kept = before.get("nodeResourceGroup")
    chosen = wanted.node_resource_group
    if kept and chosen and chosen.casefold() != kept.casefold():
        raise errors.PropertyCannotChange("properties.nodeResourceGroup")
    default = f"MC_{cluster.id.group}_{cluster.id.name}_{cluster.location}"[:_GROUP_NAME_MAX]
    # A group's name may not end with a dot, where one that is cut may.
    return str(kept or chosen or default.rstrip("."))


def _use_given(
    conn: core.Connection,
    change: arm.Change[ManagedCluster],
    cluster: arm.Resource,
    text: str,
) -> dict[str, str]:
    """Return an identity of the owner's choice, which the caller needs the right to assign."""
    if arm.parse_resource_id(text).full_type.casefold() != _IDENTITY_TYPE.casefold():
        raise arm.InvalidResourceId(text)
    arm.check_linked(change.call, cluster.id.text, text, _ASSIGN)
    found = identity.find_managed_identity(conn, text)
    if found is None or found.type is not identity.ServicePrincipalType.MANAGED_IDENTITY:
        raise workload.FailedIdentityOperation(cluster.id.text, text)
    return KubeletIdentity(
        resource_id=found.resource_id, client_id=found.app_id, object_id=found.id
    ).model_dump(by_alias=True)
