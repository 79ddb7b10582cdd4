"""The tree of management groups: who is under whom. ``access`` keeps the edges, ARM the nodes.

Rights run along the same edges, so what is shown here is what decides.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from silo import access, arm, core

from .errors import ManagementGroupNotFound

NAMESPACE = "Microsoft.Management"
GROUPS = f"{NAMESPACE}/managementGroups"
COLLECTION = f"/providers/{GROUPS}"
DEPTH = 6
"""Levels below the root, as in Azure."""
_TENANT = arm.parse_resource_id("/")
_SUBSCRIPTIONS = "Microsoft.Resources/subscriptions"


def get_group_id(name: str) -> arm.ResourceId:
    """Return the id of a management group."""
    return arm.parse_resource_id(f"{COLLECTION}/{name}")


def ensure_root(
    conn: core.Connection, resources: arm.Resources, tenant_id: str, now: datetime
) -> arm.Resource:
    """Make the tenant root group, which is named by the tenant's id, if it is missing."""
    id_ = get_group_id(tenant_id)
    found = resources.find(conn, id_)
    if found is not None:
        return found
    properties = {"displayName": "Tenant Root Group", "tenantId": tenant_id}
    made = resources.make(id_, {"properties": properties}, arm.make_stamp(now))
    return resources.put(conn, replace(made, settled_generation=made.generation))


@dataclass(frozen=True, slots=True)
class Tree:
    """All of it, as one transaction saw it."""

    root: arm.Resource
    nodes: Mapping[str, arm.Resource]
    """Management groups and subscriptions by key."""
    parents: Mapping[str, str]

    def get_group(self, name: str) -> arm.Resource:
        """Return a management group, or raise ManagementGroupNotFound."""
        found = self.nodes.get(get_group_id(name).key)
        if found is None:
            raise ManagementGroupNotFound(name)
        return found

    def find_parent(self, node: arm.Resource) -> arm.Resource | None:
        """Return the group right above; None above the root."""
        if node.id.key == self.root.id.key:
            return None
        return self.nodes.get(self.parents.get(node.id.key, ""), self.root)

    def list_children(self, group: arm.Resource) -> list[arm.Resource]:
        """Return what is right below a group: groups first, each kind by name."""
        below = [
            node
            for node in self.nodes.values()
            if (parent := self.find_parent(node)) is not None and parent.id.key == group.id.key
        ]
        return sorted(below, key=lambda node: (not is_group(node), node.id.key))

    def iterate_descendants(self, group: arm.Resource) -> Iterator[arm.Resource]:
        """Yield everything below a group, each level before the next below it."""
        level = self.list_children(group)
        while level:
            yield from level
            level = [each for node in level if is_group(node) for each in self.list_children(node)]

    def list_ancestors(self, node: arm.Resource) -> list[arm.Resource]:
        """Return the groups above, the nearest first."""
        above = []
        parent = self.find_parent(node)
        while parent is not None:
            above.append(parent)
            parent = self.find_parent(parent)
        return above

    def measure_height(self, group: arm.Resource) -> int:
        """Return how many levels of groups a group has below it."""
        below = [self.measure_height(each) for each in self.list_children(group) if is_group(each)]
        return 1 + max(below) if below else 0


def is_group(node: arm.Resource) -> bool:
    """Tell a management group from a subscription."""
    return node.id.namespace == NAMESPACE


def load_tree(conn: core.Connection, resources: arm.Resources, tenant_id: str) -> Tree:
    """Read the tree."""
    nodes = {
        node.id.key: node
        for type_ in (GROUPS, _SUBSCRIPTIONS)
        for node in resources.list(conn, _TENANT, type_)
    }
    root = nodes.get(get_group_id(tenant_id).key)
    if root is None:
        raise ManagementGroupNotFound(tenant_id)
    return Tree(root, nodes, access.list_parents(conn))
