import fnmatch
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from silo import access


@pytest.mark.parametrize(
    ("pattern", "action", "expected"),
    [
        ("*", "Microsoft.X/y/read", True),
        ("*/read", "Microsoft.X/y/z/read", True),
        ("*/read", "Microsoft.X/y/readers/write", False),
        ("Microsoft.X/*", "Microsoft.X/y/write", True),
        ("Microsoft.X/*", "Microsoft.XY/y/write", False),
        ("Microsoft.X/*/read", "Microsoft.X/read", True),
        ("Microsoft.X/*/read", "Microsoft.Xread", False),
        ("Microsoft.X/y/read", "MICROSOFT.x/Y/READ", True),
        ("Microsoft.X/y/read", "Microsoft.X/y/reads", False),
        ("a*a", "a", False),
        ("a*b*a", "aba", True),
    ],
)
def test_stars_stand_for_any_text_and_case_does_not_count(
    pattern: str, action: str, expected: bool
) -> None:
    assert access.compile_patterns([pattern]).matches(action.casefold()) is expected


@given(st.text("ab*", max_size=8), st.text("ab", max_size=10))
def test_matching_agrees_with_shell_patterns(pattern: str, action: str) -> None:
    assert access.compile_patterns([pattern]).matches(action) == fnmatch.fnmatchcase(
        action, pattern
    )


def test_a_pattern_of_many_stars_costs_no_more_than_its_length() -> None:
    started = time.perf_counter()
    access.compile_patterns(["a*" * 200 + "b"]).matches("a" * 5_000)

    assert time.perf_counter() - started < 0.2
