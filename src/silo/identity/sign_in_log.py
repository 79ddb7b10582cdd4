"""The sign-in log: every sign-in, granted or refused, as one record of the audit chain.

Graph's ``signIn`` is rendered from the record, so the log cannot say one thing and Graph another.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from silo import audit, core

from .errors import OAuthError

CATEGORY = "SignIn"
_NAME_MAX = 256
"""What strangers type as their name is cut here."""


class SignInKind(StrEnum):
    """Graph's ``signInEventTypes``."""

    INTERACTIVE = "interactiveUser"
    NON_INTERACTIVE = "nonInteractiveUser"
    SERVICE_PRINCIPAL = "servicePrincipal"
    MANAGED_IDENTITY = "managedIdentity"


@dataclass(slots=True)
class SignIn:
    """One attempt; the steps of a grant fill in what they learn, so a refusal is logged with it."""

    client_ip: str
    correlation_id: str
    user_agent: str = ""
    kind: SignInKind = SignInKind.NON_INTERACTIVE
    protocol: str = ""
    """Graph's ``authenticationProtocol``: ``deviceCode``, ``ropc``, ``authorizationCode``, …"""
    app_id: str = ""
    app_name: str = ""
    resource_id: str = ""
    resource_name: str = ""
    object_id: str = ""
    name: str = ""
    """``userPrincipalName`` as typed, or the application's id."""
    display_name: str = ""
    session_id: str = ""
    token_id: str = ""
    """``uti`` of the access token, to find the sign-in behind a request."""
    extra: Mapping[str, str] = field(default_factory=dict)


def append_sign_in(
    conn: core.Connection, sign_in: SignIn, now: datetime, refusal: OAuthError | None = None
) -> None:
    """Write the outcome of a sign-in in the caller's transaction."""
    status = refusal.status if refusal else 200
    audit.append(
        conn,
        audit.Record(
            time=now,
            category=CATEGORY,
            operation="Microsoft.AzureActiveDirectory/signIn",
            scope="/",
            result="Failed" if refusal else "Succeeded",
            caller=sign_in.name[:_NAME_MAX],
            caller_object_id=sign_in.object_id,
            client_ip=sign_in.client_ip,
            correlation_id=sign_in.correlation_id,
            http_status=status,
            properties={
                "kind": sign_in.kind.value,
                "protocol": sign_in.protocol,
                "appId": sign_in.app_id[:_NAME_MAX],
                "appName": sign_in.app_name,
                "resourceId": sign_in.resource_id,
                "resourceName": sign_in.resource_name,
                "displayName": sign_in.display_name,
                "userAgent": sign_in.user_agent[:_NAME_MAX],
                "sessionId": sign_in.session_id,
                "tokenId": sign_in.token_id,
                "errorCode": refusal.code if refusal else 0,
                "failureReason": str(refusal) if refusal else "",
                **sign_in.extra,
            },
        ),
    )


def list_sign_ins(
    conn: core.Connection, *, since: datetime, until: datetime, limit: int = 1000
) -> list[dict[str, Any]]:
    """Return the newest sign-ins between two times as Graph's ``signIn``, newest first.

    Source: https://learn.microsoft.com/graph/api/resources/signin
    """
    records = audit.list_records(conn, category=CATEGORY, since=since, until=until, limit=limit)
    return [_render(number, body) for number, body in records]


def _render(number: int, body: Mapping[str, Any]) -> dict[str, Any]:
    facts = body["properties"]
    kind = SignInKind(facts["kind"])
    is_user = kind in {SignInKind.INTERACTIVE, SignInKind.NON_INTERACTIVE}
    return {
        "id": f"00000000-0000-0000-0000-{number:012x}",
        "createdDateTime": body["time"],
        "userDisplayName": facts["displayName"] if is_user else "",
        "userPrincipalName": body["caller"] if is_user else "",
        "userId": body["caller_object_id"] if is_user else "",
        "servicePrincipalId": "" if is_user else body["caller_object_id"],
        "servicePrincipalName": "" if is_user else facts["displayName"],
        "appId": facts["appId"],
        "appDisplayName": facts["appName"],
        "resourceId": facts["resourceId"],
        "resourceDisplayName": facts["resourceName"],
        "ipAddress": body["client_ip"],
        "clientAppUsed": "Browser" if kind is SignInKind.INTERACTIVE else "Mobile Apps and Desktop",
        "userAgent": facts["userAgent"],
        "correlationId": body["correlation_id"],
        "isInteractive": kind is SignInKind.INTERACTIVE,
        "signInEventTypes": [kind.value],
        "authenticationProtocol": facts["protocol"],
        "sessionId": facts["sessionId"],
        "uniqueTokenIdentifier": facts["tokenId"],
        "conditionalAccessStatus": "notApplied",
        "status": {
            "errorCode": facts["errorCode"],
            "failureReason": facts["failureReason"] or "Other.",
            "additionalDetails": None,
        },
    }
