"""Management groups, and what is in them, as Azure shows them. Pure."""

from typing import Any

from silo import arm

from .management_tree import GROUPS, Tree, is_group

_SUBSCRIPTION = "/subscriptions"
"""The ``type`` of a subscription in this namespace."""


def render_info(group: arm.Resource) -> dict[str, Any]:
    """Return a group as it stands in lists."""
    return {
        "id": group.id.text,
        "type": GROUPS,
        "name": group.id.name,
        "properties": {
            "tenantId": group.properties["tenantId"],
            "displayName": group.properties["displayName"],
        },
    }


def render_group(
    tree: Tree, group: arm.Resource, *, expand: str = "", recurse: bool = False
) -> dict[str, Any]:
    """Return a group with its place in the tree."""
    body = render_info(group)
    parent = tree.find_parent(group)
    above = tree.list_ancestors(group)
    details: dict[str, Any] = {
        "version": group.generation,
        "updatedTime": group.changed.at,
        "updatedBy": group.changed.by_id or group.changed.by,
        "parent": _render_parent(parent) if parent else None,
    }
    chain = [_render_step(each) for each in above]
    if expand == "path":
        details["path"] = chain[::-1]
    if expand == "ancestors":
        details["managementGroupAncestors"] = [each["name"] for each in chain]
        details["managementGroupAncestorsChain"] = chain
    body["properties"]["details"] = details
    if expand == "children":
        body["properties"]["children"] = _render_children(tree, group, recurse=recurse)
    return body


def render_descendant(tree: Tree, node: arm.Resource) -> dict[str, Any]:
    """Return something below a group, with what is right above it."""
    parent = tree.find_parent(node)
    return {
        "id": node.id.text,
        "type": GROUPS if is_group(node) else _SUBSCRIPTION,
        "name": node.id.name,
        "properties": {
            "displayName": node.properties["displayName"],
            "parent": {"id": parent.id.text if parent else None},
        },
    }


def render_entity(tree: Tree, node: arm.Resource, permissions: str) -> dict[str, Any]:
    """Return a group or subscription with its surroundings counted."""
    body = render_descendant(tree, node)
    above = tree.list_ancestors(node)[::-1]
    children = tree.list_children(node) if is_group(node) else []
    below = list(tree.iterate_descendants(node)) if is_group(node) else []
    body["properties"].update(
        {
            "tenantId": node.properties["tenantId"],
            "permissions": permissions,
            "inheritedPermissions": permissions,
            "numberOfDescendants": len(below),
            "numberOfChildren": len(children),
            "numberOfChildGroups": sum(map(is_group, children)),
            "parentDisplayNameChain": [each.properties["displayName"] for each in above],
            "parentNameChain": [each.id.name for each in above],
        }
    )
    return body


def render_member(group: arm.Resource, subscription: arm.Resource) -> dict[str, Any]:
    """Return a subscription as a member of a group."""
    return {
        "id": f"{group.id.text}/subscriptions/{subscription.id.name}",
        "type": f"{GROUPS}/subscriptions",
        "name": subscription.id.name,
        "properties": {
            "tenant": subscription.properties["tenantId"],
            "displayName": subscription.properties["displayName"],
            "parent": {"id": group.id.text},
            "state": "Active",
        },
    }


def _render_children(tree: Tree, group: arm.Resource, *, recurse: bool) -> list[dict[str, Any]]:
    children = []
    for node in tree.list_children(group):
        child: dict[str, Any] = {
            "type": GROUPS if is_group(node) else _SUBSCRIPTION,
            "id": node.id.text,
            "name": node.id.name,
            "displayName": node.properties["displayName"],
        }
        if recurse and is_group(node):
            child["children"] = _render_children(tree, node, recurse=True)
        children.append(child)
    return children


def _render_parent(parent: arm.Resource) -> dict[str, str]:
    return {"id": parent.id.text, **_render_step(parent)}


def _render_step(group: arm.Resource) -> dict[str, str]:
    return {"name": group.id.name, "displayName": group.properties["displayName"]}
