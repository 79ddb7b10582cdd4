"""What Prometheus reads, and who may."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families
from tests.unit.silo.providers.world import GROUP, NOW, World, open_world

from silo import arm, core, engine
from silo.engine import tables
from silo.providers.insights import Exposition, Sample, create_tables, metric_samples

SCOPE = f"{GROUP}/providers/Microsoft.ContainerInstance/containerGroups"


class Scrape:
    """The path with two groups behind it."""

    def __init__(self, world: World, folder: Path) -> None:
        self.world = world
        self.monitor = core.Store(folder / "monitor.db")
        create_tables(self.monitor)
        self.door = Exposition(
            behind=self._behind,
            resources=world.resources,
            monitor=self.monitor,
            authorizer=world.authorizer,
            authenticate=self._authenticate,
        )
        world.store.create_tables()
        for name in ("web", "job"):
            self._make(name)

    def _make(self, name: str) -> None:
        def fill(conn: core.Connection) -> str:
            id_ = arm.parse_resource_id(f"{SCOPE}/{name}")
            made = self.world.resources.make(id_, {}, arm.make_stamp(NOW))
            view = engine.GroupView(
                state=engine.GroupState.RUNNING,
                containers=(engine.ContainerView("main", restart_count=3),),
            )
            tables.write_seen(conn, tables.Seen(made.uid, 1, view), NOW)
            return self.world.resources.put(conn, made).uid

        uid = self.world.store.write_now(fill)
        samples = [
            Sample(uid, "CpuUsage", "main", 250.0),
            Sample(uid, "MemoryUsage", "main", 4096.0),
            Sample(uid, "NetworkBytesReceivedPerSecond", "", 7.0),
        ]
        self.monitor.write_now(lambda conn: metric_samples.add_samples(conn, NOW, samples))

    def _authenticate(self, token: str):
        if token not in {"admin", "kim"}:
            raise arm.InvalidAuthenticationToken("The access token is invalid.")
        return getattr(self.world, token)

    async def _behind(self, _scope, _receive, send) -> None:
        await send({"type": "http.response.start", "status": 299, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async def ask(self, who: str = "admin", path: str = "/metrics", method: str = "GET"):
        messages = []

        async def send(message):
            messages.append(message)

        async def receive():
            return {"type": "http.request", "body": b"", "more_body": False}

        headers = [(b"authorization", f"Bearer {who}".encode())] if who else []
        scope = {"type": "http", "method": method, "path": path, "headers": headers}
        await self.door(scope, receive, send)
        return messages[0]["status"], messages[1]["body"].decode()

    async def read(self, who: str = "admin"):
        status, text = await self.ask(who)
        assert status == 200
        return {
            (
                sample.name,
                sample.labels["container_group"],
                sample.labels.get("state"),
            ): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }


@pytest.fixture
def scrape(tmp_path: Path) -> Iterator[Scrape]:
    for world in open_world(tmp_path):
        made = Scrape(world, tmp_path)
        yield made
        made.monitor.close()


async def test_the_present_of_every_group_is_told(scrape: Scrape) -> None:
    told = await scrape.read()

    assert told["silo_container_cpu_cores", "web", None] == 0.25
    assert told["silo_container_memory_bytes", "web", None] == 4096.0
    assert told["silo_container_group_receive_bytes_per_second", "job", None] == 7.0
    assert told["silo_container_restarts_total", "web", None] == 3.0
    assert told["silo_container_group_state", "web", "Running"] == 1.0
    assert told["silo_container_group_state", "web", "Failed"] == 0.0


async def test_each_caller_sees_the_groups_that_it_may_read(scrape: Scrape) -> None:
    scrape.world.give("Reader", f"{SCOPE}/job", scrape.world.kim.object_id, 7)

    told = await scrape.read("kim")

    assert {group for _, group, _ in told} == {"job"}


@pytest.mark.parametrize(("who", "status"), [("", 401), ("wrong", 401), ("kim", 403)])
async def test_it_is_closed(scrape: Scrape, who: str, status: int) -> None:
    assert (await scrape.ask(who))[0] == status


async def test_it_is_only_read(scrape: Scrape) -> None:
    assert (await scrape.ask(method="POST"))[0] == 405


async def test_every_other_path_is_handed_on(scrape: Scrape) -> None:
    assert (await scrape.ask("", path="/metrics/more"))[0] == 299
