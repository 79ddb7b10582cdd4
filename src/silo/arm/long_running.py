"""Operation status, derived from the row an operation wrote; nothing else is stored.

The id of an operation says which incarnation of which resource it wrote, and whether to delete it.
"""

import base64
import binascii
from dataclasses import dataclass
from typing import Any

from silo import core

from .errors import InvalidResourceId, NotFound
from .provider import Call, Match, Operation, Reply
from .resource_id import RESOURCES, ResourceId, parse_resource_id
from .resources import Outcome, Resource, Resources
from .scopes import check_scope

RETRY = {"x-ms-retry-after-ms": "200"}
"""Not ``Retry-After``: that counts seconds; without either clients wait 30 (azure-wire 0.2)."""
_DELETE = "delete"
_WRITE = "write"
_ABORT = "abort"


@dataclass(frozen=True, slots=True)
class _Ticket:
    uid: str
    verb: str
    resource: ResourceId


def render_headers(call: Call, resource: Resource, *, aborting: bool = False) -> dict[str, str]:
    """Return the headers that lead from a write that is still under way to its status.

    To abort is to be canceled: what is a failure to others is that one's success.
    """
    if resource.is_settled:
        return {}
    verb = _ABORT if aborting else _verb(resource)
    ticket = _write_ticket(_Ticket(resource.uid, verb, resource.id))
    id_, urls = resource.id, call.urls
    version = f"?api-version={call.api_version}"
    if resource.deleting or aborting:
        place = f"{_place(id_)}/operationResults/{ticket}"
        if id_.namespace == RESOURCES:
            place = f"/subscriptions/{id_.subscription}/operationresults/{ticket}"
        return {"location": f"{urls.resource_manager}{place}{version}", **RETRY}
    place = f"{_place(id_, resource.location)}/operationStatuses/{ticket}"
    return {"azure-asyncoperation": f"{urls.resource_manager}{place}{version}", **RETRY}


class OperationStatuses:
    """The handlers behind the addresses that ``render_headers`` hands out."""

    def __init__(self, resources: Resources) -> None:
        self._resources = resources

    def operations(self, namespace: str) -> tuple[Operation, ...]:
        """Return the operations of one namespace."""
        stem = f"/subscriptions/{{subscription}}/providers/{namespace}/locations/{{location}}"
        routes = [
            ("operationStatuses", f"{stem}/operationStatuses/{{operation}}", self.show_status),
            ("operationResults", f"{stem}/operationResults/{{operation}}", self.show_result),
        ]
        if namespace == RESOURCES:
            path = "/subscriptions/{subscription}/operationresults/{operation}"
            routes.append(("subscriptions/operationresults", path, self.show_result))
        return tuple(
            Operation(
                name=f"{namespace}/{name}/read",
                method="GET",
                path=path,
                handler=handler,
                statuses=(200, 202, 204),
                filtered=True,  # who may read, write or delete the resource may follow it
            )
            for name, path, handler in routes
        )

    async def show_status(self, call: Call, match: Match, _body: Any) -> Reply:
        """Answer what ``Azure-AsyncOperation`` points to."""
        ticket = _read_ticket(match["operation"])
        outcome, resource = await self._resources.store.read(
            lambda conn: self._observe(conn, call, match, ticket)
        )
        body: dict[str, Any] = {
            "id": call.path,
            "name": match["operation"],
            "status": outcome.state if outcome else "InProgress",
        }
        if resource is not None:
            body["startTime"] = resource.changed.at
        if outcome is None:
            return Reply(200, body, RETRY)
        if outcome.code:
            body["error"] = {"code": outcome.code, "message": outcome.message}
        return Reply(200, body)

    async def show_result(self, call: Call, match: Match, _body: Any) -> Reply:
        """Answer what ``Location`` points to: 202 until it is done."""
        ticket = _read_ticket(match["operation"])
        outcome, _ = await self._resources.store.read(
            lambda conn: self._observe(conn, call, match, ticket)
        )
        if outcome is None:
            link = f"{call.urls.resource_manager}{call.path}?api-version={call.api_version}"
            return Reply(202, None, {"location": link, **RETRY})
        if ticket.verb == _ABORT and outcome.state == "Canceled":
            return Reply(204)
        if outcome.code:
            return Reply(409, {"error": {"code": outcome.code, "message": outcome.message}})
        return Reply(204 if ticket.verb == _DELETE else 200)

    def _observe(
        self, conn: core.Connection, call: Call, match: Match, ticket: _Ticket
    ) -> tuple[Outcome | None, Resource | None]:
        """Return how the operation ended, or None while it has not."""
        if ticket.resource.subscription.casefold() != match["subscription"].casefold():
            raise NotFound(_unknown(match["operation"]))
        full_type = ticket.resource.full_type
        if not any(
            call.allows(f"{full_type}/{verb}", ticket.resource.text)
            for verb in ("read", _WRITE, _DELETE)
        ):
            raise call.refusal(f"{full_type}/read", ticket.resource.text)
        check_scope(conn, parse_resource_id(f"/subscriptions/{match['subscription']}"))
        resource = self._resources.find_by_uid(conn, ticket.uid)
        if resource is None:
            if ticket.verb == _DELETE:
                return Outcome(), None
            return Outcome(
                "Canceled", "ResourceDeleted", "The resource was deleted meanwhile."
            ), None
        return (resource.outcome if resource.is_settled else None), resource


def _place(id_: ResourceId, location: str = "") -> str:
    return (
        f"/subscriptions/{id_.subscription}/providers/{id_.namespace}/locations/"
        f"{location or 'global'}"
    )


def _verb(resource: Resource) -> str:
    return _DELETE if resource.deleting else _WRITE


def _write_ticket(ticket: _Ticket) -> str:
    text = f"{ticket.uid} {ticket.verb} {ticket.resource.text}"
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _read_ticket(text: str) -> _Ticket:
    try:
        padded = text.encode("ascii") + b"=" * (-len(text) % 4)
        uid, verb, resource = base64.urlsafe_b64decode(padded).decode().split(" ", 2)
        ticket = _Ticket(uid, verb, parse_resource_id(resource))
    except (binascii.Error, ValueError, InvalidResourceId):
        raise NotFound(_unknown(text)) from None
    if verb not in {_DELETE, _WRITE, _ABORT} or len(uid) != 32:  # noqa: PLR2004 - a GUID in hex
        raise NotFound(_unknown(text))
    return ticket


def _unknown(operation: str) -> str:
    return f"The operation '{operation[:100]}' could not be found."
