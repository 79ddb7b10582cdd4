"""The status of an operation is derived from the row, for those who may know of it."""

import base64

import pytest
from tests.unit.silo.arm.world import GROUP, SUBSCRIPTION, World

from silo import arm

SLOW = f"{GROUP}/providers/Silo.Test/slowThings/one"
BODY = {"location": "eastus"}


@pytest.fixture
async def world(tmp_path):
    built = World(tmp_path)
    await built.ask("PUT", GROUP, BODY)
    return built


def path_of(address):
    return address.removeprefix("https://management.silo.test")


async def start(world):
    _, headers, _ = await world.ask("PUT", SLOW, BODY)
    assert "retry-after" not in headers
    assert headers["x-ms-retry-after-ms"] == "200"
    return path_of(headers["azure-asyncoperation"])


async def read_status(world, path, who="owner"):
    status, headers, body = await world.ask("GET", path, who=who)
    assert status == 200, body
    return body["status"], headers


async def test_a_write_is_in_progress_until_the_world_matches(world):
    path = await start(world)

    state, headers = await read_status(world, path)
    assert (state, headers["x-ms-retry-after-ms"]) == ("InProgress", "200")

    await world.reconciler.settle_all()
    state, headers = await read_status(world, path)
    assert (state, "x-ms-retry-after-ms" in headers) == ("Succeeded", False)


async def test_a_failed_write_says_why(world):
    world.ledger.failure = arm.Conflict("The cable is cut.")
    path = await start(world)
    await world.reconciler.settle_all()

    _, _, body = await world.ask("GET", path)

    assert body["status"] == "Failed"
    assert body["error"] == {"code": "Conflict", "message": "The cable is cut."}


async def test_a_deletion_is_accepted_until_the_resource_is_gone(world):
    await start(world)
    await world.reconciler.settle_all()
    status, headers, _ = await world.ask("DELETE", SLOW)
    path = path_of(headers["location"])

    assert status == 202
    assert (await world.ask("GET", path))[0] == 202
    assert (await world.ask("GET", SLOW))[2]["properties"]["provisioningState"] == "Deleting"
    await world.reconciler.settle_all()
    assert (await world.ask("GET", path))[0] == 204
    assert (await world.ask("GET", SLOW))[0] == 404


async def test_a_failed_deletion_says_why_and_leaves_the_resource(world):
    await start(world)
    await world.reconciler.settle_all()
    world.ledger.failure = arm.Conflict("It is in use.")
    _, headers, _ = await world.ask("DELETE", SLOW)
    await world.reconciler.settle_all()

    status, _, body = await world.ask("GET", path_of(headers["location"]))

    assert (status, body["error"]["message"]) == (409, "It is in use.")
    assert (await world.ask("GET", SLOW))[2]["properties"]["provisioningState"] == "Failed"


async def test_a_write_whose_resource_was_deleted_did_not_succeed(world):
    path = await start(world)
    await world.ask("DELETE", SLOW)
    await world.reconciler.settle_all()

    assert (await read_status(world, path))[0] == "Canceled"


async def test_an_incarnation_made_later_is_not_taken_for_the_first(world):
    await start(world)
    _, headers, _ = await world.ask("DELETE", SLOW)
    await world.reconciler.settle_all()
    await start(world)

    assert (await world.ask("GET", path_of(headers["location"])))[0] == 204


async def test_who_may_do_nothing_with_the_resource_learns_nothing_of_its_operation(world):
    path = await start(world)

    assert (await world.ask("GET", path, who="nobody"))[0] == 403
    assert (await read_status(world, path, who="reader"))[0] == "InProgress"


@pytest.mark.parametrize(
    "ticket",
    [
        "x",
        "....",
        base64.urlsafe_b64encode(b"a b c").decode(),
        base64.urlsafe_b64encode(f"{'0' * 32} delete /nothing".encode()).decode(),
        base64.urlsafe_b64encode(f"{'0' * 32} delete /subscriptions/other".encode()).decode(),
        base64.urlsafe_b64encode(f"{'0' * 32} frob {SLOW}".encode()).decode().rstrip("="),
    ],
)
async def test_an_operation_that_was_never_handed_out_is_not_found(world, ticket):
    path = f"/subscriptions/{SUBSCRIPTION}/providers/Silo.Test/locations/l/operationStatuses"

    assert (await world.ask("GET", f"{path}/{ticket}"))[0] == 404
