"""Graph's errors: a status, a code and a sentence, rendered in one place.

Clients match on status and code; az shows the sentence. Some sentences make az retry for three
minutes ("does not reference", "does not exist" while it makes a service principal): they are
not used here.

Source: learn.microsoft.com/graph/errors
"""

from typing import Any

from silo import core

from .directory_errors import (
    DirectoryError,
    KeyConflict,
    ObjectConflict,
    ObjectNotFound,
    PrincipalDisabled,
    PropertyInvalid,
)
from .errors import SignInThrottled


class GraphError(core.SiloError):
    """An answer other than success."""

    status = 400
    code = "Request_BadRequest"
    retry_after_s = 0
    """Told in ``Retry-After`` when it is worth trying again."""


class BadRequest(GraphError):
    """The request cannot be understood, or a property cannot have this value."""


class FilterInvalid(GraphError):
    """A filter cannot be read, or names what is not there."""

    code = "BadRequest"


class SegmentUnknown(GraphError):
    """The path is not one of this API's."""

    code = "BadRequest"


class QueryUnsupported(GraphError):
    """A query option that is not supported here; never quietly ignored."""

    code = "Request_UnsupportedQuery"


class TokenMissing(GraphError):
    """No bearer token, or one that does not hold."""

    status = 401
    code = "InvalidAuthenticationToken"


class Forbidden(GraphError):
    """The caller may not do this."""

    status = 403
    code = "Authorization_RequestDenied"


class NotFound(GraphError):
    """There is no such object."""

    status = 404
    code = "Request_ResourceNotFound"


class MethodNotAllowed(GraphError):
    """The path has no such method."""

    status = 405
    code = "Request_BadRequest"


class Conflict(GraphError):
    """Another object has this key."""

    status = 409
    code = "Request_MultipleObjectsWithSameKeyValue"


class BodyTooLarge(GraphError):
    """The body is larger than a directory object can be."""

    status = 413
    code = "RequestEntityTooLarge"


class MediaTypeUnsupported(GraphError):
    """The body is not JSON."""

    status = 415


class TooManyRequests(GraphError):
    """Passwords were guessed too often; wait."""

    status = 429
    code = "TooManyRequests"
    retry_after_s = 60


class ServiceUnavailable(GraphError):
    """The database takes nothing now; nothing was written."""

    status = 503
    code = "ServiceUnavailable"
    retry_after_s = 5


_TRANSLATIONS: tuple[tuple[type[core.SiloError], type[GraphError]], ...] = (
    (KeyConflict, Conflict),
    (ObjectConflict, BadRequest),
    (ObjectNotFound, NotFound),
    (PrincipalDisabled, Forbidden),
    (PropertyInvalid, BadRequest),
    (DirectoryError, BadRequest),
    (SignInThrottled, TooManyRequests),
    (core.FilterMalformed, FilterInvalid),
    (core.BodyTooLarge, BodyTooLarge),
    (core.BodyError, BadRequest),
    (core.StoreUnavailable, ServiceUnavailable),
)


def translate(error: core.SiloError) -> GraphError:
    """Return an error of another room in Graph's words."""
    if isinstance(error, GraphError):
        return error
    leaf = next((leaf for kind, leaf in _TRANSLATIONS if isinstance(error, kind)), BadRequest)
    return leaf(str(error))


def render_error(
    error: GraphError, *, date: str, request_id: str, client_id: str
) -> dict[str, Any]:
    """Return the body of an error answer."""
    inner = {"date": date, "request-id": request_id, "client-request-id": client_id}
    return {"error": {"code": error.code, "message": str(error), "innerError": inner}}
