from datetime import UTC, datetime

from silo.engine.logs import Line, parse_line, read_logs, remove_logs


def record(second, text, stream="stdout", tag="F"):
    return f"2026-11-23T10:00:{second:02}.123456789Z {stream} {tag} {text}\n"


def test_a_record_is_read():
    line = parse_line(record(1, "a  b ").encode())

    assert line == Line("2026-11-23T10:00:01.123456789Z", "stdout", "a  b ")
    assert line.time == datetime(2026, 11, 23, 10, 0, 1, 123456, UTC)


def test_what_the_end_of_the_machine_cut_off_is_no_line():
    for text in (b"", b"2026", b"2026-11-23T10:00:01Z stdout", b"x stdout F y", b"\xff\xff a b c"):
        assert parse_line(text) is None


def test_pieces_of_a_line_are_put_together(tmp_path):
    path = tmp_path / "a.log"
    path.write_text(record(1, "one ", tag="P") + record(1, "two") + record(2, "three"))

    assert read_logs(path) == "one two\nthree\n"


def test_the_tail_goes_over_rotated_files(tmp_path):
    path = tmp_path / "a.log"
    path.write_text(record(5, "e"))
    (tmp_path / "a.log.1").write_text(record(3, "c") + record(4, "d"))
    (tmp_path / "a.log.2").write_text(record(1, "a") + record(2, "b"))

    assert read_logs(path) == "a\nb\nc\nd\ne\n"
    assert read_logs(path, tail=4) == "b\nc\nd\ne\n"
    assert read_logs(path, tail=0) == ""
    assert read_logs(path, since=datetime(2026, 11, 23, 10, 0, 4, tzinfo=UTC)) == "d\ne\n"


def test_a_stream_can_be_chosen_and_times_shown(tmp_path):
    path = tmp_path / "a.log"
    path.write_text(record(1, "a") + record(2, "b", "stderr"))

    assert read_logs(path, stream="stderr") == "b\n"
    assert read_logs(path, stream="stdout", timestamps=True) == (
        "2026-11-23T10:00:01.123456789Z a\n"
    )


def test_only_the_newest_bytes_are_read(tmp_path):
    path = tmp_path / "a.log"
    path.write_text("".join(record(1, f"{number:09}") for number in range(20_000)))

    assert read_logs(path, limit_bytes=25) == "000019998\n000019999\n"


def test_no_log_is_an_empty_one(tmp_path):
    assert read_logs(tmp_path / "none.log") == ""


def test_a_log_is_removed_with_its_older_files(tmp_path):
    for name in ("a.log", "a.log.1", "a.log.2"):
        (tmp_path / name).touch()
    remove_logs(tmp_path / "a.log")

    assert list(tmp_path.iterdir()) == []
