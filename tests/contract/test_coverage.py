"""The coverage page says what the code does."""

from pathlib import Path

from tools import coverage


def test_the_page_agrees_with_the_application(tmp_path: Path) -> None:
    page = coverage.make_page(coverage.list_operations(tmp_path))

    assert coverage.TABLE.read_text() == page, "run: python -m tools.coverage"
