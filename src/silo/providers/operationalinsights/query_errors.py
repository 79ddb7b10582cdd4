"""The errors of the query API: Log Analytics' own dialect.

Source: https://learn.microsoft.com/azure/azure-monitor/logs/api/errors

* QueryError
  400 BadArgument: SyntaxRefused SemanticRefused
  401 AuthorizationRequired
  403 InsufficientAccess
  404 PathNotFound WorkspaceNotFound
  405 MethodRefused
  413 BodyTooLong · 503 Unavailable · 504 QueryTimeout
"""

from collections.abc import Mapping
from typing import Any, ClassVar

from silo import core


class QueryError(core.SiloError):
    """A refusal in Log Analytics' words."""

    status: ClassVar[int] = 400
    code: ClassVar[str] = "BadArgumentError"

    def __init__(
        self,
        message: str,
        *,
        inner: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.inner = inner
        self.headers = dict(headers or {})


class BadArgument(QueryError):
    """The request cannot be read."""


class SyntaxRefused(QueryError):
    """The query is none, or none that is understood here."""

    def __init__(self, reason: str, code: str = "SYN0002", **place: Any) -> None:
        inner = {"code": code, "message": reason, **place}
        super().__init__(
            "The request had some invalid properties",
            inner={
                "code": "SyntaxError",
                "message": "A recognition error occurred in the query.",
                "innererror": inner,
            },
        )


class SemanticRefused(QueryError):
    """The query names what is not there, or compares what cannot be compared."""

    def __init__(self, reason: str, code: str = "SEM0100") -> None:
        super().__init__(
            "The request had some invalid properties",
            inner={
                "code": "SemanticError",
                "message": "A semantic error occurred.",
                "innererror": {"code": code, "message": reason},
            },
        )


class AuthorizationRequired(QueryError):
    """Nobody could be told from the request."""

    status = 401
    code = "AuthorizationRequiredError"


class InsufficientAccess(QueryError):
    """The caller may not query this; said of what does not exist, too."""

    status = 403
    code = "InsufficientAccessError"

    def __init__(self) -> None:
        super().__init__(
            "The provided credentials have insufficient access to perform the requested operation"
        )


class PathNotFound(QueryError):
    """Nothing is served there."""

    status = 404
    code = "PathNotFoundError"

    def __init__(self) -> None:
        super().__init__("The requested path does not exist")


class WorkspaceNotFound(QueryError):
    """There is no such workspace; only who may query every workspace is told."""

    status = 404
    code = "WorkspaceNotFoundError"

    def __init__(self) -> None:
        super().__init__("The workspace could not be found")


class MethodRefused(QueryError):
    """The path is served, but not with this method."""

    status = 405
    code = "MethodNotAllowedError"


class BodyTooLong(QueryError):
    """The body is longer than a query can be."""

    status = 413
    code = "RequestContentTooLarge"


class Unavailable(QueryError):
    """The database cannot be used."""

    status = 503
    code = "ServiceUnavailableError"


class QueryTimeout(QueryError):
    """The query took longer than one may."""

    status = 504
    code = "GatewayTimeout"
