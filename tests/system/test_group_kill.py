"""``kill -9`` of Silo and of containerd under twenty groups: none is lost, no exit code either."""

import os
import random
import signal
import time

import pytest
from bench.processes import wait_until

GROUPS = int(os.environ.get("SILO_KILL_GROUPS", "20"))
ROUNDS = int(os.environ.get("SILO_KILL_GROUP_ROUNDS", "1"))
VICTIMS = ("everything", "containerd", "silo-control", "silo")


@pytest.fixture(scope="module")
def groups(containers):
    """Half of them run on, half of them end by themselves while somebody is being killed."""
    names = [f"kill-{number}" for number in range(GROUPS)]
    for number, name in enumerate(names):
        # A second's sleep for each, so that they end one after another.
        command = "/bin/probe tick 200" if number % 2 else f"/bin/probe exit {number} {8 + number}"
        containers.start(name, command.split(), level="process" if number % 4 else "sandbox")
    for name in names:
        containers.settle(name)
    yield names
    for name in names:
        containers.delete(name)


def ticks_of(containers, name):
    return [line for line in containers.logs(name).splitlines() if line.startswith("tick")]


@pytest.mark.parametrize("victim", VICTIMS)
def test_no_group_is_lost(containers, groups, victim):
    silo = containers.silo
    chance = random.Random(os.urandom(8))
    running = [name for number, name in enumerate(groups) if number % 2]
    before = {name: containers.current(name)["startTime"] for name in running}
    counted = {name: len(ticks_of(containers, name)) for name in running}

    for _ in range(ROUNDS):
        time.sleep(chance.random())
        _kill(silo, victim)
        if not silo.alive:
            silo.start()
        wait_until(lambda: _served(containers, groups[1]), 60, "an answer after the kill")

    for name in running:
        found = containers.wait(name, "Running")
        view = found["properties"]["containers"][0]["properties"]["instanceView"]
        assert view["restartCount"] == 0, name
        assert view["currentState"]["startTime"] == before[name]
    wait_until(
        lambda: all(len(ticks_of(containers, name)) > counted[name] for name in running),
        30,
        "every group's next line",
    )
    for name in running[:2]:  # not a line is missing
        lines = ticks_of(containers, name)
        assert lines == [f"tick {number}" for number in range(1, len(lines) + 1)]
    assert '"unhandled"' not in silo.log.read_text()


def test_no_exit_code_is_lost(containers, groups):
    for number, name in enumerate(groups):
        if number % 2:
            continue
        containers.wait(name, "Failed" if number else "Succeeded")
        assert containers.current(name)["exitCode"] == number, name


def test_a_group_that_is_being_made_when_all_dies_is_made_or_gone(containers):
    silo = containers.silo
    names = [f"made-{number}" for number in range(4)]
    for name in names:
        containers.start(name, ["/bin/probe", "tick", "200"], level="process")
    silo.kill()
    silo.start()

    for name in names:
        containers.wait(name, "Running")
        assert len(containers.list()) >= len(names)
    for name in names:
        containers.delete(name)


def _kill(silo, victim):
    if victim == "everything":
        silo.kill()
        return
    found = [pid for pid, name in silo.list_processes().items() if name == victim]
    assert found, silo.list_processes()
    os.kill(found[0], signal.SIGKILL)
    if victim == "silo":
        silo.process.wait()


def _served(containers, name):
    try:
        return containers.call("GET", containers._path(name)).status == 200
    except OSError:
        return False
