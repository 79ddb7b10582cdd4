"""The verbs of a declared type: GET, HEAD, PUT, PATCH, DELETE, its lists and its actions."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Generic, TypeVar

from pydantic import BaseModel

from silo import core

from . import documents, listing, long_running
from .errors import (
    ArmError,
    InvalidResourceGroupLocation,
    InvalidResourceLocation,
    InvalidResourceName,
    PreconditionFailed,
    ResourceBeingDeleted,
    ResourceGroupBeingDeleted,
)
from .provider import Action, Call, Change, Handler, Match, Operation, Reply, ResourceType
from .removal import FindType, begin_removal
from .resource_id import ResourceId
from .resources import Outcome, Resource, Resources, make_stamp
from .scopes import check_locks, check_scope

P = TypeVar("P", bound=BaseModel)

GROUP = "/subscriptions/{subscription}/resourceGroups/{group}"
SUBSCRIPTION = "/subscriptions/{subscription}"
_GROUP_TYPE = "subscriptions/resourceGroups"


class Verbs(Generic[P]):
    """What one declaration of a type expands to."""

    def __init__(
        self, namespace: str, type_: ResourceType[P], resources: Resources, find_type: FindType
    ) -> None:
        self._namespace = namespace
        self._type = type_
        self._resources = resources
        self._store = resources.store
        self._find_type = find_type
        self._full_type = f"{namespace}/{type_.name}"
        self._name = re.compile(type_.name_pattern)

    def operations(self) -> tuple[Operation, ...]:
        """Return the routes, each with the permission it asks for."""
        type_, item = self._type, self._item_path()
        stored = type_.created_status
        rows: list[tuple[str, str, str, Handler, tuple[int, ...]]] = [
            ("read", "GET", item, self.get, (200, 304)),
            ("read", "HEAD", item, self.head, (204,)),
            ("write", "PUT", item, self.put, (200, stored)),
            ("delete", "DELETE", item, self.delete, (202, type_.deleted_status, 204)),
        ]
        if type_.patchable:
            rows.append(("write", "PATCH", item, self.patch, (200,)))
        declared = [
            Operation(
                f"{self._full_type}/{verb}",
                method,
                path,
                handler,
                statuses=statuses,
                coverage=type_.coverage,
            )
            for verb, method, path, handler, statuses in rows
        ]
        declared += [
            Operation(
                f"{self._full_type}/read",
                "GET",
                path,
                self.list,
                coverage=type_.coverage,
                filtered=True,
            )
            for path in self._list_paths(item)
        ]
        return (*declared, *(self._declare_action(item, action) for action in type_.actions))

    async def get(self, call: Call, match: Match, _body: Any) -> Reply:
        """Answer the resource, or 304 when the caller has it."""
        resource = self._store.read_now(lambda conn: self._show(conn, self._get(conn, match.id)))
        # What a view sees changes without a new entity tag.
        cacheable = self._type.view is None
        if cacheable and call.if_none_match and _names(call.if_none_match, resource):
            return Reply(304, None, {"etag": resource.etag})
        return self._render(resource, call, 200)

    async def head(self, _call: Call, match: Match, _body: Any) -> Reply:
        """Answer whether it exists."""
        self._store.read_now(lambda conn: self._get(conn, match.id))
        return Reply(204)

    async def list(self, call: Call, match: Match, _body: Any) -> Reply:
        """Answer what of this type lies at or below the scope and may be read by the caller."""
        read = f"{self._full_type}/read"
        may_read_all = call.allows(read, match.id.text)

        def keep(resource: Resource) -> bool:
            return may_read_all or call.allows(read, resource.id.text)

        def page(conn: core.Connection) -> dict[str, Any]:
            try:
                scope = check_scope(conn, match.id)
            except ArmError:
                if may_read_all:
                    raise
                # Who may read nothing here must not learn whether it exists.
                raise call.refusal(read, match.id.text) from None
            return listing.list_page(
                conn,
                self._resources,
                call,
                scope,
                type_=self._full_type,
                keep=keep,
                render=lambda found: documents.render_resource(
                    self._show(conn, found), self._namespace, self._type, call
                ),
            )

        found = self._store.read_now(page)
        if not found["value"] and not may_read_all:
            raise call.refusal(read, match.id.text)
        return Reply(200, found)

    async def put(self, call: Call, match: Match, body: Any) -> Reply:
        """Store the wish that the body states."""
        if self._name.fullmatch(match.id.name) is None:
            raise InvalidResourceName(
                f"The name '{match.id.name[:100]}' is not valid for a resource of type "
                f"'{self._full_type}'; it must match '{self._type.name_pattern}'."
            )
        document = documents.read_document(body, self._full_type, located=self._type.located)

        def write(conn: core.Connection) -> tuple[Resource, int]:
            parent = self._check_parent(conn, match.id)
            current = self._resources.find(conn, match.id)
            id_ = current.id if current else _below(parent, match.id)
            resource = self._store_wish(conn, call, id_, current, document)
            return self._show(conn, resource), 200 if current else self._type.created_status

        resource, status = await self._store.write(write)
        return self._render(resource, call, status)

    async def patch(self, call: Call, match: Match, body: Any) -> Reply:
        """Merge the body into the stored wish."""

        def write(conn: core.Connection) -> Resource:
            current = self._get(conn, match.id)
            self._check_parent(conn, match.id)
            document = documents.patch_document(
                current.document, body, self._full_type, located=self._type.located
            )
            wish = self._store_wish(conn, call, current.id, current, document)
            return self._show(conn, wish)

        return self._render(await self._store.write(write), call, 200)

    async def delete(self, call: Call, match: Match, _body: Any) -> Reply:
        """Remove the resource now, or have the reconcile loop do it (202)."""

        def write(conn: core.Connection) -> tuple[Resource | None, int]:
            current = self._resources.find(conn, match.id)
            if current is None:
                scope = match.id if self._full_type.endswith(_GROUP_TYPE) else match.id.parent
                if scope is not None:
                    check_scope(conn, scope)
                return None, 204
            _check_preconditions(call, current)
            check_locks(conn, current.id, deleting=True)
            if current.deleting:
                return current, 202
            if self._type.check_delete is not None:
                self._type.check_delete(conn, current)
            stamp = make_stamp(call.now, call.principal, call.correlation_id)
            left = begin_removal(conn, self._resources, self._find_type, current, stamp)
            status = 202 if left else self._type.deleted_status
            call.record(conn, status)
            return left, status

        left, status = await self._store.write(write)
        return Reply(status, None, long_running.render_headers(call, left) if left else {})

    def _declare_action(self, item: str, action: Action) -> Operation:
        kind = "read" if action.method in {"GET", "HEAD"} else "action"
        writing = kind == "action"

        async def act(call: Call, match: Match, body: Any) -> Reply:
            def find(conn: core.Connection) -> Resource:
                resource = self._get(conn, match.id)
                if writing:
                    check_locks(conn, resource.id, deleting=False)
                return resource

            return await action.handler(call, self._store.read_now(find), body)

        return Operation(
            action.permission or f"{self._full_type}/{action.name}/{kind}",
            action.method,
            f"{item}/{action.name}",
            act,
            permission_scope=lambda match: match.id.text,
            statuses=action.statuses,
            coverage=action.coverage,
        )

    def _store_wish(
        self,
        conn: core.Connection,
        call: Call,
        id_: ResourceId,
        current: Resource | None,
        document: Mapping[str, Any],
    ) -> Resource:
        _check_preconditions(call, current)
        if current is not None and current.deleting:
            raise _being_deleted(current.id)
        check_locks(conn, id_, deleting=False)
        _check_location(current, document)
        wanted = documents.read_properties(self._type, document)
        change = Change(call, id_, wanted, current, document)
        if self._type.check is not None:
            wanted = self._type.check(change) or wanted
            change = replace(change, wanted=wanted)
        stored = {**document, "properties": documents.dump_properties(wanted)}
        stamp = make_stamp(call.now, call.principal, call.correlation_id)
        if current is None:
            resource = self._resources.make(id_, stored, stamp)
        else:
            resource = replace(
                current, document=stored, generation=current.generation + 1, changed=stamp
            )
        if self._type.on_write is not None:
            resource = self._type.on_write(conn, change, resource) or resource
        if self._type.reconcile is None:
            resource = replace(resource, settled_generation=resource.generation, outcome=Outcome())
        call.recorder.append(
            conn,
            200 if current else self._type.created_status,
            "Succeeded" if resource.is_settled else "Accepted",
        )
        return self._resources.put(conn, resource)

    def _get(self, conn: core.Connection, id_: ResourceId) -> Resource:
        found = self._resources.find(conn, id_)
        if found is None:
            check_scope(conn, id_)  # says which of the scopes is not there
            return self._resources.get(conn, id_)
        return found

    def _show(self, conn: core.Connection, resource: Resource) -> Resource:
        return documents.observe_resource(conn, resource, self._type)

    def _check_parent(self, conn: core.Connection, id_: ResourceId) -> ResourceId:
        parent = id_.parent
        if parent is None:
            return id_
        nested = "/" in self._type.name and not self._type.path
        return check_scope(conn, parent, child=nested, writing=True)

    def _render(self, resource: Resource, call: Call, status: int) -> Reply:
        body = documents.render_resource(resource, self._namespace, self._type, call)
        headers = {"etag": resource.etag, **long_running.render_headers(call, resource)}
        return Reply(status, body, headers)

    def _item_path(self) -> str:
        if self._type.path:
            return self._type.path
        *parents, last = self._type.name.split("/")
        chain = "".join(f"/{word}/{{{word}Name}}" for word in parents)
        root = "{scope}" if self._type.extension else GROUP
        return f"{root}/providers/{self._namespace}{chain}/{last}/{{name}}"

    def _list_paths(self, item: str) -> tuple[str, ...]:
        inner = item.rpartition("/")[0]
        whole = f"{SUBSCRIPTION}/providers/{self._namespace}/{self._type.name}"
        if self._type.extension or self._type.path or "/" in self._type.name:
            return (inner,)
        return (inner, whole)


def expand(
    namespace: str, type_: ResourceType[Any], resources: Resources, find_type: FindType
) -> tuple[Operation, ...]:
    """Return the operations of a declared type."""
    verbs: Verbs[Any] = Verbs(namespace, type_, resources, find_type)
    return verbs.operations()


def _below(parent: ResourceId, asked: ResourceId) -> ResourceId:
    """Return the asked id with its parent in the casing that is stored."""
    return parent.child(*asked.segments[len(parent.segments) :])


def _being_deleted(id_: ResourceId) -> ResourceBeingDeleted | ResourceGroupBeingDeleted:
    if id_.type == _GROUP_TYPE:
        return ResourceGroupBeingDeleted(id_.name)
    return ResourceBeingDeleted(id_.name)


def _check_location(current: Resource | None, document: Mapping[str, Any]) -> None:
    if current is None or not current.location:
        return
    wanted = str(document.get("location") or current.location)
    if wanted != current.location and current.id.type == _GROUP_TYPE:
        raise InvalidResourceGroupLocation(current.id.name, current.location)
    if wanted != current.location:
        raise InvalidResourceLocation(
            f"The resource '{current.id.name}' already exists in location '{current.location}'. "
            f"A resource with the same name cannot be created in location '{wanted}'. Please "
            "select a new resource name."
        )


def _check_preconditions(call: Call, current: Resource | None) -> None:
    """Hold a write to its If-Match and If-None-Match (RFC 9110 sections 13.1.1, 13.1.2)."""
    if call.if_match and not _names(call.if_match, current):
        raise PreconditionFailed(call.if_match)
    if call.if_none_match and _names(call.if_none_match, current):
        raise PreconditionFailed(call.if_none_match)


def _names(header: str, current: Resource | None) -> bool:
    """Tell whether a list of entity tags, or ``*``, names the resource as it stands."""
    tags = {tag.strip().removeprefix("W/") for tag in header.split(",")}
    return current is not None and bool(tags & {"*", current.etag})
