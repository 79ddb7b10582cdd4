"""Programs in containers: az at a terminal, and what our own command can besides."""

import subprocess
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from tools import programs
from tools.containers import ContainerGroup
from tools.instance import SILO, Instance
from tools.terminal import COLUMNS, ROWS, Terminal

AT_ONCE = 8


@pytest.fixture(scope="module")
def target(make_container: Callable[..., ContainerGroup]) -> ContainerGroup:
    made = make_container("/bin/probe sleep")
    made.wait("Running")
    return made


@pytest.fixture
def command(silo: Instance, target: ContainerGroup) -> tuple[str, ...]:
    """Return ``silo container exec`` up to what is to be run."""
    state = ("--state", str(silo.state))
    return (str(SILO), "container", "exec", *state, *target.names, "--")


def test_az_has_a_shell_at_a_terminal_of_its_size(target: ContainerGroup) -> None:
    terminal = target.terminal("/bin/sh")
    terminal.wait_for("# ")

    terminal.type("stty size; echo $((6*7))\n")
    terminal.wait_for("42")
    terminal.type("exit\n")
    ended = terminal.finish()

    assert f"{ROWS} {COLUMNS}" in ended.out
    assert ended.code == 0


def test_a_program_that_is_not_there_is_told_at_the_terminal(target: ContainerGroup) -> None:
    assert "nonesuch" in target.execute("/bin/nonesuch")


def test_arguments_bytes_and_the_exit_code_come_through(command: tuple[str, ...]) -> None:
    sent = bytes(range(256)) * 4096
    words = [*command, "sh", "-c", 'cat; echo "$1" >&2; exit 42', "sh", "two words"]

    done = subprocess.run(words, input=sent, capture_output=True, check=False, timeout=120)

    assert done.stdout == sent + b"two words\n"
    assert done.returncode == 42


def test_a_window_that_changes_its_size_is_followed(command: tuple[str, ...]) -> None:
    terminal = Terminal([*command, "/bin/sh"], programs.plain_environment())
    terminal.wait_for("# ")

    terminal.resize(11, 77)
    terminal.type("until [ \"$(stty size)\" = '11 77' ]; do sleep 0.1; done; exit 5\n")

    assert terminal.finish().code == 5


def test_many_at_once_do_not_mix(command: tuple[str, ...]) -> None:
    def run(number: int) -> programs.Outcome:
        words = [*command, "sh", "-c", f"echo {number}; sleep 1; exit {number}"]
        return programs.run(words, programs.plain_environment())

    with ThreadPoolExecutor(AT_ONCE) as pool:
        ended = list(pool.map(run, range(AT_ONCE)))

    assert [(one.out, one.code) for one in ended] == [(f"{n}\n", n) for n in range(AT_ONCE)]


def test_the_program_goes_with_its_client(target: ContainerGroup, command: tuple[str, ...]) -> None:
    terminal = Terminal([*command, "/bin/busybox", "sleep", "4711"], programs.plain_environment())
    deadline = time.monotonic() + 60
    while "4711" not in target.execute("/bin/busybox ps"):
        assert time.monotonic() < deadline
    terminal.process.kill()
    terminal.finish()

    while "4711" in target.execute("/bin/busybox ps"):
        assert time.monotonic() < deadline
