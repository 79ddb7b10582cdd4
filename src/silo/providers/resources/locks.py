"""Management locks: what may not be deleted, or not even written, whoever asks.

They are rows of the resource table below their scope; ``arm`` reads them there before every write.
Source: https://learn.microsoft.com/rest/api/resources/management-locks (2020-05-01)
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from silo import arm, core

from .errors import LockNotFound, ScopeNotSupported

_NAME = "Microsoft.Authorization/locks"
_COLLECTION = f"{{scope}}/providers/{_NAME}"
_ITEM = f"{_COLLECTION}/{{name}}"
_LONGEST = 260
_FORBIDDEN = "<>%&:?/\\"


class Owner(BaseModel):
    """An application that a lock belongs to; kept and shown."""

    model_config = ConfigDict(frozen=True, extra="ignore")
    applicationId: Annotated[str, Field(max_length=128)]  # noqa: N815 - Azure's word


class LockProperties(BaseModel):
    """What a client may say of a lock."""

    model_config = ConfigDict(frozen=True, extra="ignore")
    level: Literal["CanNotDelete", "ReadOnly"]
    notes: Annotated[str | None, Field(max_length=512)] = None
    owners: tuple[Owner, ...] | None = None


@dataclass(frozen=True, slots=True)
class Locks:
    """The handlers."""

    resources: arm.Resources

    def list_operations(self) -> tuple[arm.Operation, ...]:
        """Return the routes."""
        return (
            arm.Operation(f"{_NAME}/read", "GET", _COLLECTION, self.list),
            arm.Operation(f"{_NAME}/read", "GET", _ITEM, self.get),
            arm.Operation(f"{_NAME}/write", "PUT", _ITEM, self.put, statuses=(200, 201)),
            arm.Operation(f"{_NAME}/delete", "DELETE", _ITEM, self.delete, statuses=(200, 204)),
        )

    async def list(self, call: arm.Call, match: arm.Match, _body: Any) -> arm.Reply:
        """List the locks at a scope and below it; with ``atScope()`` those of the scope alone."""

        def read(conn: core.Connection) -> dict[str, Any]:
            scope = arm.check_scope(conn, _parse_scope(match.scope))
            at_scope = {lock.id.key for lock in self.resources.list_children(conn, scope, _NAME)}
            found = [
                {**_render(lock), "atScope": lock.id.key in at_scope}
                for lock in self.resources.list(conn, scope, _NAME)
            ]
            wanted = _read_filter(call.query.get("$filter", ""))
            kept = [item for item in found if wanted(item)]
            for item in kept:
                del item["atScope"]
            return arm.page_items(call, kept)

        return arm.Reply(200, self.resources.store.read_now(read))

    async def get(self, _call: arm.Call, match: arm.Match, _body: Any) -> arm.Reply:
        """Return one lock."""
        found = self.resources.store.read_now(lambda conn: self._find(conn, match))
        if found is None:
            raise LockNotFound(match["name"])
        return arm.Reply(200, _render(found))

    async def put(self, call: arm.Call, match: arm.Match, body: Any) -> arm.Reply:
        """Put a lock on, or change its level and notes."""
        name = _check_name(match["name"])
        document = {"properties": _read_properties(body)}

        def write(conn: core.Connection) -> tuple[int, arm.Resource]:
            scope = arm.check_scope(conn, _parse_scope(match.scope), writing=True)
            id_ = scope.child("providers", "Microsoft.Authorization", "locks", name)
            stamp = arm.make_stamp(call.now, call.principal, call.correlation_id)
            found = self.resources.find(conn, id_)
            if found is None:
                status, lock = 201, self.resources.make(id_, document, stamp)
            else:
                generation = found.generation + 1
                status = 200
                lock = replace(found, document=document, generation=generation, changed=stamp)
            written = replace(lock, settled_generation=lock.generation)
            self.resources.put(conn, written)
            call.record(conn, status, level=written.properties["level"], lockScope=scope.text)
            return status, written

        status, written = await self.resources.store.write(write)
        return arm.Reply(status, _render(written))

    async def delete(self, call: arm.Call, match: arm.Match, _body: Any) -> arm.Reply:
        """Take a lock off; 204 when there was none."""

        def write(conn: core.Connection) -> int:
            found = self._find(conn, match)
            if found is None:
                call.record(conn, 204)
                return 204
            self.resources.delete(conn, found.id)
            call.record(conn, 200, level=found.properties["level"], lockScope=match.scope)
            return 200

        return arm.Reply(await self.resources.store.write(write))

    def _find(self, conn: core.Connection, match: arm.Match) -> arm.Resource | None:
        scope = arm.check_scope(conn, _parse_scope(match.scope))
        id_ = scope.child("providers", "Microsoft.Authorization", "locks", match["name"])
        return self.resources.find(conn, id_)


def _parse_scope(text: str) -> arm.ResourceId:
    """Return the scope, which must be a subscription, a group or a resource that is no lock."""
    scope = arm.parse_resource_id(text)
    if not scope.subscription or scope.full_type.casefold() == _NAME.casefold():
        raise ScopeNotSupported("locks", text)
    return scope


def _check_name(name: str) -> str:
    if len(name) > _LONGEST or any(mark in name for mark in _FORBIDDEN) or name.endswith("."):
        raise arm.InvalidResourceName(
            f"The lock name '{name[:50]}' is longer than {_LONGEST} characters, ends in a period "
            f"or has one of '{_FORBIDDEN}'."
        )
    return name


def _read_properties(body: Any) -> dict[str, Any]:
    try:
        wanted = LockProperties.model_validate(arm.require_object(body).get("properties"))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(("properties", *(str(step) for step in first["loc"])))
        raise arm.InvalidRequestContent(f"Path '{place}': {first['msg']}") from None
    return wanted.model_dump(mode="json", exclude_none=True)


def _read_filter(text: str) -> Callable[[Mapping[str, Any]], bool]:
    if not text.strip():
        return lambda _item: True
    calls = {"atScope": _is_at_scope}
    try:
        predicate = core.parse_filter(text, calls)
        predicate({})
    except core.FilterMalformed as error:
        raise arm.InvalidFilterInQueryString(str(error)) from None
    return predicate


def _is_at_scope(item: Mapping[str, Any], _arguments: tuple[Any, ...]) -> bool:
    return bool(item.get("atScope"))


def _render(lock: arm.Resource) -> dict[str, Any]:
    return {
        "id": lock.id.text,
        "name": lock.id.name,
        "type": _NAME,
        "properties": dict(lock.properties),
    }
