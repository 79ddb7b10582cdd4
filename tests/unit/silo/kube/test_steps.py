import asyncio
from pathlib import Path

import pytest
from structlog.testing import capture_logs
from tests.unit.silo.kube import kube_world as world

from silo import kube
from silo.kube import control_groups, nodes, steps

WAIT_S = 30


@pytest.fixture
def door(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file by which a process enters the only group that there is."""
    path = tmp_path / "cgroup.procs"
    monkeypatch.setattr(control_groups, "list_doors", lambda group: [path] if group else [])
    return path


def test_program_is_in_its_group_before_it_begins(door):
    assert steps.is_done("grep", "-qx", "0", str(door), group="/silo/i/n/daemons")
    assert not steps.is_done("false", group="/silo/i/n/daemons")


def test_program_whose_group_is_gone_does_not_run(tmp_path, door):
    door.mkdir()

    assert not steps.is_done("touch", str(tmp_path / "ran"), group="/silo/i/n/daemons")
    assert not (tmp_path / "ran").exists()


@pytest.mark.usefixtures("door")
def test_what_a_program_says_is_bounded_and_told():
    script = "echo it is full >&2; head -c 10000000 /dev/zero; tr '\\0' x </dev/zero >&2; exit 3"
    with capture_logs() as told, pytest.raises(kube.StepFailed):
        steps.run("sh", "-c", script)
    with capture_logs() as short, pytest.raises(kube.StepFailed):
        steps.run("sh", "-c", "echo it is full >&2; exit 3")

    assert len(told[0]["said"]) <= 500
    assert short[0]["said"] == "it is full"


async def test_what_takes_too_long_is_ended_with_its_children(tmp_path):
    pid = tmp_path / "pid"
    script = f"sleep 1000 & echo $! >{pid}; wait"

    for within_s in (0.5, 5.0, 50.0):  # a busy machine may not even get to begin it
        assert not await asyncio.to_thread(steps.is_done, "sh", "-c", script, within_s=within_s)
        if pid.exists() and pid.read_text():
            break
    async with asyncio.timeout(WAIT_S):
        while _runs(pid.read_text().strip()):
            await asyncio.sleep(0.02)


def test_everything_in_a_node_runs_in_its_group(tmp_path, monkeypatch):
    groups = []
    node = world.written_node_in(tmp_path)
    monkeypatch.setattr(nodes, "run", lambda *_words, group, given: groups.append(group))
    monkeypatch.setattr(nodes, "is_done", lambda *_words, group, within_s: groups.append(group))
    nodes.answers(node, 1)
    nodes.ensure_image(node, 1, tmp_path / "a.tar")

    assert groups == [f"{node.group}/daemons"] * 2


def _runs(pid: str) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] not in "ZX"
    except FileNotFoundError:
        return False
