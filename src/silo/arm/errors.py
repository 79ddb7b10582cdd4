"""ARM's errors: a class is a code; raised anywhere, rendered in one place (``wire.render_error``).

Providers add leaves in their own ``errors.py``.

* ArmError
  400 InvalidRequest family: MissingApiVersionParameter InvalidResourceId InvalidRequestContent …
  401 AuthenticationFailed: InvalidAuthenticationToken ExpiredAuthenticationToken
  403 AuthorizationFailed
  404 NotFound family: ResourceNotFound ResourceGroupNotFound SubscriptionNotFound …
  405 MethodNotAllowed
  409 Conflict family: ScopeLocked ResourceGroupBeingDeleted …
  412 PreconditionFailed · 413 RequestContentTooLarge · 415 UnsupportedMediaType
"""

from collections.abc import Mapping, Sequence
from typing import ClassVar

from silo import core


class ArmError(core.SiloError):
    """A refusal in Azure's words; the message is for the person who asked."""

    status: ClassVar[int] = 400
    code: ClassVar[str] = "BadRequest"

    def __init__(
        self,
        message: str,
        *,
        target: str = "",
        details: Sequence[Mapping[str, str]] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.target = target
        self.details = tuple(details)
        self.headers = dict(headers or {})


class NotYet(core.SiloError):
    """Raised by ``reconcile`` or ``remove``: no failure, there is more to wait for; ask again."""

    def __init__(self, reason: str, retry_after_s: float = 0.1) -> None:
        super().__init__(reason)
        self.retry_after_s = retry_after_s


class OperationCanceled(ArmError):
    """Raised by ``reconcile``: somebody aborted what was being done."""

    status = 409
    code = "OperationCanceled"

    def __init__(self) -> None:
        super().__init__("The operation was aborted.")


class InvalidResourceId(ArmError):
    """The text is not the id of anything."""

    code = "InvalidResourceId"

    def __init__(self, text: str) -> None:
        super().__init__(f"The resource identifier '{text[:300]}' is malformed or invalid.")


class MissingApiVersionParameter(ArmError):
    """Every ARM request names its api-version."""

    code = "MissingApiVersionParameter"

    def __init__(self) -> None:
        super().__init__(
            "The api-version query parameter (?api-version=) is required for all requests."
        )


class InvalidRequestContent(ArmError):
    """The body cannot be read, or does not have the shape of this type."""

    code = "InvalidRequestContent"

    def __init__(self, reason: str, details: Sequence[Mapping[str, str]] = ()) -> None:
        super().__init__(
            f"The request content was invalid and could not be deserialized: '{reason}'.",
            details=details,
        )


class InvalidFilterInQueryString(ArmError):
    """The ``$filter`` cannot be read."""

    code = "InvalidFilterInQueryString"

    def __init__(self, reason: str) -> None:
        super().__init__(f"Invalid $filter specified in the query string: {reason}")


class InvalidQueryParameter(ArmError):
    """``$top`` or ``$skipToken`` is not what it should be."""

    code = "InvalidQueryParameterValue"


class InvalidResourceName(ArmError):
    """The name has characters or a length that this type does not take."""

    code = "InvalidResourceName"


class InvalidParameter(ArmError):
    """A property has a value that is not accepted."""

    code = "InvalidParameter"


class LocationRequired(ArmError):
    """A located resource needs a location."""

    code = "LocationRequired"

    def __init__(self) -> None:
        super().__init__("The location property is required for this definition.")


class LocationNotAvailable(ArmError):
    """The location is none of this instance's."""

    code = "LocationNotAvailableForResourceType"


class InvalidTags(ArmError):
    """Tags are text by name, within Azure's limits."""

    code = "InvalidTag"


class AuthenticationFailed(ArmError):
    """Nobody could be told from the request."""

    status = 401
    code = "AuthenticationFailed"
    stale: ClassVar[bool] = False
    """Well-formed and once valid: the client is asked to fetch a new token and try again."""


class InvalidAuthenticationToken(AuthenticationFailed):
    """The token does not hold."""

    code = "InvalidAuthenticationToken"


class ExpiredAuthenticationToken(AuthenticationFailed):
    """The token held once: it has expired, or its sessions were revoked (azure-wire 2.8)."""

    code = "ExpiredAuthenticationToken"
    stale = True


class AuthorizationFailed(ArmError):
    """The caller may not do that there."""

    status = 403
    code = "AuthorizationFailed"

    def __init__(self, client: str, object_id: str, action: str, scope: str) -> None:
        super().__init__(
            f"The client '{client}' with object id '{object_id}' does not have authorization to "
            f"perform action '{action}' over scope '{scope}' or the scope is invalid. If access "
            "was recently granted, please refresh your credentials."
        )


class NotFound(ArmError):
    """There is nothing of that name, and it is no resource."""

    status = 404
    code = "NotFound"


class ResourceNotFound(ArmError):
    """There is no such resource."""

    status = 404
    code = "ResourceNotFound"


class ParentResourceNotFound(ArmError):
    """A nested resource needs its parent."""

    status = 404
    code = "ParentResourceNotFound"

    def __init__(self, parent: str) -> None:
        super().__init__(
            "Failed to perform requested operation on nested resource. "
            f"Parent resource '{parent}' not found."
        )


class ResourceGroupNotFound(ArmError):
    """There is no such group."""

    status = 404
    code = "ResourceGroupNotFound"

    def __init__(self, group: str) -> None:
        super().__init__(f"Resource group '{group}' could not be found.")


class SubscriptionNotFound(ArmError):
    """There is no such subscription."""

    status = 404
    code = "SubscriptionNotFound"

    def __init__(self, subscription: str) -> None:
        super().__init__(f"The subscription '{subscription}' could not be found.")


class MissingSubscription(ArmError):
    """The path leads nowhere."""

    status = 404
    code = "MissingSubscription"

    def __init__(self) -> None:
        super().__init__(
            "The request did not have a subscription or a valid tenant level resource provider."
        )


class InvalidResourceNamespace(ArmError):
    """No provider has this namespace."""

    status = 404
    code = "InvalidResourceNamespace"

    def __init__(self, namespace: str) -> None:
        super().__init__(f"The resource namespace '{namespace}' is invalid.")


class InvalidResourceType(ArmError):
    """The provider has no such type, or nothing of it at this kind of scope."""

    status = 404
    code = "InvalidResourceType"

    def __init__(self, namespace: str, type_: str, api_version: str) -> None:
        super().__init__(
            f"The resource type '{type_}' could not be found in the namespace '{namespace}' "
            f"for api version '{api_version}'."
        )


class MethodNotAllowed(ArmError):
    """The path is served, but not with this method."""

    status = 405
    code = "MethodNotAllowed"

    def __init__(self, method: str, allowed: Sequence[str]) -> None:
        super().__init__(
            f"The requested resource does not support http method '{method}'.",
            headers={"allow": ", ".join(sorted(allowed))},
        )


class Conflict(ArmError):
    """It cannot be done as things stand."""

    status = 409
    code = "Conflict"


class ResourceBeingDeleted(Conflict):
    """The resource is on its way out."""

    code = "ResourceBeingDeleted"

    def __init__(self, name: str) -> None:
        super().__init__(
            f"The resource '{name}' is being deleted and cannot perform this operation."
        )


class ResourceGroupBeingDeleted(Conflict):
    """The group is on its way out."""

    code = "ResourceGroupBeingDeleted"

    def __init__(self, group: str) -> None:
        super().__init__(
            f"The resource group '{group}' is in deprovisioning state and cannot perform this "
            "operation."
        )


class InvalidResourceLocation(Conflict):
    """A resource does not move by being written again."""

    code = "InvalidResourceLocation"


class InvalidResourceGroupLocation(Conflict):
    """A group does not move either."""

    code = "InvalidResourceGroupLocation"

    def __init__(self, group: str, location: str) -> None:
        super().__init__(
            f"Invalid resource group location. The Resource group '{group}' already exists in "
            f"location '{location}'."
        )


class ScopeLocked(Conflict):
    """A management lock forbids it."""

    code = "ScopeLocked"

    def __init__(self, scope: str, verb: str, locked: Sequence[str]) -> None:
        places = ", ".join(f"'{place}'" for place in locked)
        super().__init__(
            f"The scope '{scope}' cannot perform {verb} operation because following scope(s) are "
            f"locked: {places}. Please remove the lock and try again."
        )


class RemovalBlocked(Conflict):
    """Something below could not be deleted, so what holds it stays."""

    code = "ResourceDeletionFailed"

    def __init__(self, scope: str, blocked: str, reason: str) -> None:
        super().__init__(
            f"The deletion of '{scope}' failed: '{blocked}' could not be deleted: {reason}"
        )


class PreconditionFailed(ArmError):
    """``If-Match`` or ``If-None-Match`` does not hold."""

    status = 412
    code = "PreconditionFailed"

    def __init__(self, condition: str) -> None:
        super().__init__(
            f"The condition '{condition[:200]}' set in the request is not met: the resource was "
            "changed, exists already or does not exist."
        )


class RequestContentTooLarge(ArmError):
    """The body is longer than ARM takes."""

    status = 413
    code = "RequestContentTooLarge"


class UnsupportedMediaType(ArmError):
    """ARM reads JSON."""

    status = 415
    code = "UnsupportedMediaType"


class RequestTimeout(ArmError):
    """The body came too slowly."""

    status = 408
    code = "RequestTimeout"


class ServerFull(ArmError):
    """The disk is full; nothing was written."""

    status = 507
    code = "InsufficientStorage"


class ServerUnavailable(ArmError):
    """The store cannot be used at present; nothing was written."""

    status = 503
    code = "ServiceUnavailable"
