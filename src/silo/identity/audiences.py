"""The APIs that tokens are for: how clients name them and what ``aud`` then says.

A token carries the name it was asked with, as Entra's do, and each door accepts every name of
itself: Azure's, with and without a slash, its application id, and this instance's own address.
"""

from dataclasses import dataclass

from silo import front

ARM_APP_ID = "797f4846-ba00-4fd7-ba43-dac1f8f63013"
GRAPH_APP_ID = "00000003-0000-0000-c000-000000000000"
REGISTRY_APP_ID = "6a0ec4d3-30cb-4a83-91c0-ae56bc0e3d26"
AKS_APP_ID = "6dae42f8-4368-4678-94ff-3960e28e3630"
LOGS_APP_ID = "ca7f3f0b-7d91-482c-8e09-c5d840d0eac5"
STORAGE_APP_ID = "e406a681-f3d4-42a8-90b6-c2b029497af1"


def _both(*urls: str) -> frozenset[str]:
    """Return each URL with and without a slash at its end; clients send either."""
    return frozenset(url.rstrip("/") + end for url in urls for end in ("", "/"))


ARM_AUDIENCES = _both("https://management.azure.com", "https://management.core.windows.net") | {
    ARM_APP_ID
}
"""Azure's names; ``list_arm_audiences`` adds the instance's own."""
GRAPH_AUDIENCES = _both("https://graph.microsoft.com") | {GRAPH_APP_ID}
REGISTRY_AUDIENCES = _both("https://containerregistry.azure.net") | {REGISTRY_APP_ID}
AKS_AUDIENCES = frozenset({AKS_APP_ID})
LOGS_AUDIENCES = _both("https://api.loganalytics.io", "https://api.loganalytics.azure.com") | {
    LOGS_APP_ID
}
STORAGE_AUDIENCES = _both("https://storage.azure.com") | {STORAGE_APP_ID}


def list_arm_audiences(names: front.Names) -> frozenset[str]:
    """Return every ``aud`` that the management door accepts."""
    return ARM_AUDIENCES | _both(*(urls.resource_manager for urls in names.families))


def list_graph_audiences(names: front.Names) -> frozenset[str]:
    """Return every ``aud`` that the Graph door accepts."""
    return GRAPH_AUDIENCES | _both(*(urls.graph for urls in names.families))


def list_logs_audiences(names: front.Names) -> frozenset[str]:
    """Return every ``aud`` that the query API of Log Analytics accepts."""
    return LOGS_AUDIENCES | _both(*(urls.logs for urls in names.families))


@dataclass(frozen=True, slots=True)
class Resource:
    """An API that a token is asked for."""

    app_id: str
    audience: str
    """What the token's ``aud`` says."""
    display_name: str
    permissions: tuple[str, ...] = ("user_impersonation",)
    """``scp`` of a token for a user."""
    version: int = 1
    """Of the access token's claims; Azure's own APIs take 1.0."""
    issuer_urls: front.Urls | None = None
    """In whose family ``iss`` is, whatever the client asked: of an API that fetches our keys by
    itself and knows one issuer."""


def find_azure_resource(names: front.Names, name: str) -> Resource | None:
    """Return the API of Azure's that a client names, or None."""
    if name in list_arm_audiences(names):
        return Resource(ARM_APP_ID, name, "Windows Azure Service Management API")
    if name in list_graph_audiences(names):
        permissions = (
            "Application.ReadWrite.All",
            "AppRoleAssignment.ReadWrite.All",
            "AuditLog.Read.All",
            "Directory.AccessAsUser.All",
            "Group.ReadWrite.All",
            "User.ReadWrite.All",
            "email",
            "openid",
            "profile",
        )
        return Resource(GRAPH_APP_ID, name, "Microsoft Graph", permissions)
    if name in AKS_AUDIENCES:
        text = "Azure Kubernetes Service AAD Server"
        return Resource(AKS_APP_ID, name, text, ("user.read",), issuer_urls=names.urls)
    rest = (
        (REGISTRY_AUDIENCES, REGISTRY_APP_ID, "Azure Container Registry", "user_impersonation"),
        (list_logs_audiences(names), LOGS_APP_ID, "Log Analytics API", "Data.Read"),
        (STORAGE_AUDIENCES, STORAGE_APP_ID, "Azure Storage", "user_impersonation"),
    )
    for audiences, app_id, text, permission in rest:
        if name in audiences:
            return Resource(app_id, name, text, (permission,))
    return None
