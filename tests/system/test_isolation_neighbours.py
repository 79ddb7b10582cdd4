"""Containers of one group share a network and volumes; they reach nothing else through those."""

import json
import os
from pathlib import Path

import pytest

from silo import engine

pytestmark = pytest.mark.skipif("os.geteuid() != 0", reason="containers need root")
LEVELS = [engine.Level.PROCESS, engine.Level.SANDBOX]
ROUNDS = int(os.environ.get("SILO_RACE_ROUNDS", "6"))
WORDS = "the machine itself"


@pytest.mark.parametrize("level", LEVELS)
async def test_a_link_that_changes_while_a_volume_is_mounted_leads_nowhere(world, image, level):
    """One container exchanges a folder for links all the time; others have a volume in it."""
    outside = world.folder / "outside"
    for folder in (outside, world.folder / "shared", world.folder / "inner"):
        folder.mkdir()
        folder.chmod(0o777)
    (outside / "marker").write_text(WORDS)
    (world.folder / "inner" / "own").write_text("inner")
    way = f"{'../' * 24}{outside}"
    script = (
        "cd /v; while :; do /bin/busybox mkdir in; /bin/busybox rmdir in; "
        f"/bin/busybox ln -s {way} in; /bin/busybox rm -f in; done 2>/dev/null"
    )
    shared, inner = engine.Mount("shared", "/v"), engine.Mount("inner", "/v/in")
    await world.start(image, "/bin/sh", "-c", script, level=level, mounts=(shared,))
    before = list_mounts()

    look = "cat /v/in/marker; cat /v/in/own; echo x > /v/in/written; echo looked"
    for _ in range(ROUNDS):
        try:
            _, said = await world.run(
                image, "/bin/sh", "-c", look, level=level, mounts=(shared, inner)
            )
        except engine.ContainerRefused:
            continue
        assert WORDS not in said
        assert "looked" in said

    assert [path.name for path in outside.iterdir()] == ["marker"]
    assert (outside / "marker").read_text() == WORDS
    assert [one for one in list_mounts() - before if one.startswith(str(outside))] == []


def list_mounts() -> set[str]:
    lines = Path("/proc/self/mountinfo").read_text().splitlines()
    return {line.split()[4] for line in lines}


@pytest.mark.parametrize("level", LEVELS)
async def test_a_neighbours_processes_are_not_there(world, image, level):
    """Not under the machine's number either, with every right to trace that a group may have."""
    await world.start(image, "/bin/busybox", "sleep", "7777", level=level)
    found = await world.runtime.list_containers()
    pid = found[0].pid
    # The words stand in the list of processes too, but not in one piece.
    script = (
        f"/bin/busybox ps; kill -0 {pid} && echo rea''ched; cat /proc/{pid}/cmdline && echo rea''d"
    )
    security = engine.Security(added_capabilities=("SYS_PTRACE",))
    _, said = await world.run(image, "/bin/sh", "-c", script, level=level, security=security)
    trace = ("/bin/probe", "escape", "ptrace-foreign")
    _, told = await world.run(image, *trace, level=level, security=security)

    assert "7777" not in said
    assert "reached" not in said
    assert "read" not in said
    assert json.loads(told)["refused"], told
