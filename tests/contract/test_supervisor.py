"""The supervisor over real processes."""

import os
import signal
import subprocess
import sys
import time

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
    for _ in range(200):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.02)
    return False


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

    assert supervisor.wait(timeout=10) == 0
    assert wait_until_gone(child)
