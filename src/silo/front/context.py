"""What the front door knows of a request before any door sees it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .names import Urls


@dataclass(frozen=True, slots=True)
class RequestContext:
    """Rides in the ASGI scope under ``silo``; made by the front dispatcher, read by the doors."""

    request_id: str
    """Ours; also answered as ``x-ms-request-id``."""
    client_ip: str
    urls: Urls
    registry: str = ""
    """Name of the registry whose login server was called, in lower case."""
    account: str = ""
    """Name of the storage account whose host was called, in lower case."""
    service: str = ""
    """Which of its services: ``file``, or one that is not served."""


def get_context(scope: Mapping[str, Any]) -> RequestContext:
    """Return the context of a request."""
    context: RequestContext = scope["silo"]
    return context
