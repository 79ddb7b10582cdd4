"""Promises of silo.identity.graph_tenant."""

from tests.unit.silo.identity.conftest import TENANT
from tests.unit.silo.identity.graph_client import Graph

from silo.identity.sign_in_log import SignIn, append_sign_in


async def test_the_organization_is_the_tenant(graph: Graph) -> None:
    listed = await graph.call("GET", "/organization")
    shown = await graph.call("GET", f"/organization/{TENANT.id}")
    other = await graph.call("GET", "/organization/00000000-0000-4000-8000-000000000000")

    [organization] = listed.json()["value"]
    assert organization["verifiedDomains"][0]["name"] == TENANT.domain
    assert shown.json()["id"] == TENANT.id
    assert other.status_code == 404


async def test_the_domain_is_the_only_one(graph: Graph) -> None:
    listed = await graph.call("GET", "/domains")
    shown = await graph.call("GET", "/domains/silo.test")
    other = await graph.call("GET", "/domains/other.test")

    assert [each["id"] for each in listed.json()["value"]] == ["silo.test"]
    assert [shown.status_code, other.status_code] == [200, 404]


async def test_changes_are_read_from_the_log_by_those_who_may(graph: Graph) -> None:
    graph.add_user("reader", role="Reports Reader")
    graph.add_user("plain")
    await graph.call("POST", "/applications", {"displayName": "x"})

    log = await graph.call("GET", "/auditLogs/directoryAudits?$top=1", token="reader")
    refused = await graph.call("GET", "/auditLogs/directoryAudits", token="plain")

    [entry] = log.json()["value"]
    assert entry["activityDisplayName"] == "applications/create"
    assert entry["initiatedBy"]["user"]["userPrincipalName"] == "admin@silo.test"
    assert entry["result"] == "success"
    assert refused.status_code == 403


async def test_sign_ins_are_read_by_those_who_may(graph: Graph) -> None:
    graph.add_user("plain")
    sign_in = SignIn("10.0.0.1", "c-1", name="ada@silo.test", app_id="az")
    graph.store.write_now(lambda conn: append_sign_in(conn, sign_in, graph.clock.now()))

    log = await graph.call("GET", "/auditLogs/signIns?$filter=userPrincipalName eq 'ada@silo.test'")
    [entry] = log.json()["value"]
    shown = await graph.call("GET", f"/auditLogs/signIns/{entry['id']}")
    refused = await graph.call("GET", "/auditLogs/signIns", token="plain")

    assert entry["ipAddress"] == "10.0.0.1"
    assert shown.json()["id"] == entry["id"]
    assert refused.status_code == 403
