"""What a resource provider declares about itself, and what its functions are given.

A provider never parses a path, reads a token or renders an error: it declares types and
operations, and the gateway does the rest. ``docs/new-provider.md`` walks through one.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, TypeVar

from pydantic import BaseModel

from silo import access, core, front

from .errors import AuthorizationFailed
from .recorder import Recorder
from .resource_id import ResourceId
from .resources import Resource

P = TypeVar("P", bound=BaseModel)
Allows = Callable[[str, str], bool]
"""Action and scope to yes or no."""


@dataclass(frozen=True, slots=True)
class Call:
    """One authenticated, authorised request."""

    principal: access.Principal
    urls: front.Urls
    correlation_id: str
    client_ip: str
    api_version: str
    query: Mapping[str, str]
    """By lower-case name, ``$`` included: ``$filter``, ``$top``, ``api-version``."""
    now: datetime
    allows: Allows
    """Asks ``access`` whether the caller may do more than what was asked: action, scope."""
    recorder: Recorder
    """Writes the audit record; see ``record``."""
    path: str = "/"
    """As asked for, for ``nextLink``."""
    if_match: str = ""
    if_none_match: str = ""
    action: str = ""
    """The permission that was asked for: the operation's name."""

    def record(self, conn: core.Connection, status: int, **properties: Any) -> None:
        """Append the audit record of this call in the transaction that does the deed.

        A handler that writes calls this inside its transaction, so deed and record are one; for a
        write that nobody recorded the gateway adds the record in a transaction of its own.
        """
        self.recorder.append(conn, status, **properties)

    def refusal(self, action: str, scope: str) -> AuthorizationFailed:
        """Return the error that says in Azure's words what the caller may not do."""
        return AuthorizationFailed(self.principal.name, self.principal.object_id, action, scope)


@dataclass(frozen=True, slots=True)
class Reply:
    """What a handler answers."""

    status: int
    body: Any = None
    """Anything JSON can say; None is an empty body."""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Match:
    """What a path named, in the casing the provider declared."""

    id: ResourceId
    """The longest id the path begins with: the resource, or the scope of a collection."""
    scope: str
    """What ``{scope}`` stood for; ``/`` for the tenant. Without ``{scope}``: the id."""
    names: Mapping[str, str]
    """Every other ``{…}`` of the path."""

    def __getitem__(self, name: str) -> str:
        return self.names[name]


Handler = Callable[[Call, Match, Any], Awaitable[Reply]]
"""The third argument is the parsed JSON body, or None when there was none."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One route; routing, the permission matrix and the coverage table come from these."""

    name: str
    """Azure's operation name, which is the permission asked for:
    ``Microsoft.ContainerRegistry/registries/listCredentials/action``."""
    method: str
    path: str
    """``/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.X/y/{name}``, or
    ``{scope}/providers/Microsoft.Authorization/locks/{name}`` for an extension of any scope."""
    handler: Handler
    permission_scope: Callable[[Match], str] | None = None
    """Where the permission is asked for; by default ``match.id``."""
    data: bool = False
    statuses: tuple[int, ...] = (200,)
    coverage: str = "works"
    """``works``, ``partly: …`` or ``refused: …``."""
    filtered: bool = False
    """A listing open to every signed-in caller, whose handler shows only what the caller may read
    (ask ``call.allows``) and refuses who may read nothing of it."""
    raw_body: bool = False
    """The handler is given the bytes; for bodies that are not JSON though az says they are."""


@dataclass(frozen=True, slots=True)
class Action:
    """Something done to, or read from, one existing resource beyond its own verbs."""

    name: str
    """The path after the resource: ``listCredentials``."""
    handler: Callable[[Call, Resource, Any], Awaitable[Reply]]
    method: str = "POST"
    permission: str = ""
    """By default ``<namespace>/<type>/<name>/action`` for POST and ``…/<name>/read`` for GET."""
    statuses: tuple[int, ...] = (200,)
    coverage: str = "works"


@dataclass(frozen=True, slots=True)
class Change(Generic[P]):
    """A PUT or PATCH about to be stored."""

    call: Call
    id: ResourceId
    wanted: P
    current: Resource | None
    """None when the resource is new."""
    document: Mapping[str, Any]
    """The whole wish: ``location``, ``tags``, ``sku``, ``identity``, ``properties``, …."""


def _nothing_to_show(_resource: Resource, _call: Call) -> dict[str, Any]:
    return {}


@dataclass(frozen=True, slots=True)
class ResourceType(Generic[P]):
    """One type; expands to GET, HEAD, PUT, PATCH, DELETE, its lists and its actions.

    Declare each in a variable of its own before it goes into a tuple, or mypy infers ``Any``.
    """

    name: str
    """Without the namespace: ``registries``, ``registries/replications``."""
    properties: type[P]
    """The wire shape of ``properties``: frozen, camelCase aliases, ``extra="allow"``."""
    api_versions: tuple[str, ...]
    located: bool = True
    """Needs ``location``."""
    check: Callable[[Change[P]], P | None] | None = None
    """A pure rule: raises an ArmError leaf, or returns adjusted properties."""
    on_write: Callable[[core.Connection, Change[P], Resource], Resource | None] | None = None
    """Effects of the same transaction; may return the resource with parts filled in. It may run
    again for the same request when two writers meet, after its first try was rolled back."""
    check_delete: Callable[[core.Connection, Resource], None] | None = None
    """Refuses a DELETE of this very resource by raising an ArmError; a cascade does not ask it, so
    what must not happen there either is for ``remove`` to refuse."""
    on_delete: Callable[[core.Connection, Resource], None] | None = None
    """Effects of the transaction that forgets the resource, also in a cascade."""
    reconcile: Callable[[Resource, P], Awaitable[None]] | None = None
    """Makes the world match, in the control process, repeatably. None: nothing to be made true,
    the write itself settles the resource."""
    remove: Callable[[Resource], Awaitable[None]] | None = None
    """Takes the resource out of the world, repeatably; None: forgotten in the transaction."""
    render: Callable[[Resource, Call], Mapping[str, Any]] = _nothing_to_show
    """Computed properties, laid over the stored ones; a value of None hides the stored one."""
    view: Callable[[core.Connection, Resource], Mapping[str, Any]] | None = None
    """Properties that another table knows (an ``instanceView``), read in the transaction that reads
    the resource and laid over the stored ones before ``render``, which finds them there."""
    actions: tuple[Action, ...] = ()
    extension: bool = False
    """Hangs on any scope: ``{scope}/providers/<namespace>/<name>/{name}``."""
    path: str = ""
    """The item's path where the grammar has an exception (groups, tenant-level types)."""
    shown_as: str = ""
    """The full ``type`` on the wire where it is not namespace and name."""
    tracked: bool = True
    """Appears in ``/resources`` and in deletions of its group as a resource of its own."""
    has_state: bool = True
    """``properties.provisioningState`` is shown."""
    has_etag: bool = False
    """``etag`` is shown in the body too."""
    patchable: bool = True
    created_status: int = 201
    deleted_status: int = 200
    """After a deletion without ``remove``; some types of ACR want 204 (azure-wire 0.3)."""
    name_pattern: str = r"[^<>%&:\\?/#\x00-\x1f]{1,260}"
    """What a whole name must match."""
    coverage: str = "works"


@dataclass(frozen=True, slots=True)
class Provider:
    """One Azure namespace."""

    namespace: str
    types: tuple[ResourceType[Any], ...] = ()
    operations: tuple[Operation, ...] = ()
