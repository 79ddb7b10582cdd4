from pathlib import Path

import pytest

from silo.engine.tails import read_tail


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "web.log"


def write(path: Path, *texts: str, begin: int = 0) -> None:
    with path.open("a") as file:
        for number, text in enumerate(texts, begin):
            file.write(f"2026-11-23T10:00:00.{number:09}Z stdout F {text}\n")


def read(path: Path, position: str = "", limit: int = 100) -> tuple[list[str], str]:
    found = read_tail(path, position, limit)
    return [each.line.text for each in found], found[-1].position if found else position


def test_reading_goes_on_where_it_stopped(path: Path) -> None:
    write(path, "one", "two")
    first, position = read(path)
    write(path, "three", begin=2)

    assert first == ["one", "two"]
    assert read(path, position)[0] == ["three"]


def test_nothing_is_read_of_what_is_not_there(path: Path) -> None:
    assert read(path) == ([], "")
    path.touch()
    assert read(path) == ([], "")


def test_a_limit_is_held_and_loses_nothing(path: Path) -> None:
    write(path, *"abcde")

    texts, position = [], ""
    while True:
        some, position = read(path, position, limit=2)
        if not some:
            break
        texts += some

    assert texts == list("abcde")


def test_rotation_between_two_reads_loses_and_repeats_nothing(path: Path) -> None:
    write(path, "one", "two")
    _, position = read(path, limit=1)
    path.rename(path.with_name("web.log.1"))
    write(path, "three", begin=2)
    path.with_name("web.log.1").rename(path.with_name("web.log.2"))
    path.rename(path.with_name("web.log.1"))
    write(path, "four", begin=3)

    assert read(path, position)[0] == ["two", "three", "four"]


def test_what_was_rotated_away_is_gone_and_the_rest_follows(path: Path) -> None:
    write(path, "one")
    _, position = read(path)
    path.unlink()
    write(path, "nine", begin=9)

    assert read(path, position)[0] == ["nine"]


def test_a_record_that_is_being_written_waits(path: Path) -> None:
    write(path, "one")
    with path.open("a") as file:
        file.write("2026-11-23T10:00:01.000000000Z stdout F tw")

    texts, position = read(path)
    with path.open("a") as file:
        file.write("o\n")

    assert texts == ["one"]
    assert read(path, position)[0] == ["two"]


def test_a_broken_record_is_passed_over(path: Path) -> None:
    write(path, "one")
    with path.open("a") as file:
        file.write("nonsense\n")
    write(path, "two", begin=1)

    assert read(path)[0] == ["one", "two"]
