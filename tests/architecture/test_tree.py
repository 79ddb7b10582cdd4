"""Rules about the tree itself: how long a file may be, what it may be called, that it says why."""

import ast
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDERS = ("src", "engine", "tests", "tools", "examples", "bench")
FILES = sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))
LONGEST = 400
VAGUE = {"utils", "helpers", "common", "misc", "base", "manager", "shared", "lib"}


def test_no_file_is_longer_than_four_hundred_lines() -> None:
    lengths = {path: len(path.read_text().splitlines()) for path in FILES}

    assert {path: length for path, length in lengths.items() if length > LONGEST} == {}


def test_no_module_has_a_vague_name() -> None:
    assert [path for path in FILES if VAGUE & set(path.stem.split("_"))] == []


def test_every_module_says_what_it_is_for() -> None:
    silent = [
        path
        for path in FILES
        if path.is_relative_to(ROOT / "src")
        and not path.stem.endswith("_pb2")  # protoc's, which says so in a comment
        and not ast.get_docstring(ast.parse(path.read_text()))
    ]

    assert silent == []
