"""``/metadata/endpoints``: what ``az cloud register`` and the SDKs read before anyone signs in.

The only path that is answered without a token: who asks does not know yet where to get one.
"""

from typing import Any

from silo import front

from .errors import MethodNotAllowed, MissingApiVersionParameter
from .provider import Reply
from .wire import Request

PATH = "/metadata/endpoints"
AUDIENCES = ("https://management.azure.com/", "https://management.core.windows.net/")
"""The first is the one az asks tokens for; SDKs with built-in scopes share it (azure-wire 1.2)."""
_ARRAYS_SINCE, _OBJECTS_SINCE = "2019", "2022-09-01"
"""Api-versions between these answer a list of clouds, which ``ARM_CLOUD_METADATA_URL`` reads."""


def is_asked_for(request: Request) -> bool:
    """Tell whether a request is for the endpoints."""
    return request.path[:9].lower() == PATH[:9] and request.path.lower().rstrip("/") == PATH


def answer(request: Request) -> Reply:
    """Answer the endpoints in the shape of the api-version asked for."""
    if request.method not in {"GET", "HEAD"}:
        raise MethodNotAllowed(request.method, ("GET", "HEAD"))
    version, urls = request.api_version, request.context.urls
    if not version:
        raise MissingApiVersionParameter
    if version < _ARRAYS_SINCE:
        return Reply(200, _describe_first(urls))
    cloud = describe_endpoints(urls)
    return Reply(200, cloud if version >= _OBJECTS_SINCE else [cloud])


def describe_endpoints(urls: front.Urls) -> dict[str, Any]:
    """Return the document of api-version 2022-09-01 (azure-wire 1.1)."""
    return {
        "name": "AzureCloud" if urls.family == "azure" else "Silo",
        "portal": urls.resource_manager,
        "authentication": {
            "loginEndpoint": urls.login,
            "audiences": list(AUDIENCES),
            "tenant": "common",
            "identityProvider": "AAD",
        },
        "resourceManager": f"{urls.resource_manager}/",
        "microsoftGraphResourceId": f"{urls.graph}/",
        "graph": f"{urls.graph}/",
        "graphAudience": f"{urls.graph}/",
        "logAnalyticsResourceId": urls.logs,
        "suffixes": {
            "acrLoginServer": urls.registry_suffix,
            "storage": urls.storage_suffix,
            "keyVaultDns": f"vault.{urls.storage_suffix.removeprefix('core.')}",
        },
    }


def _describe_first(urls: front.Urls) -> dict[str, Any]:
    """Return the document of the first api-versions (``1.0``, ``2015-01-01``)."""
    return {
        "galleryEndpoint": urls.resource_manager,
        "graphEndpoint": f"{urls.graph}/",
        "portalEndpoint": urls.resource_manager,
        "authentication": {"loginEndpoint": urls.login, "audiences": list(AUDIENCES)},
    }
