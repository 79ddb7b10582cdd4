import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from silo import kube
from silo.kube import control_groups, processes
from silo.kube.processes import Beside, InNetwork, Keeper, Process

SLEEP = Process("p", ("/bin/sleep", "60"), InNetwork(Path("/proc/self/ns/net")), "/none")


@pytest.fixture
def keeper(tmp_path, monkeypatch):
    """Return a keeper whose programs run where the test does: entering namespaces needs root."""
    monkeypatch.setattr(control_groups, "make", lambda _: None)
    monkeypatch.setattr(control_groups, "list_doors", lambda _: [])
    monkeypatch.setattr(InNetwork, "enter", lambda *_: processes._BECOME)
    made = Keeper(tmp_path / "notes", tmp_path / "logs")
    yield made
    made.end("p", grace_s=1)


def find_pid(keeper: Keeper) -> int:
    note = keeper._read("p")
    assert note is not None
    return note[0]


def test_what_runs_is_not_started_again(keeper):
    assert keeper.ensure(SLEEP)
    pid = find_pid(keeper)

    assert not keeper.ensure(SLEEP)
    assert find_pid(keeper) == pid


def test_another_keeper_finds_what_this_one_started(keeper, tmp_path):
    keeper.ensure(SLEEP)

    after_restart = Keeper(tmp_path / "notes", tmp_path / "logs")
    assert after_restart.is_running("p")
    assert not after_restart.ensure(SLEEP)


def test_what_was_killed_is_started_again(keeper):
    keeper.ensure(SLEEP)
    pid = find_pid(keeper)
    os.kill(pid, 9)
    deadline = time.monotonic() + 30
    while keeper.is_running("p"):
        assert time.monotonic() < deadline
        time.sleep(0.01)

    assert keeper.ensure(SLEEP)
    assert find_pid(keeper) != pid


def test_another_command_replaces_what_runs(keeper):
    keeper.ensure(SLEEP)
    pid = find_pid(keeper)

    assert keeper.ensure(replace(SLEEP, command=("/bin/sleep", "61")))
    note = keeper._read("p")
    assert note is not None
    assert note[0] != pid
    assert processes._read_stat(pid)[0] in {"", "Z"}


def test_log_that_has_grown_long_begins_again(keeper, tmp_path, monkeypatch):
    monkeypatch.setattr(processes, "LOG_BYTES", 4)
    talker = replace(SLEEP, command=("/bin/sh", "-c", "echo begun; exec sleep 60"))
    keeper.ensure(talker)
    log = tmp_path / "logs" / "p.log"
    deadline = time.monotonic() + 30
    while log.read_text() != "begun\n":
        assert time.monotonic() < deadline
        time.sleep(0.01)

    assert not keeper.ensure(talker)
    assert (log.read_text(), log.with_suffix(".old").read_text()) == ("", "begun\n")


def test_number_of_an_ended_process_is_not_taken_for_it(keeper, tmp_path):
    keeper.ensure(SLEEP)
    note = keeper._read("p")
    assert note is not None

    assert processes._is_alive(*note[:2])
    assert not processes._is_alive(note[0], f"{note[1]}0")
    assert not processes._is_alive(os.getpid(), note[1])


def test_ended_process_that_nobody_asked_for_is_not_alive():
    child = subprocess.Popen([sys.executable, "-c", ""])
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    start = processes._read_stat(child.pid)[1]

    assert not processes._is_alive(child.pid, start)
    child.wait()


def test_program_is_put_beside_one_that_runs(keeper):
    beside = Beside("p")
    with pytest.raises(kube.StepFailed):
        beside.enter(keeper.find)
    keeper.ensure(SLEEP)

    words = beside.enter(keeper.find)

    assert words[:2] == ["nsenter", f"--target={find_pid(keeper)}"]
    namespaces = {"--user", "--mount", "--pid", "--net", "--ipc", "--uts", "--cgroup"}
    assert namespaces <= set(words[: words.index("--")])


def test_start_ends_when_a_program_says_that_it_is_where_it_shall_be(keeper, tmp_path, monkeypatch):
    monkeypatch.setattr(InNetwork, "enter", lambda *_: processes.HOLD)
    mark = tmp_path / "mark"
    words = ("/bin/sh", "-c", f"sleep 0.2; touch {mark}; exec 3>&-; exec sleep 60")

    keeper.ensure(replace(SLEEP, command=words))

    assert mark.exists()
    assert keeper.is_running("p")


def test_what_comes_before_a_start_comes_before_each(keeper):
    done = []
    prepared = replace(SLEEP, prepare=lambda: done.append(1))
    keeper.ensure(prepared)
    keeper.ensure(prepared)

    assert done == [1]
