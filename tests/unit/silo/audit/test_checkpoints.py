import asyncio
import contextlib
import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest
from tests.unit.silo.audit.entries import START, add, tamper

from silo import audit, core
from silo.audit.records import get_hash


class Clock:
    def now(self) -> datetime:
        return START

    def monotonic(self) -> float:
        return 0.0


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> core.KeyRing:
    return core.KeyRing(tmp_path_factory.mktemp("keys"), Clock())


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "audit" / "checkpoints.jsonl"


@pytest.fixture
def notes(path: Path, keys: core.KeyRing) -> audit.Checkpoints:
    return audit.Checkpoints(path, keys, Clock())


def fill(store: core.Store, notes: audit.Checkpoints) -> None:
    for _ in range(3):
        add(store, 2)
        assert store.read_now(notes.take)


def test_a_whole_log_agrees_with_its_checkpoints(
    store: core.Store, notes: audit.Checkpoints
) -> None:
    fill(store, notes)
    add(store)

    found = store.read_now(notes.verify)

    assert (found.count, found.broken, found.checkpoints) == (7, None, 3)


def test_no_note_is_taken_while_nothing_happens(
    store: core.Store, notes: audit.Checkpoints
) -> None:
    assert not store.read_now(notes.take)
    fill(store, notes)
    assert not store.read_now(notes.take)


def test_a_tail_cut_off_shows(store: core.Store, notes: audit.Checkpoints) -> None:
    fill(store, notes)

    tamper(store, "DELETE FROM audit_records WHERE number > 3")

    assert store.read_now(audit.verify).broken is None
    assert store.read_now(notes.verify).broken == 4


def test_a_log_emptied_shows(store: core.Store, notes: audit.Checkpoints) -> None:
    fill(store, notes)

    tamper(store, "DELETE FROM audit_records")

    assert store.read_now(notes.verify).broken == 1


def test_a_chain_made_anew_shows(store: core.Store, notes: audit.Checkpoints) -> None:
    fill(store, notes)
    tamper(store, "DELETE FROM audit_records WHERE number > 1")
    add(store, 5, caller="eve")

    assert store.read_now(audit.verify).broken is None
    assert store.read_now(notes.verify).broken == 2


def drop_middle(lines: list[str]) -> list[str]:
    return [lines[0], lines[2]]


def forge(lines: list[str]) -> list[str]:
    token = json.loads(lines[1])["token"]
    head, body, signature = token.split(".")
    return [lines[0], json.dumps({"token": f"{head}.{body[:-2]}AA.{signature}"}), lines[2]]


def add_nonsense(lines: list[str]) -> list[str]:
    return [*lines, "x"]


def begin_with_nothing(lines: list[str]) -> list[str]:
    return ["{}", *lines]


@pytest.mark.parametrize("change", [drop_middle, forge, add_nonsense, begin_with_nothing])
def test_a_checkpoint_file_that_was_tampered_with_is_not_trusted(
    store: core.Store,
    notes: audit.Checkpoints,
    path: Path,
    change: Callable[[list[str]], list[str]],
) -> None:
    fill(store, notes)
    path.write_text("\n".join(change(path.read_text().splitlines())) + "\n")

    found = store.read_now(notes.verify)

    assert found.broken is not None
    assert "cannot be trusted" in found.reason
    add(store)
    assert store.read_now(notes.take)
    assert store.read_now(notes.verify).broken is not None


def test_a_line_torn_by_a_crash_is_left_out_and_written_over(
    store: core.Store, notes: audit.Checkpoints, path: Path
) -> None:
    fill(store, notes)
    whole = path.read_text()
    path.write_text(whole + whole.splitlines()[0][:40])

    assert store.read_now(notes.verify).checkpoints == 3
    add(store)
    assert store.read_now(notes.take)
    assert store.read_now(notes.verify).checkpoints == 4


def test_the_file_is_nobody_elses_to_read(
    store: core.Store, notes: audit.Checkpoints, path: Path
) -> None:
    fill(store, notes)

    assert path.stat().st_mode & 0o777 == 0o600


async def test_a_last_note_is_taken_when_the_loop_ends(
    store: core.Store, notes: audit.Checkpoints
) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(0.05):
            async with asyncio.TaskGroup() as group:
                group.create_task(notes.run(store))
                await asyncio.sleep(0)
                add(store)

    assert store.read_now(notes.verify).checkpoints == 1


def test_hashes_depend_on_number_body_and_the_record_before() -> None:
    assert len({get_hash("a", 1, "b"), get_hash("c", 1, "b"), get_hash("a", 2, "b")}) == 3
