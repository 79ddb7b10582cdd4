import pytest

from silo import core


def test_a_function_of_one_api_is_called() -> None:
    matches = core.parse_filter("atScope()", {"atScope": lambda document, _: "scope" in document})

    assert matches({"scope": "/"})
    assert not matches({})


def test_a_filter_is_parsed_and_evaluated() -> None:
    matches = core.parse_filter("startswith(displayName,'a') and enabled eq true")

    assert matches({"displayName": "abc", "enabled": True})
    assert not matches({"displayName": "abc", "enabled": False})


def test_nonsense_is_refused() -> None:
    with pytest.raises(core.FilterMalformed):
        core.parse_filter("name eq")
