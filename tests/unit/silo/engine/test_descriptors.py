"""More files than ``select(2)`` has numbers for."""

import os
import resource
import signal
import subprocess
import sys

import pytest

from silo import engine
from silo.engine import descriptors, logger, nft


@pytest.fixture
def limit():
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    if before[1] < 4096:
        pytest.skip("so many files may not be opened here")
    resource.setrlimit(resource.RLIMIT_NOFILE, (1024, before[1]))
    yield before[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


@pytest.fixture
def crowded(limit):
    """Have every low number taken."""
    engine.raise_limit()
    taken = [os.open(os.devnull, os.O_RDONLY)]
    while taken[-1] < descriptors.SELECTABLE:
        taken.append(os.open(os.devnull, os.O_RDONLY))
    yield
    for number in taken:
        os.close(number)


def test_a_process_may_open_as_many_files_as_the_machine_lets_it(limit):
    engine.raise_limit()

    assert resource.getrlimit(resource.RLIMIT_NOFILE) == (min(limit, 1 << 16), limit)


@pytest.mark.usefixtures("limit")
def test_what_is_held_leaves_low_numbers_to_others():
    for expected in (512, descriptors.SELECTABLE):
        lifted = descriptors.lift(os.open(os.devnull, os.O_RDONLY))
        os.close(lifted)
        assert lifted >= expected
        engine.raise_limit()


@pytest.mark.usefixtures("crowded")
def test_the_packet_filter_is_refused_where_its_library_would_end_the_process():
    with pytest.raises(nft.RulesRefused, match="Too many files"):
        nft.run([])


@pytest.mark.usefixtures("crowded")
def test_a_logger_is_ended_by_whoever_has_many_files_open(tmp_path):
    code = "import time; print(flush=True); time.sleep(60)"
    words = [sys.executable, "-c", code, "--folder", str(tmp_path / "output"), "x"]
    with subprocess.Popen(words, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()  # Before it runs the kernel may not tell its arguments yet.
        logger.end_logger(tmp_path)

        assert process.wait(30) == -signal.SIGTERM
