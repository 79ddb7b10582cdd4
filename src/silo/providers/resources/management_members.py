"""What is in management groups: subscriptions put in and taken out, descendants, entities."""

from dataclasses import dataclass
from typing import Any

from silo import access, arm, core

from .errors import SubscriptionNotInGroup
from .management_groups import ITEM, ManagementGroups, check_move, check_unmoved
from .management_shapes import render_descendant, render_entity, render_member
from .management_tree import GROUPS, NAMESPACE, Tree, is_group, load_tree
from .reach import Reach

_MEMBERS = f"{ITEM}/subscriptions"
_MEMBER = f"{_MEMBERS}/{{subscription}}"
_NAME = f"{GROUPS}/subscriptions"


@dataclass(frozen=True, slots=True)
class ManagementMembers:
    """The handlers."""

    resources: arm.Resources
    groups: ManagementGroups
    reach: Reach

    def list_operations(self) -> tuple[arm.Operation, ...]:
        """Return the routes."""
        return (
            arm.Operation(f"{_NAME}/read", "GET", _MEMBERS, self.list),
            arm.Operation(f"{_NAME}/read", "GET", _MEMBER, self.get),
            arm.Operation(f"{_NAME}/write", "PUT", _MEMBER, self.add),
            arm.Operation(f"{_NAME}/delete", "DELETE", _MEMBER, self.remove, statuses=(200, 204)),
            arm.Operation(
                f"{GROUPS}/descendants/read", "GET", f"{ITEM}/descendants", self.list_descendants
            ),
            arm.Operation(
                f"{NAMESPACE}/getEntities/action",
                "POST",
                f"/providers/{NAMESPACE}/getEntities",
                self.list_entities,
                filtered=True,
                coverage="partly: no $select, $search, $filter, $view",
            ),
        )

    async def list(self, call: arm.Call, match: arm.Match, _body: Any) -> arm.Reply:
        """List the subscriptions right under a group."""
        tree = self.groups.open_tree(call)
        group = tree.get_group(match["name"])
        found = [node for node in tree.list_children(group) if not is_group(node)]
        return arm.Reply(200, arm.page_items(call, [render_member(group, each) for each in found]))

    async def get(self, call: arm.Call, match: arm.Match, _body: Any) -> arm.Reply:
        """Return a subscription that is right under a group."""
        tree = self.groups.open_tree(call)
        group, subscription = _get_member(tree, match)
        return arm.Reply(200, render_member(group, subscription))

    async def add(self, call: arm.Call, match: arm.Match, _body: Any) -> arm.Reply:
        """Move a subscription under a group."""
        tree = self.groups.open_tree(call)
        group = tree.get_group(match["name"])
        subscription = _get_subscription(tree, match["subscription"])
        await self._move(call, tree, subscription, group)
        return arm.Reply(200, render_member(group, subscription))

    async def remove(self, call: arm.Call, match: arm.Match, _body: Any) -> arm.Reply:
        """Move a subscription back under the tenant root group."""
        tree = self.groups.open_tree(call)
        _, subscription = _get_member(tree, match)
        await self._move(call, tree, subscription, tree.root)
        return arm.Reply(200)

    async def list_descendants(self, call: arm.Call, match: arm.Match, _body: Any) -> arm.Reply:
        """List everything below a group."""
        tree = self.groups.open_tree(call)
        below = tree.iterate_descendants(tree.get_group(match["name"]))
        return arm.Reply(200, arm.page_items(call, [render_descendant(tree, n) for n in below]))

    async def list_entities(self, call: arm.Call, _match: arm.Match, _body: Any) -> arm.Reply:
        """List the groups and subscriptions in which the caller has any role."""
        view = self.reach.open_view(call.principal)
        tree = self.groups.open_tree(call)
        items = [
            render_entity(tree, node, _tell_permissions(call, node))
            for node in tree.nodes.values()
            if view.sees(node.id.text)
        ]
        return arm.Reply(200, {**arm.page_items(call, items), "count": len(items)})

    async def _move(
        self, call: arm.Call, tree: Tree, subscription: arm.Resource, group: arm.Resource
    ) -> None:
        seen = tree.find_parent(subscription)
        check_move(call, tree, subscription, group)

        def write(conn: core.Connection) -> None:
            latest = load_tree(conn, self.resources, call.principal.tenant_id)
            check_unmoved(latest, subscription, seen)
            latest.get_group(group.id.name)
            access.set_parent(conn, subscription.id.text, group.id.text)
            old = seen.id.text if seen else ""
            call.record(conn, 200, moved=subscription.id.text, old=old, new=group.id.text)

        await self.resources.store.write(write)


def _get_subscription(tree: Tree, name: str) -> arm.Resource:
    found = tree.nodes.get(arm.parse_resource_id(f"/subscriptions/{name}").key)
    if found is None:
        raise arm.SubscriptionNotFound(name[:100])
    return found


def _get_member(tree: Tree, match: arm.Match) -> tuple[arm.Resource, arm.Resource]:
    group = tree.get_group(match["name"])
    subscription = _get_subscription(tree, match["subscription"])
    parent = tree.find_parent(subscription)
    if parent is None or parent.id.key != group.id.key:
        raise SubscriptionNotInGroup(subscription.id.name, group.id.name)
    return group, subscription


def _tell_permissions(call: arm.Call, node: arm.Resource) -> str:
    """Return Azure's word for what the caller may do with a group or subscription itself."""
    name = node.id.full_type
    for verb, word in (("delete", "delete"), ("write", "edit"), ("read", "view")):
        if call.allows(f"{name}/{verb}", node.id.text):
            return word
    return "noaccess"
