"""An audit record in the shape of an activity log event.

Source: https://learn.microsoft.com/rest/api/monitor/activity-logs/list (2015-04-01), EventData.
"""

import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

from silo import arm, core

_EVENTS = uuid.UUID("5f0f5a1e-3f0b-5b0a-9a55-6d3c1f2e7b10")
"""Names events after their number, so an event keeps its id."""
_EPOCH = datetime(1, 1, 1, tzinfo=UTC)
_OID = "http://schemas.microsoft.com/identity/claims/objectidentifier"
_UPN = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn"
_STATUS = {"Denied": "Failed"}
_LEVELS = {"Failed": "Error", "Denied": "Error"}
_EVENT_NAMES = {"Started": ("BeginRequest", "Begin request")}


def _localize(value: str, localized: str = "") -> dict[str, str]:
    return {"value": value, "localizedValue": localized or value}


def render_event(number: int, record: Mapping[str, Any], tenant: str) -> dict[str, Any]:
    """Return one event."""
    moment = core.parse_time(record["time"])
    scope = _parse_scope(record["scope"])
    event_id = str(uuid.uuid5(_EVENTS, str(number)))
    ticks = int((moment - _EPOCH).total_seconds() * 10_000_000)
    extra: Mapping[str, Any] = record["properties"]
    status = int(record["http_status"])
    text = record["scope"].rstrip("/")
    return {
        "authorization": {"action": record["operation"], "scope": record["scope"]},
        "caller": record["caller"],
        "channels": "Operation",
        "claims": _render_claims(record),
        "correlationId": record["correlation_id"],
        "description": "",
        "eventDataId": event_id,
        "eventName": _localize(*_EVENT_NAMES.get(record["result"], ("EndRequest", "End request"))),
        "category": _localize(record["category"]),
        "eventTimestamp": record["time"],
        "id": f"{text}/events/{event_id}/ticks/{ticks}",
        "level": _LEVELS.get(record["result"], "Informational"),
        "operationId": record["correlation_id"],
        "operationName": _localize(record["operation"]),
        "resourceGroupName": scope.group,
        "resourceProviderName": _localize(record["operation"].partition("/")[0]),
        "resourceType": _localize(scope.full_type if scope.namespace else ""),
        "resourceId": record["scope"],
        "status": _localize(_STATUS.get(record["result"], record["result"])),
        "subStatus": _render_sub_status(status),
        "submissionTimestamp": record["time"],
        "httpRequest": {
            "clientRequestId": record["correlation_id"],
            "clientIpAddress": record["client_ip"],
            "method": str(extra.get("method", "")),
        },
        "subscriptionId": scope.subscription,
        "tenantId": tenant,
        "properties": {
            "eventCategory": record["category"],
            "entity": record["scope"],
            "statusCode": str(status) if status else "",
            **{key: str(value) for key, value in extra.items() if key != "method"},
        },
        "relatedEvents": [],
    }


def render_facts(event: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a ``$filter`` may name of an event."""
    return {
        "eventTimestamp": event["eventTimestamp"],
        "eventChannels": "Admin, Operation",
        "channels": "Operation",
        "category": event["category"]["value"],
        "caller": event["caller"],
        "correlationId": event["correlationId"],
        "eventDataId": event["eventDataId"],
        "level": event["level"],
        "levels": event["level"],
        "operationName": event["operationName"]["value"],
        "operations": event["operationName"]["value"],
        "resourceGroupName": event["resourceGroupName"],
        "resourceId": event["resourceId"],
        "resourceUri": event["resourceId"],
        "resourceProvider": event["resourceProviderName"]["value"],
        "resourceType": event["resourceType"]["value"],
        "resourceTypes": event["resourceType"]["value"],
        "status": event["status"]["value"],
        "subscriptionId": event["subscriptionId"],
    }


def select_properties(event: Mapping[str, Any], names: str) -> dict[str, Any]:
    """Return the event with only the properties that ``$select`` names, in any case."""
    wanted = {name.strip().casefold() for name in names.split(",") if name.strip()}
    if not wanted or "*" in wanted:
        return dict(event)
    return {name: value for name, value in event.items() if name.casefold() in wanted}


def _parse_scope(text: str) -> arm.ResourceId:
    try:
        return arm.parse_resource_id(text)
    except arm.InvalidResourceId:
        # Records of other planes name what is no ARM id; the tenant holds them.
        return arm.parse_resource_id("/")


def _render_claims(record: Mapping[str, Any]) -> dict[str, str]:
    """Return who it was as claims; nothing of the token itself is kept anywhere."""
    claims = {_OID: record["caller_object_id"], "ipaddr": record["client_ip"]}
    claims[_UPN if "@" in record["caller"] else "appid"] = record["caller"]
    return {name: value for name, value in claims.items() if value}


def _render_sub_status(status: int) -> dict[str, str]:
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        return _localize("")
    return _localize(phrase.replace(" ", ""), f"{phrase} (HTTP Status Code: {status})")
