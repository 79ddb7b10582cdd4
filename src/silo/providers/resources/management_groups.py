"""Management groups: made, renamed, moved, deleted; what is below them inherits their rights.

Who moves something changes who has rights over it. So, as in Azure, the caller must be able to
write at the old and at the new parent, and to assign roles on what moves.
Source: https://learn.microsoft.com/rest/api/managementgroups (2021-04-01)
"""

import re
from dataclasses import dataclass, replace
from typing import Any

from silo import access, arm, core, identity

from .errors import (
    HierarchyChanged,
    InvalidManagementGroup,
    ManagementGroupNotEmpty,
    RootManagementGroupFixed,
)
from .management_shapes import render_group, render_info
from .management_tree import (
    COLLECTION,
    DEPTH,
    GROUPS,
    NAMESPACE,
    Tree,
    get_group_id,
    is_group,
    load_tree,
)

WRITE = f"{GROUPS}/write"
ASSIGN = "Microsoft.Authorization/roleAssignments/write"
ITEM = f"{COLLECTION}/{{name}}"
_NAME = re.compile(r"[A-Za-z0-9_().-]{0,89}[A-Za-z0-9_()-]")
_LONGEST = 256


def check_move(call: arm.Call, tree: Tree, node: arm.Resource | None, place: arm.Resource) -> None:
    """Refuse a caller that may not put something under a group.

    Args:
        call: who asks.
        tree: as it stands.
        node: what moves; None for a group that is being made.
        place: the new parent.

    Raises:
        arm.AuthorizationFailed: at the place where the right is missing.

    """
    wanted = [(WRITE, place.id.text)]
    if node is not None:
        old = tree.find_parent(node)
        wanted += [(WRITE, old.id.text)] if old else []
        wanted.append((ASSIGN, node.id.text))
    for action, scope in wanted:
        if not call.allows(action, scope):
            raise call.refusal(action, scope)


def check_unmoved(tree: Tree, node: arm.Resource, seen: arm.Resource | None) -> None:
    """Refuse to write by a check that was made of another tree."""
    parent = tree.find_parent(node)
    if (parent and parent.id.key) != (seen and seen.id.key):
        raise HierarchyChanged


@dataclass(frozen=True, slots=True)
class ManagementGroups:
    """The handlers of the groups themselves."""

    resources: arm.Resources

    def list_operations(self) -> tuple[arm.Operation, ...]:
        """Return the routes."""
        return (
            arm.Operation(f"{GROUPS}/read", "GET", COLLECTION, self.list, filtered=True),
            arm.Operation(f"{GROUPS}/read", "GET", ITEM, self.get),
            arm.Operation(
                WRITE,
                "PUT",
                ITEM,
                self.put,
                self._get_write_scope,
                coverage="partly: a new group needs the right at the tenant root group too",
            ),
            arm.Operation(WRITE, "PATCH", ITEM, self.patch),
            arm.Operation(f"{GROUPS}/delete", "DELETE", ITEM, self.delete, statuses=(204,)),
            arm.Operation(
                f"{NAMESPACE}/checkNameAvailability/action",
                "POST",
                f"/providers/{NAMESPACE}/checkNameAvailability",
                self.check_name,
            ),
        )

    async def list(self, call: arm.Call, _match: arm.Match, _body: Any) -> arm.Reply:
        """List the groups that the caller may read."""
        tree = self.open_tree(call)
        items = [
            render_info(node)
            for node in tree.nodes.values()
            if is_group(node) and call.allows(f"{GROUPS}/read", node.id.text)
        ]
        return arm.Reply(200, arm.page_items(call, items))

    async def get(self, call: arm.Call, match: arm.Match, _body: Any) -> arm.Reply:
        """Return a group; with ``$expand`` what is in it, or what is above it."""
        tree = self.open_tree(call)
        wanted = call.query.get("$expand", "").casefold()
        if wanted not in {"", "children", "path", "ancestors"}:
            raise arm.InvalidParameter("$expand takes 'children', 'path' or 'ancestors'.")
        recurse = call.query.get("$recurse", "").casefold() == "true"
        body = render_group(tree, tree.get_group(match["name"]), expand=wanted, recurse=recurse)
        return arm.Reply(200, body)

    async def put(self, call: arm.Call, match: arm.Match, body: Any) -> arm.Reply:
        """Make a group, or rename and move it."""
        properties = arm.require_object(body).get("properties") or {}
        if not isinstance(properties, dict):
            raise arm.InvalidRequestContent("Path 'properties': an object is expected")
        details = properties.get("details") or {}
        above = (details.get("parent") or {}) if isinstance(details, dict) else None
        if not isinstance(above, dict):
            raise arm.InvalidRequestContent("Path 'properties.details': an object is expected")
        display_name = _read_text(properties.get("displayName"), "properties.displayName")
        parent = _read_text(above.get("id"), "properties.details.parent.id")
        return await self._write(call, match["name"], display_name, parent)

    async def patch(self, call: arm.Call, match: arm.Match, body: Any) -> arm.Reply:
        """Rename or move a group."""
        wanted = arm.require_object(body)
        display_name = _read_text(wanted.get("displayName"), "displayName")
        parent = _read_text(wanted.get("parentGroupId"), "parentGroupId")
        self.open_tree(call).get_group(match["name"])
        return await self._write(call, match["name"], display_name, parent)

    async def delete(self, call: arm.Call, match: arm.Match, _body: Any) -> arm.Reply:
        """Delete an empty group and the rights assigned on it; 204 also when there was none."""

        def write(conn: core.Connection) -> None:
            tree = load_tree(conn, self.resources, call.principal.tenant_id)
            group = tree.nodes.get(get_group_id(match["name"]).key)
            if group is not None:
                _check_deletable(tree, group)
                self.resources.delete(conn, group.id)
                access.delete_assignments_within(conn, group.id.text)
                access.delete_parent(conn, group.id.text)
            call.record(conn, 204)

        await self.resources.store.write(write)
        return arm.Reply(204)

    async def check_name(self, call: arm.Call, _match: arm.Match, body: Any) -> arm.Reply:
        """Tell whether a name is free."""
        name = _read_text(arm.require_object(body).get("name"), "name")
        if not _NAME.fullmatch(name):
            message = "The name has characters or a length that management groups do not take."
            return arm.Reply(200, {"nameAvailable": False, "reason": "Invalid", "message": message})
        if get_group_id(name).key in self.open_tree(call).nodes:
            message = f"The management group '{name}' exists already."
            return arm.Reply(
                200, {"nameAvailable": False, "reason": "AlreadyExists", "message": message}
            )
        return arm.Reply(200, {"nameAvailable": True})

    def open_tree(self, call: arm.Call) -> Tree:
        """Return the tree as it stands."""
        return self.resources.store.read_now(
            lambda conn: load_tree(conn, self.resources, call.principal.tenant_id)
        )

    def _get_write_scope(self, match: arm.Match) -> str:
        """Ask for the right at the group, or at the root for one that is not there yet."""

        def read(conn: core.Connection) -> str:
            if self.resources.find(conn, match.id) is not None:
                return match.id.text
            return get_group_id(identity.get_tenant(conn).id).text

        return self.resources.store.read_now(read)

    async def _write(self, call: arm.Call, name: str, display_name: str, parent: str) -> arm.Reply:
        """Store a group by the rights that the caller has over the tree as it stands."""
        id_ = get_group_id(name)
        if id_.name != name or not _NAME.fullmatch(name):
            raise arm.InvalidResourceName(
                f"The management group name '{name[:100]}' has characters or a length that is not "
                "accepted."
            )
        tree = self.open_tree(call)
        current = tree.nodes.get(id_.key)
        seen = tree.find_parent(current) if current else None
        place = _choose_parent(tree, current, parent)
        if place is not None and (current is None or place is not seen):
            _check_place(tree, current, place)
            check_move(call, tree, current, place)

        def write(conn: core.Connection) -> dict[str, Any]:
            latest = load_tree(conn, self.resources, call.principal.tenant_id)
            found = latest.nodes.get(id_.key)
            if (found is None) is not (current is None):
                raise HierarchyChanged
            if found is not None:
                check_unmoved(latest, found, seen)
            if place is not None:
                _check_place(latest, found, latest.get_group(place.id.name))
                access.set_parent(conn, id_.text, place.id.text)
            written = self._store(conn, call, id_, found, display_name)
            above = place.id.text if place else ""
            call.record(conn, 200, displayName=written.properties["displayName"], parent=above)
            after = load_tree(conn, self.resources, call.principal.tenant_id)
            return render_group(after, written)

        return arm.Reply(200, await self.resources.store.write(write))

    def _store(
        self,
        conn: core.Connection,
        call: arm.Call,
        id_: arm.ResourceId,
        found: arm.Resource | None,
        display_name: str,
    ) -> arm.Resource:
        stamp = arm.make_stamp(call.now, call.principal, call.correlation_id)
        if found is None:
            properties = {
                "displayName": display_name or id_.name,
                "tenantId": call.principal.tenant_id,
            }
            group = self.resources.make(id_, {"properties": properties}, stamp)
        else:
            shown = display_name or found.properties["displayName"]
            group = replace(
                found.with_properties(displayName=shown),
                generation=found.generation + 1,
                changed=stamp,
            )
        return self.resources.put(conn, replace(group, settled_generation=group.generation))


def _choose_parent(tree: Tree, current: arm.Resource | None, wanted: str) -> arm.Resource | None:
    """Return where a group shall be; None for the root, which is under nothing."""
    if current is not None and current.id.key == tree.root.id.key:
        if wanted:
            raise RootManagementGroupFixed
        return None
    if wanted:
        return get_parent(tree, wanted)
    return tree.find_parent(current) if current else tree.root


def get_parent(tree: Tree, text: str) -> arm.Resource:
    """Return the group that an id, or a bare name, stands for."""
    if not text.startswith("/"):
        return tree.get_group(text)
    id_ = arm.parse_resource_id(text)
    if id_.full_type.casefold() != GROUPS.casefold() or len(id_.segments) != len(
        get_group_id("x").segments
    ):
        raise InvalidManagementGroup(f"The parent '{text[:200]}' is no management group.")
    return tree.get_group(id_.name)


def _check_place(tree: Tree, group: arm.Resource | None, place: arm.Resource) -> None:
    """Refuse a circle, and a tree deeper than Azure's."""
    above = [place, *tree.list_ancestors(place)]
    if group is not None and any(each.id.key == group.id.key for each in above):
        raise InvalidManagementGroup("A management group cannot be under itself.")
    below = tree.measure_height(group) if group is not None else 0
    if len(above) + below > DEPTH:
        raise InvalidManagementGroup(
            f"Management groups cannot be more than {DEPTH} levels below the tenant root group."
        )


def _check_deletable(tree: Tree, group: arm.Resource) -> None:
    if group.id.key == tree.root.id.key:
        raise RootManagementGroupFixed
    if tree.list_children(group):
        raise ManagementGroupNotEmpty(group.id.name)


def _read_text(value: Any, path: str) -> str:
    if value is None:
        return ""
    if not isinstance(value, str) or len(value) > _LONGEST:
        raise arm.InvalidRequestContent(
            f"Path '{path}': text of at most {_LONGEST} characters is expected"
        )
    return value
