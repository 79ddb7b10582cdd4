"""The loop: every wish is settled in the end, well or badly, and how is written down."""

import asyncio
import contextlib
from datetime import timedelta

import pytest
from tests.unit.silo.arm.world import GROUP, World

from silo import arm, audit, core
from silo.arm import reconciler

SLOW = f"{GROUP}/providers/Silo.Test/slowThings"
BODY = {"location": "eastus"}


class Hands(core.SystemClock):
    """A clock whose pauses are moved by hand."""

    def __init__(self):
        self.moment = 0.0

    def monotonic(self):
        return self.moment


@pytest.fixture
async def world(tmp_path):
    built = World(tmp_path)
    built.clock = built.resources.clock = Hands()
    built.reconciler = arm.Reconciler(built.catalogue, built.resources)
    await built.ask("PUT", GROUP, BODY)
    return built


async def read_state(world, name="one"):
    _, _, body = await world.ask("GET", f"{SLOW}/{name}")
    return body["properties"]["provisioningState"]


def list_log(world):
    until = world.clock.now()
    since = until - timedelta(hours=1)
    found = world.store.read_now(
        lambda conn: audit.list_records(conn, category="Administrative", since=since, until=until)
    )
    return [
        (body["operation"], body["result"], body["caller"])
        for _, body in reversed(found)
        if "slowThings" in body["operation"]
    ]


async def test_the_log_tells_what_was_accepted_and_how_it_ended(world):
    await world.ask("PUT", f"{SLOW}/one", BODY)
    await world.reconciler.settle_all()
    await world.ask("DELETE", f"{SLOW}/one")
    await world.reconciler.settle_all()

    assert list_log(world) == [
        ("Silo.Test/slowThings/write", "Accepted", "owner"),
        ("Silo.Test/slowThings/write", "Succeeded", "owner"),
        ("Silo.Test/slowThings/delete", "Accepted", "owner"),
        ("Silo.Test/slowThings/delete", "Succeeded", "owner"),
    ]


async def test_waiting_is_no_failure(world):
    world.ledger.failure = arm.NotYet("The image is still on its way.", retry_after_s=5)
    await world.ask("PUT", f"{SLOW}/one", BODY)
    await world.reconciler.settle_all()
    world.ledger.failure = None

    await world.reconciler.settle_all()
    assert await read_state(world) == "Creating"
    world.clock.moment += 5
    await world.reconciler.settle_all()
    assert await read_state(world) == "Succeeded"


async def test_what_may_pass_is_tried_again_after_longer_and_longer_pauses(world):
    world.ledger.failure = OSError("no route")
    await world.ask("PUT", f"{SLOW}/one", BODY)
    await world.reconciler.settle_all()
    world.ledger.failure = None

    await world.reconciler.settle_all()
    assert world.ledger.reconciled == []
    world.clock.moment += reconciler.FIRST_PAUSE_S
    await world.reconciler.settle_all()
    assert world.ledger.reconciled == ["one"]


async def test_what_does_not_pass_is_called_failed_in_the_end(world):
    world.ledger.failure = OSError("no route")
    await world.ask("PUT", f"{SLOW}/one", BODY)
    for _ in range(reconciler.TRIES):
        assert await read_state(world) == "Creating"
        await world.reconciler.settle_all()
        world.clock.moment += reconciler.MAX_PAUSE_S

    assert await read_state(world) == "Failed"


async def test_a_database_that_cannot_be_written_is_no_reason_to_give_up(world, monkeypatch):
    world.ledger.failure = arm.Conflict("No.")
    await world.ask("PUT", f"{SLOW}/one", BODY)

    async def full(_work):
        raise core.StoreFull("The disk is full.")

    with monkeypatch.context() as patch:
        patch.setattr(world.store, "write", full)
        await world.reconciler.settle_all()
    assert await read_state(world) == "Creating"

    world.clock.moment += reconciler.MAX_PAUSE_S
    await world.reconciler.settle_all()
    assert await read_state(world) == "Failed"


async def test_one_that_takes_long_holds_up_no_other(world, monkeypatch):
    gate = asyncio.Event()
    monkeypatch.setattr(reconciler, "POLL_S", 0.001)

    async def reconcile(resource, _wanted):
        if resource.id.name == "slow":
            await gate.wait()

    type_ = world.catalogue.find_type("Silo.Test/slowThings")
    object.__setattr__(type_, "reconcile", reconcile)
    await world.ask("PUT", f"{SLOW}/slow", BODY)
    async with asyncio.TaskGroup() as group:
        loop = group.create_task(world.reconciler.run())
        await asyncio.sleep(0.02)
        await world.ask("PUT", f"{SLOW}/quick", BODY)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(5):
                while await read_state(world, "quick") != "Succeeded":
                    await asyncio.sleep(0.005)
        states = (await read_state(world, "quick"), await read_state(world, "slow"))
        loop.cancel()

    assert states == ("Succeeded", "Creating")


async def test_a_group_stays_when_something_in_it_cannot_be_deleted(world):
    await world.ask("PUT", f"{SLOW}/one", BODY)
    await world.reconciler.settle_all()
    world.ledger.failure = arm.Conflict("It is in use.")
    _, headers, _ = await world.ask("DELETE", GROUP)
    for _ in range(3):
        await world.reconciler.settle_all()
        world.clock.moment += 1

    path = headers["location"].removeprefix("https://management.silo.test")
    status, _, body = await world.ask("GET", path)
    assert (status, body["error"]["code"]) == (409, "ResourceDeletionFailed")
    assert "It is in use." in body["error"]["message"]

    world.ledger.failure = None
    await world.ask("DELETE", GROUP)
    for _ in range(3):
        await world.reconciler.settle_all()
        world.clock.moment += 1
    assert (await world.ask("GET", GROUP))[0] == 404


async def test_a_loop_that_died_in_between_is_followed_by_another(world):
    world.ledger.failure = asyncio.CancelledError()
    await world.ask("PUT", f"{SLOW}/one", BODY)
    with contextlib.suppress(asyncio.CancelledError):
        await world.reconciler.settle_all()
    world.ledger.failure = None

    await arm.Reconciler(world.catalogue, world.resources).settle_all()

    assert await read_state(world) == "Succeeded"
