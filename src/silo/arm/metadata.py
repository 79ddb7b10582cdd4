"""``/metadata/endpoints``: what ``az cloud register`` and the SDKs read before anyone signs in."""

from typing import Any

from silo import front

PATH = "/metadata/endpoints"
AUDIENCES = ("https://management.azure.com/", "https://management.core.windows.net/")
"""The first is the one az asks tokens for; SDKs with built-in scopes share it (azure-wire 1.2)."""


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
        "suffixes": {
            "acrLoginServer": urls.registry_suffix,
            "storage": urls.storage_suffix,
            "keyVaultDns": f"vault.{urls.storage_suffix.removeprefix('core.')}",
        },
    }
