from datetime import timedelta
from typing import Any

import pytest
from tests.unit.silo.providers.world import GROUP, NOW, OTHER, SUB, World

from silo import access, arm, audit, core
from silo.providers.insights import errors

LIST = "/subscriptions/{subscription}/providers/Microsoft.Insights/eventtypes/management/values"
DAY = "2026-11-23"
ID = SUB.rpartition("/")[2]
STORE = f"{GROUP}/providers/Microsoft.X/stores/s"


def note(world: World, scope: str, minutes_ago: int = 5, **fields: Any) -> None:
    values = {
        "time": NOW - timedelta(minutes=minutes_ago),
        "category": "Administrative",
        "operation": "Microsoft.X/stores/write",
        "scope": scope,
        "result": "Succeeded",
        "caller": "kim@silo.local",
        "caller_object_id": world.kim.object_id,
        "client_ip": "10.0.0.1",
        "correlation_id": "corr",
        "http_status": 201,
        "properties": {"method": "PUT"},
        **fields,
    }
    world.store.write_now(lambda conn: audit.append(conn, audit.Record(**values)))


async def read(
    world: World, text: str = "", who: access.Principal | None = None, **query: str
) -> dict[str, Any]:
    asked = {**({"$filter": text} if text else {}), **query}
    reply = await world.ask("GET", LIST, SUB, who=who, query=asked, subscription=ID)
    body: dict[str, Any] = reply.body
    return body


async def scopes(world: World, text: str = "", who: access.Principal | None = None) -> list[str]:
    return [event["resourceId"] for event in (await read(world, text, who))["value"]]


async def test_an_event_has_azures_shape(world: World) -> None:
    note(world, STORE)

    (event,) = (await read(world))["value"]

    assert event["caller"] == "kim@silo.local"
    assert event["operationName"]["value"] == "Microsoft.X/stores/write"
    assert event["authorization"] == {"action": "Microsoft.X/stores/write", "scope": STORE}
    assert event["resourceGroupName"] == "rg"
    assert event["resourceProviderName"]["value"] == "Microsoft.X"
    assert event["resourceType"]["value"] == "Microsoft.X/stores"
    assert event["status"]["value"] == "Succeeded"
    assert event["subStatus"]["localizedValue"] == "Created (HTTP Status Code: 201)"
    assert event["subscriptionId"] == ID
    assert event["httpRequest"] == {
        "clientRequestId": "corr",
        "clientIpAddress": "10.0.0.1",
        "method": "PUT",
    }
    assert event["id"].startswith(f"{STORE}/events/{event['eventDataId']}/ticks/")
    assert event["eventTimestamp"] == core.render_time(NOW - timedelta(minutes=5))


async def test_what_was_refused_is_a_failure(world: World) -> None:
    note(world, STORE, result="Denied", http_status=403)

    (event,) = (await read(world, "status eq 'Failed'"))["value"]

    assert (event["level"], event["subStatus"]["value"]) == ("Error", "Forbidden")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("resourceGroupName eq 'RG'", [STORE, GROUP]),
        (f"resourceUri eq '{STORE.upper()}'", [STORE]),
        ("resourceProvider eq 'microsoft.x'", [STORE, GROUP, SUB]),
        ("caller eq 'nobody'", []),
        ("correlationId eq 'other'", [SUB]),
        ("correlationId eq 'other' or correlationId eq 'corr'", [STORE, GROUP, SUB]),
        ("eventTimestamp ge 2026-11-23T09:45:00.000000", [STORE, GROUP]),
        (f"eventTimestamp gt '{DAY}T09:45Z' and eventTimestamp lt '{DAY}T09:52Z'", [GROUP]),
        ("eventTimestamp ge '2026-11-23T09:54:00Z' or resourceId eq 'x'", [STORE]),
        ("eventChannels eq 'Admin, Operation' and status eq 'succeeded'", [STORE, GROUP, SUB]),
    ],
)  # fmt: skip
async def test_filters_narrow_the_log(world: World, text: str, expected: list[str]) -> None:
    note(world, SUB, 30, correlation_id="other")
    note(world, GROUP, 10)
    note(world, STORE, 5)
    note(world, OTHER)
    note(world, "/")
    note(world, SUB, category="SignIn")

    assert await scopes(world, text) == expected


async def test_each_sees_what_was_done_where_it_may_read(world: World) -> None:
    note(world, SUB)
    note(world, STORE)
    world.give("Reader", GROUP, world.kim.object_id, 8)

    assert await scopes(world) == [STORE, SUB]
    assert await scopes(world, who=world.kim) == [STORE]


async def test_who_may_read_nothing_of_it_is_refused(world: World) -> None:
    note(world, STORE)
    world.give("AcrPull", GROUP, world.kim.object_id, 8)
    world.give("Owner", OTHER, world.kim.object_id, 9)

    with pytest.raises(arm.AuthorizationFailed):
        await read(world, who=world.kim)


async def test_select_leaves_only_what_was_asked_for(world: World) -> None:
    note(world, STORE)

    body = await read(world, **{"$select": "caller, EventTimestamp"})

    assert [sorted(event) for event in body["value"]] == [["caller", "eventTimestamp"]]


async def test_pages_hold_every_event_once(world: World) -> None:
    for number in range(450):
        note(world, STORE, correlation_id=str(number))
    seen: list[str] = []
    query: dict[str, str] = {}
    while True:
        body = await read(world, "resourceGroupName eq 'rg'", **query)
        seen += [event["correlationId"] for event in body["value"]]
        if "nextLink" not in body:
            break
        assert body["nextLink"].startswith("https://management.azure.com/")
        query = {"$skiptoken": body["nextLink"].rpartition("skipToken=")[2]}

    assert seen == [str(number) for number in reversed(range(450))]


@pytest.mark.parametrize("text", ["x eq", "eventTimestamp ge 'never", "f(x)", "a" * 5_000])
async def test_a_filter_that_cannot_be_read_is_refused(world: World, text: str) -> None:
    with pytest.raises(arm.InvalidFilterInQueryString):
        await read(world, text)


async def test_a_start_before_the_log_goes_back_is_refused(world: World) -> None:
    with pytest.raises(errors.TimeRangeTooOld):
        await read(world, "eventTimestamp ge '2020-01-01T00:00:00Z'")


@pytest.mark.parametrize("token", ["x", "-1", "9" * 30, "٣"])
async def test_a_page_that_was_never_handed_out_is_refused(world: World, token: str) -> None:
    with pytest.raises(errors.InvalidSkipToken):
        await read(world, **{"$skiptoken": token})


async def test_the_tenant_and_management_groups_have_logs_of_their_own(world: World) -> None:
    above = "/providers/Microsoft.Management/managementGroups/top"
    for scope in ("/", above, SUB, "users/kim"):
        note(world, scope)
    tenant, group = (
        operation
        for operation in world.operations
        if not operation.filtered and operation.path.endswith("/values")
    )
    world.operations = (tenant,)
    of_tenant = await world.ask("GET", "/values", "/")
    world.operations = (group,)
    of_group = await world.ask("GET", "/values", above, managementGroup="top")

    assert [event["resourceId"] for event in of_tenant.body["value"]] == ["users/kim", above, "/"]
    assert [event["resourceId"] for event in of_group.body["value"]] == [above]


async def test_the_kinds_of_events_are_those_there_are(world: World) -> None:
    reply = await world.ask("GET", "/eventcategories", "/")

    assert reply.body == {
        "value": [{"value": "Administrative", "localizedValue": "Administrative"}]
    }
    with pytest.raises(arm.AuthorizationFailed):
        await world.ask("GET", "/eventcategories", "/", who=world.kim)
