"""Tags of a subscription, a group or a resource as a small resource of their own; and tag names.

Read, changed and written in one transaction, so of two writers neither undoes the other.
Source: https://learn.microsoft.com/rest/api/resources/tags (2024-11-01)
"""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from silo import arm, core

from .declared import GetCatalogue, is_tracked
from .errors import NotSupported, ScopeNotSupported

_NAME = "Microsoft.Resources/tags"
_PATH = "{scope}/providers/Microsoft.Resources/tags/default"
_NAMES = "/subscriptions/{subscription}/tagNames"
_NAME_READ = "Microsoft.Resources/subscriptions/tagNames"
_CONTAINERS = frozenset({"subscriptions", "subscriptions/resourceGroups"})
_DETAIL = "predefined tag names are not kept; tags are what resources carry"

Change = Callable[[Mapping[str, str]], dict[str, str]]


@dataclass(frozen=True, slots=True)
class Tags:
    """The handlers."""

    resources: arm.Resources
    get_catalogue: GetCatalogue

    def list_operations(self) -> tuple[arm.Operation, ...]:
        """Return the routes."""
        return (
            arm.Operation(f"{_NAME}/read", "GET", _PATH, self.get),
            arm.Operation(f"{_NAME}/write", "PUT", _PATH, self.put),
            arm.Operation(f"{_NAME}/write", "PATCH", _PATH, self.patch),
            arm.Operation(f"{_NAME}/delete", "DELETE", _PATH, self.delete),
            arm.Operation(f"{_NAME_READ}/read", "GET", _NAMES, self.list_names),
            *(
                arm.Operation(
                    f"{_NAME_READ}/{verb}",
                    method,
                    f"{_NAMES}/{{tag}}",
                    self.refuse,
                    statuses=(400,),
                    coverage=f"refused: {_DETAIL}",
                )
                for verb, method in (("write", "PUT"), ("delete", "DELETE"))
            ),
        )

    async def get(self, _call: arm.Call, match: arm.Match, _body: Any) -> arm.Reply:
        """Return the tags of a scope."""
        found = self.resources.store.read_now(lambda conn: self._find(conn, match.scope))
        return arm.Reply(200, _render(found))

    async def put(self, call: arm.Call, match: arm.Match, body: Any) -> arm.Reply:
        """Replace the tags of a scope."""
        wanted = _read_tags(body)
        return arm.Reply(200, _render(await self._write(call, match.scope, lambda _old: wanted)))

    async def patch(self, call: arm.Call, match: arm.Match, body: Any) -> arm.Reply:
        """Merge, replace or delete some tags of a scope."""
        wanted = _read_tags(body)
        change = _read_operation(body, wanted)
        return arm.Reply(200, _render(await self._write(call, match.scope, change)))

    async def delete(self, call: arm.Call, match: arm.Match, _body: Any) -> arm.Reply:
        """Take all tags off a scope."""
        await self._write(call, match.scope, lambda _old: {})
        return arm.Reply(200)

    async def list_names(self, call: arm.Call, match: arm.Match, _body: Any) -> arm.Reply:
        """List the names and values in use in a subscription, and how often each is."""

        def read(conn: core.Connection) -> Counter[tuple[str, str]]:
            scope = arm.check_scope(conn, match.id)
            found = [self.resources.get(conn, scope), *self.resources.list(conn, scope)]
            return Counter(pair for each in found for pair in each.tags.items())

        counts = self.resources.store.read_now(read)
        return arm.Reply(200, arm.page_items(call, _render_names(match.id.text, counts)))

    async def refuse(self, _call: arm.Call, match: arm.Match, _body: Any) -> arm.Reply:
        """Refuse to keep names that no resource carries."""
        self.resources.store.read_now(lambda conn: arm.check_scope(conn, match.id))
        raise NotSupported(
            "Predefined tag names are not supported. Tag a subscription, a resource group or a "
            "resource instead; the names in use are listed."
        )

    def _find(self, conn: core.Connection, scope: str, *, writing: bool = False) -> arm.Resource:
        id_ = arm.parse_resource_id(scope)
        if not id_.subscription:
            raise ScopeNotSupported("tags", scope)
        place = arm.check_scope(conn, id_, writing=writing)
        if place.type not in _CONTAINERS and not is_tracked(self.get_catalogue(), place):
            raise ScopeNotSupported("tags", scope)
        return self.resources.get(conn, place)

    async def _write(self, call: arm.Call, scope: str, change: Change) -> arm.Resource:
        def write(conn: core.Connection) -> arm.Resource:
            found = self._find(conn, scope, writing=True)
            arm.check_locks(conn, found.id, deleting=False)
            if call.if_match not in {"", "*", found.etag}:
                raise arm.PreconditionFailed(call.if_match)
            tags = arm.check_tags(change(found.tags))
            written = self.resources.put(conn, _retag(call, found, tags))
            call.record(conn, 200, tags=tags)
            return written

        return await self.resources.store.write(write)


def _retag(call: arm.Call, found: arm.Resource, tags: dict[str, str]) -> arm.Resource:
    """Return a newer wish; one that was settled stays so: tags change nothing in the world."""
    stamp = arm.make_stamp(call.now, call.principal, call.correlation_id)
    generation = found.generation + 1
    return replace(
        found.with_document(tags=tags),
        generation=generation,
        settled_generation=generation if found.is_settled else found.settled_generation,
        changed=stamp,
    )


def _read_tags(body: Any) -> dict[str, str]:
    properties = arm.require_object(body).get("properties")
    if not isinstance(properties, dict):
        raise arm.InvalidRequestContent("Path 'properties': an object is expected")
    return arm.check_tags(properties.get("tags") or {})


def _read_operation(body: Any, wanted: dict[str, str]) -> Change:
    operation = str(body.get("operation") or "").casefold()
    if operation == "merge":
        return lambda old: _merge(old, wanted)
    if operation == "replace":
        return lambda _old: wanted
    if operation == "delete":
        return lambda old: _subtract(old, wanted)
    raise arm.InvalidRequestContent(
        "Path 'operation': one of 'Merge', 'Replace' and 'Delete' is expected"
    )


def _merge(old: Mapping[str, str], wanted: Mapping[str, str]) -> dict[str, str]:
    """Lay tags over others; names differ in more than case."""
    folded = {name.casefold() for name in wanted}
    return {**{k: v for k, v in old.items() if k.casefold() not in folded}, **wanted}


def _subtract(old: Mapping[str, str], wanted: Mapping[str, str]) -> dict[str, str]:
    """Take away the tags that match in name and value; an empty value matches any."""
    gone = {name.casefold(): value for name, value in wanted.items()}
    return {
        name: value
        for name, value in old.items()
        if name.casefold() not in gone or gone[name.casefold()] not in {value, ""}
    }


def _render(found: arm.Resource) -> dict[str, Any]:
    return {
        "id": f"{found.id.text}/providers/{_NAME}/default",
        "name": "default",
        "type": _NAME,
        "properties": {"tags": dict(found.tags)},
    }


def _render_names(subscription: str, counts: Counter[tuple[str, str]]) -> list[dict[str, Any]]:
    names: dict[str, list[tuple[str, str, int]]] = {}
    for (name, value), count in sorted(counts.items()):
        names.setdefault(name.casefold(), []).append((name, value, count))
    items = []
    for uses in names.values():
        id_ = f"{subscription}/tagNames/{uses[0][0]}"
        values = [
            {"id": f"{id_}/tagValues/{value}", "tagValue": value, "count": _total(count)}
            for _, value, count in uses
        ]
        total = _total(sum(count for _, _, count in uses))
        items.append({"id": id_, "tagName": uses[0][0], "count": total, "values": values})
    return items


def _total(count: int) -> dict[str, Any]:
    return {"type": "Total", "value": count}
