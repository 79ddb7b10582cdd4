import base64
import json

import pytest
from tests.unit.silo.arm.world import VERSION

from silo import kube

from .cluster_world import K1

ZIP = base64.encodebytes(b"PK" + bytes(200)).decode()


@pytest.fixture
def given(monkeypatch):
    """Note what clusters are told to run, and tell what is there."""
    told = {"begun": {}, "result": kube.CommandResult()}

    class NoApi:
        def __init__(self, _plan, paths):
            if not (paths.pki / "ca.crt").exists():
                raise FileNotFoundError

        async def close(self):
            pass

    async def begin(_api, name, command, _now):
        told["begun"][name] = command

    async def find(_api, name):
        return told["result"] if name in told["begun"] else None

    monkeypatch.setattr(kube, "Api", NoApi)
    monkeypatch.setattr(kube, "begin_command", begin)
    monkeypatch.setattr(kube, "find_command", find)
    return told


async def run(world, **body):
    return await world.ask("POST", f"{K1}/runCommand", {"command": "kubectl get pods", **body})


async def found(world, **properties):
    async with world.running():
        await world.put(**properties)
        await world.wait_state()


async def follow(world, headers):
    location = {name.lower(): value for name, value in headers.items()}["location"]
    return await world.ask("GET", location[location.index("/subscriptions") :])


async def test_command_is_begun_and_its_result_is_where_location_says(world, given):
    await found(world)
    status, headers, _ = await run(world, context=ZIP)
    waiting, _, _ = await follow(world, headers)
    given["result"] = kube.CommandResult(True, 3, "", "said", "s", "f")
    done, _, body = await follow(world, headers)

    ((name, command),) = given["begun"].items()
    assert (status, waiting, done) == (202, 202, 200)
    assert command.line == "kubectl get pods"
    assert base64.b64decode(command.archive) == base64.decodebytes(ZIP.encode())
    assert body["id"] == name
    assert body["properties"] == {
        "provisioningState": "Succeeded",
        "exitCode": 3,
        "startedAt": "s",
        "finishedAt": "f",
        "logs": "said",
    }


async def test_command_that_never_ran_has_failed_and_says_why(world, given):
    await found(world)
    _, headers, _ = await run(world)
    given["result"] = kube.CommandResult(True, None, "DeadlineExceeded")
    _, _, body = await follow(world, headers)

    assert body["properties"] == {"provisioningState": "Failed", "reason": "DeadlineExceeded"}


async def test_without_entra_it_signs_in_for_an_hour_as_whoever_may_have_the_certificate(
    world, given
):
    await found(world)
    await run(world)

    (command,) = given["begun"].values()
    (user,) = json.loads(command.kubeconfig)["users"]
    assert "client-key-data" in user["user"]


async def test_with_entra_it_signs_in_with_the_callers_token_and_nothing_else(world, given):
    await found(world, aadProfile={"managed": True})
    status, _, body = await run(world)
    await run(world, clusterToken="theirs")

    assert (status, body["error"]["target"]) == (400, "clusterToken")
    (command,) = given["begun"].values()
    (user,) = json.loads(command.kubeconfig)["users"]
    assert user["user"] == {"token": "theirs"}


@pytest.mark.parametrize(
    ("body", "target"),
    [
        ({"command": " "}, "command"),
        ({"command": ["x"]}, "command"),
        ({"command": "x" * 70_000}, "command"),
        ({"context": "?"}, "context"),
        ({"context": 1}, "context"),
        ({"context": base64.b64encode(bytes(700_000)).decode()}, "context"),
    ],
)
async def test_what_cannot_be_run_is_refused(world, given, body, target):
    await found(world)
    status, _, answer = await run(world, **body)

    assert (status, answer["error"]["target"]) == (400, target)
    assert given["begun"] == {}


async def test_stopped_cluster_and_one_that_is_not_up_yet_run_nothing(world, given):
    await world.put()
    early, _, _ = await run(world)
    async with world.running():
        await world.wait_state()
        await world.act("stop")
        await world.wait_state()
    late, _, body = await run(world)

    assert (early, late) == (409, 409)
    assert "(Stopped)" in body["error"]["message"]
    assert given["begun"] == {}


@pytest.mark.parametrize("name", ["0" * 32, "x"])
async def test_unknown_command_is_not_found(world, given, name):
    await found(world)
    status, _, _ = await world.ask("GET", f"{K1}/commandResults/{name}?api-version={VERSION}")

    assert status == 404
    assert given["begun"] == {}
