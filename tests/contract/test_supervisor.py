"""The supervisor over real processes."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

PROGRAM = """
import os, sys, time
from silo import core
from silo.app.service_log import configure_log
from silo.app.supervisor import Supervisor

def child():
    os.write(1, f"{os.getpid()}\\n".encode())
    time.sleep(60)

configure_log()
Supervisor({"one": child}, core.SystemClock()).run()
"""


@pytest.fixture
def supervisor():
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def wait_until_gone(pid):
    for _ in range(1000):
        if not is_running(pid):
            return True
        time.sleep(0.02)
    return False


def is_running(pid):
    """Say whether a process runs; one that waits for init to take note of its end does not."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return "State:\tZ" not in status


def test_a_child_that_dies_is_started_again(supervisor):
    first = int(supervisor.stdout.readline())
    os.kill(first, signal.SIGKILL)
    second = int(supervisor.stdout.readline())

    assert second != first


def test_a_child_does_not_outlive_a_killed_supervisor(supervisor):
    child = int(supervisor.stdout.readline())
    supervisor.kill()
    supervisor.wait()

    assert wait_until_gone(child)


def test_asked_to_stop_it_stops_its_children_first(supervisor):
    child = int(supervisor.stdout.readline())
    supervisor.terminate()

    assert supervisor.wait(timeout=45) == 0
    assert wait_until_gone(child)
