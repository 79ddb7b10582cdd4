"""What a Graph handler is given, what it gives back, and how a route is declared.

A handler is a transaction: a function of a connection and a call. The door has authenticated the
caller and decided the route's action before it runs, in the same transaction.
"""

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from silo import access, core, front

from .applications import find_application
from .directory import find_service_principal
from .directory_roles import list_directory_roles
from .graph_bodies import Body
from .graph_errors import Forbidden
from .graph_permissions import Caller, Target, decide_graph
from .objects import list_owners


class SignIn(Protocol):
    """Who tells callers apart; the issuer's verifier."""

    def verify_bearer(self, token: str, audiences: Collection[str]) -> access.Principal:
        """Return whom a token is for; raise a ``core.SiloError`` if it does not hold."""
        ...

    async def verify_password(self, upn: str, password: str, client_ip: str) -> access.Principal:
        """Return whose password this is; raise a ``core.SiloError`` if it is not."""
        ...


@dataclass(frozen=True, slots=True)
class GraphCall:
    """One authenticated request."""

    caller: Caller
    params: Mapping[str, str]
    """What the path names; ``id`` is resolved to ``target``."""
    target: str
    """Object id of the object that the path names, or empty."""
    query: Mapping[str, str]
    """Query options by lower-case name without the ``$``."""
    body: Any
    """The route's body shape, checked; None where there is none."""
    prepared: Any
    """What the route's ``prepare`` found out outside the transaction."""
    path: str
    """From the version on: ``/v1.0/users``."""
    urls: front.Urls
    client_ip: str
    now: datetime

    @property
    def own_id(self) -> str:
        """The caller's object id."""
        return self.caller.principal.object_id

    @property
    def service_root(self) -> str:
        """``https://graph.…/v1.0``."""
        return f"{self.urls.graph}/{self.path.split('/')[1]}"


@dataclass(frozen=True, slots=True)
class GraphReply:
    """What a handler answers; no body is 204."""

    body: Any = None
    status: int = 0
    object_id: str = ""
    """What was made or changed, for the audit record; the path's target if empty."""
    headers: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.status:
            object.__setattr__(self, "status", 204 if self.body is None else 200)


GraphHandler = Callable[[core.Connection, GraphCall], GraphReply]
Prepare = Callable[[GraphCall, SignIn], Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class GraphRoute:
    """One method of one path, and the action it takes to be allowed it."""

    method: str
    path: str
    """Below the version: ``/users/{id}/memberOf``."""
    action: str
    """Entra's action name without ``microsoft.directory/``; decided before the handler runs."""
    handler: GraphHandler
    body: type[Body] | None = None
    more_actions: Callable[[GraphCall], tuple[str, ...]] | None = None
    """What the body asks for besides; decided like ``action``."""
    prepare: Prepare | None = None
    """Slow work outside the transaction (argon2), after the decision."""
    operation: str = ""
    """What the audit calls it, e.g. ``users/create``; empty for what only reads."""


def describe_target(conn: core.Connection, object_id: str) -> Target:
    """Return what a decision needs to know of an object."""
    application = find_application(conn, object_id)
    holder = object_id
    if application is not None:
        principal = find_service_principal(conn, application.app_id)
        holder = principal.id if principal else object_id
    owners = frozenset(list_owners(conn, object_id))
    return Target(object_id, owners, list_directory_roles(conn, holder))


def require(conn: core.Connection, call: GraphCall, action: str, object_id: str = "") -> None:
    """Ask for one more action than the route's own.

    Raises:
        Forbidden: the caller may not.

    """
    target = describe_target(conn, object_id) if object_id else None
    refuse_unless_allowed(call.caller, action, target)


def refuse_unless_allowed(caller: Caller, action: str, target: Target | None) -> None:
    """Decide, and raise ``Forbidden`` with the reason."""
    decision = decide_graph(caller, action, target)
    if not decision.allowed:
        raise Forbidden(
            "Insufficient privileges to complete the operation."
            f" {decision.reason} (microsoft.directory/{action})"
        )
