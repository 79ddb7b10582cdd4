import json
from datetime import UTC, datetime

import pytest

from silo import audit
from silo.providers.containerservice import AuditLog, audit_log
from silo.providers.containerservice.reviews import PREFIX

from .cluster_world import K1

OID = "00000000-0000-0000-0000-0000000000cc"


def make_event(verb="create", status=201, **changes):
    event = {
        "auditID": "a1",
        "verb": verb,
        "requestURI": "/apis/apps/v1/namespaces/shop/deployments",
        "user": {"username": "dev@silo.test", "extra": {"entra.silo/oid": [OID]}},
        "sourceIPs": ["198.51.100.1", "10.0.0.9"],
        "userAgent": "kubectl",
        "objectRef": {
            "resource": "deployments",
            "namespace": "shop",
            "name": "web",
            "apiGroup": "apps",
        },
        "responseStatus": {"code": status},
        "requestReceivedTimestamp": "2026-05-01T10:00:00.123456Z",
        "annotations": {"authorization.k8s.io/reason": "because"},
    }
    return {**event, **changes}


class Trail:
    """The log of a cluster, and somebody who reads it."""

    def __init__(self, world):
        self.world = world
        self.log = AuditLog(world.around, world.clock)
        (uid,) = world.clusters.plans
        self.folder = world.clusters.locate(uid).audit
        self.folder.mkdir(parents=True)

    async def take(self, *events):
        with (self.folder / "audit.log").open("a") as file:
            file.writelines(json.dumps(event) + "\n" for event in events)
        await self.log.read_on()

    def list(self):
        since, until = (datetime(year, 1, 1, tzinfo=UTC) for year in (2000, 2100))
        found = self.world.store.read_now(
            lambda conn: audit.list_records(
                conn, category="Administrative", since=since, until=until, within=K1
            )
        )
        return [body for _, body in found if body["correlation_id"] in {"a1", ""}]


@pytest.fixture
async def trail(world):
    async with world.running():
        await world.put(aadProfile={"managed": True})
        await world.wait_state()
    return Trail(world)


async def test_deed_is_recorded_once_with_who_what_where(trail):
    await trail.take(make_event())
    await trail.take()
    (record,) = trail.list()

    assert record["operation"] == f"{PREFIX}/apps/deployments/write"
    assert record["scope"] == f"{K1}/namespaces/shop"
    assert (record["caller"], record["caller_object_id"]) == ("dev@silo.test", OID)
    assert (record["result"], record["http_status"]) == ("Succeeded", 201)
    assert (record["client_ip"], record["time"][:16]) == ("10.0.0.9", "2026-05-01T10:00")
    assert record["properties"]["name"] == "web"
    assert record["properties"]["reason"] == "because"


async def test_reading_leaves_a_record_only_when_it_is_refused(trail):
    await trail.take(make_event("list", 200), make_event("watch", 200), make_event("get", 404))
    assert trail.list() == []
    await trail.take(make_event("get", 403), make_event("delete", 404), make_event("get", 401))

    assert [one["result"] for one in trail.list()] == ["Denied", "Failed", "Denied"]


async def test_loop_of_a_workload_does_not_fill_the_log(trail):
    await trail.take(*[make_event()] * (audit_log.RECORDS_MAX + 7))
    last, *rest = trail.list()

    assert len(rest) == audit_log.RECORDS_MAX
    assert last["properties"]["reason"].startswith("7 more requests")


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"verb": 1, "user": 2, "objectRef": [], "responseStatus": "x", "sourceIPs": {}},
        make_event(requestReceivedTimestamp="then", auditID="a1"),
        make_event(objectRef=None, requestURI="/" + "x" * 5000),
        make_event(objectRef={"resource": "pods", "namespace": "../.."}),
    ],
)
async def test_event_that_is_none_stops_nothing(trail, event):
    await trail.take(event, make_event())

    assert len(trail.list()) == 2
    assert all(len(json.dumps(one)) < 4096 for one in trail.list())
    assert all(one["scope"].startswith(K1) for one in trail.list())
