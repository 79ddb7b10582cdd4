"""Graph's view of the tenant itself: organization, domains, and the logs."""

from datetime import timedelta
from typing import Any

from silo import audit, core

from .directory_errors import ObjectNotFound
from .graph_call import GraphCall, GraphReply, GraphRoute
from .graph_query import answer_list, answer_one
from .sign_in_log import list_sign_ins
from .tenant import Tenant, get_tenant

LOG_WINDOW = timedelta(days=30)
"""How far back Entra shows its logs."""
LOG_LIMIT = 5_000
"""Records read for one answer; the filter works on these."""
_OPERATIONS = "Microsoft.Graph/"
_NEWEST_FIRST = "id desc"
"""The ids count up."""


def _list_organizations(conn: core.Connection, call: GraphCall) -> GraphReply:
    return answer_list(call, "organization", [_render_organization(get_tenant(conn))])


def _show_organization(conn: core.Connection, call: GraphCall) -> GraphReply:
    tenant = get_tenant(conn)
    if call.params["tenant"].casefold() != tenant.id:
        raise ObjectNotFound(f"Resource '{call.params['tenant']}' was not found.")
    return answer_one(call, "organization", _render_organization(tenant))


def _list_domains(conn: core.Connection, call: GraphCall) -> GraphReply:
    return answer_list(call, "domains", [_render_domain(get_tenant(conn))])


def _show_domain(conn: core.Connection, call: GraphCall) -> GraphReply:
    tenant = get_tenant(conn)
    if call.params["domain"].casefold() != tenant.domain:
        raise ObjectNotFound(f"Resource '{call.params['domain']}' was not found.")
    return answer_one(call, "domains", _render_domain(tenant))


def _list_audits(conn: core.Connection, call: GraphCall) -> GraphReply:
    records = audit.list_records(
        conn,
        category="Administrative",
        since=call.now - LOG_WINDOW,
        until=call.now,
        limit=LOG_LIMIT,
    )
    found = [
        _render_audit(number, body)
        for number, body in records
        if body["operation"].startswith(_OPERATIONS)
    ]
    return answer_list(call, "auditLogs/directoryAudits", found, order=_NEWEST_FIRST)


def _list_sign_ins(conn: core.Connection, call: GraphCall) -> GraphReply:
    found = list_sign_ins(conn, since=call.now - LOG_WINDOW, until=call.now, limit=LOG_LIMIT)
    return answer_list(call, "auditLogs/signIns", found, order=_NEWEST_FIRST)


def _show_sign_in(conn: core.Connection, call: GraphCall) -> GraphReply:
    found = list_sign_ins(conn, since=call.now - LOG_WINDOW, until=call.now, limit=LOG_LIMIT)
    for each in found:
        if each["id"] == call.params["entry"].casefold():
            return answer_one(call, "auditLogs/signIns", each)
    raise ObjectNotFound(f"Resource '{call.params['entry']}' was not found.")


def _render_organization(tenant: Tenant) -> dict[str, Any]:
    return {
        "id": tenant.id,
        "displayName": tenant.display_name,
        "tenantType": "AAD",
        "assignedPlans": [],
        "businessPhones": [],
        "provisionedPlans": [],
        "technicalNotificationMails": [],
        "verifiedDomains": [
            {
                "capabilities": "",
                "isDefault": True,
                "isInitial": True,
                "name": tenant.domain,
                "type": "Managed",
            }
        ],
    }


def _render_domain(tenant: Tenant) -> dict[str, Any]:
    return {
        "id": tenant.domain,
        "authenticationType": "Managed",
        "isAdminManaged": True,
        "isDefault": True,
        "isInitial": True,
        "isRoot": True,
        "isVerified": True,
        "supportedServices": [],
    }


def _render_audit(number: int, body: dict[str, Any]) -> dict[str, Any]:
    operation = body["operation"].removeprefix(_OPERATIONS)
    collection, _, target = body["scope"].removeprefix("/providers/Microsoft.Graph/").partition("/")
    who: dict[str, Any] = {"user": None, "app": None}
    if "@" in body["caller"]:
        who["user"] = {
            "id": body["caller_object_id"],
            "userPrincipalName": body["caller"],
            "ipAddress": body["client_ip"],
        }
    else:
        who["app"] = {"appId": body["caller"], "servicePrincipalId": body["caller_object_id"]}
    return {
        "id": f"Directory_{number:012d}",
        "activityDateTime": body["time"],
        "activityDisplayName": operation,
        "category": "DirectoryManagement",
        "correlationId": body["correlation_id"],
        "initiatedBy": who,
        "loggedByService": "Core Directory",
        "operationType": operation.rpartition("/")[2],
        "result": "success" if body["result"] == "Succeeded" else "failure",
        "resultReason": body["properties"].get("reason", ""),
        "targetResources": [{"id": target, "type": collection}] if target else [],
        "additionalDetails": [],
    }


TENANT_ROUTES = (
    GraphRoute("GET", "/organization", "organization/standard/read", _list_organizations),
    GraphRoute("GET", "/organization/{tenant}", "organization/standard/read", _show_organization),
    GraphRoute("GET", "/domains", "domains/standard/read", _list_domains),
    GraphRoute("GET", "/domains/{domain}", "domains/standard/read", _show_domain),
    GraphRoute("GET", "/auditLogs/directoryAudits", "auditLogs/allProperties/read", _list_audits),
    GraphRoute("GET", "/auditLogs/signIns", "signInReports/allProperties/read", _list_sign_ins),
    GraphRoute(
        "GET", "/auditLogs/signIns/{entry}", "signInReports/allProperties/read", _show_sign_in
    ),
)
