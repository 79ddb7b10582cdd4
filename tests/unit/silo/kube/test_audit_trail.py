import json

import pytest

from silo import kube
from silo.kube import audit_trail


def write(path, *numbers, end="\n"):
    with path.open("a") as file:
        file.write("\n".join(json.dumps({"n": number}) for number in numbers) + end)


def numbers_of(reading):
    return [event["n"] for event in reading.events]


@pytest.fixture
def newest(tmp_path):
    return tmp_path / "audit.log"


def test_what_is_new_is_read_once(tmp_path, newest):
    empty = kube.read_audit_trail(tmp_path, kube.AuditPosition())
    write(newest, 1, 2)
    first = kube.read_audit_trail(tmp_path, empty.position)
    write(newest, 3)
    second = kube.read_audit_trail(tmp_path, first.position)
    again = kube.read_audit_trail(tmp_path, second.position)

    assert (empty.events, numbers_of(first), numbers_of(second)) == ((), [1, 2], [3])
    assert (again.events, again.position, again.gap) == ((), second.position, False)


def test_line_that_is_being_written_waits(tmp_path, newest):
    write(newest, 1)
    with newest.open("a") as file:
        file.write('{"n": ')
    first = kube.read_audit_trail(tmp_path, kube.AuditPosition())
    with newest.open("a") as file:
        file.write("2}\n")

    assert numbers_of(first) == [1]
    assert numbers_of(kube.read_audit_trail(tmp_path, first.position)) == [2]


def test_file_that_was_renamed_is_read_to_its_end_first(tmp_path, newest):
    write(newest, 1)
    first = kube.read_audit_trail(tmp_path, kube.AuditPosition())
    write(newest, 2)
    newest.rename(tmp_path / "audit-2026-05-01T00-00-00.000.log")
    write(newest, 3)

    found = kube.read_audit_trail(tmp_path, first.position)
    assert (numbers_of(found), found.gap) == ([2, 3], False)
    assert kube.read_audit_trail(tmp_path, found.position).events == ()


def test_lines_that_are_gone_unread_are_told(tmp_path, newest):
    write(newest, 1)
    first = kube.read_audit_trail(tmp_path, kube.AuditPosition())
    gone = tmp_path / "gone"
    newest.rename(gone)
    write(newest, 2)

    found = kube.read_audit_trail(tmp_path, first.position)
    assert (numbers_of(found), found.gap) == ([2], True)


def test_no_more_is_read_at_once_than_fits(tmp_path, newest):
    write(newest, *range(audit_trail.LINES_MAX + 5))
    first = kube.read_audit_trail(tmp_path, kube.AuditPosition())
    rest = kube.read_audit_trail(tmp_path, first.position)

    assert (len(first.events), len(rest.events)) == (audit_trail.LINES_MAX, 5)


def test_line_that_says_nothing_is_passed_over(tmp_path, newest):
    newest.write_text("nonsense\n[1]\n" + "x" * (audit_trail._LINE_BYTES * 2) + "\n")
    write(newest, 1)

    assert numbers_of(kube.read_audit_trail(tmp_path, kube.AuditPosition())) == [1]
