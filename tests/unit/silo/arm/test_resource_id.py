"""Ids survive the way to parts and back, whatever their casing and slashes."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from silo import arm

WORD = st.text("abcXYZ019-_.()", min_size=1, max_size=12)
PAIRS = st.lists(st.tuples(WORD, WORD), min_size=1, max_size=3)


@st.composite
def resource_ids(draw):
    text = ""
    if draw(st.booleans()):
        text = f"/subscriptions/{draw(WORD)}"
        if draw(st.booleans()):
            text += f"/resourceGroups/{draw(WORD)}"
    for _ in range(draw(st.integers(0 if text else 1, 2))):
        text += f"/providers/{draw(WORD)}"
        text += "".join(f"/{kind}/{name}" for kind, name in draw(PAIRS))
    return text


@given(resource_ids())
def test_an_id_is_read_and_written_unchanged(text):
    id_ = arm.parse_resource_id(text)

    assert str(id_) == text
    assert arm.parse_resource_id(text.upper()) == id_
    assert arm.parse_resource_id(text.replace("/", "//") + "/") == id_


@given(resource_ids())
def test_every_scope_is_the_beginning_of_what_is_below_it(text):
    scopes = list(arm.parse_resource_id(text).iterate_scopes())

    assert str(scopes[-1]) == "/"
    for below, above in pairwise(scopes):
        assert below.key.startswith(above.key.rstrip("/") + "/")


@given(st.text(max_size=60))
def test_any_text_is_an_id_or_refused(text):
    try:
        id_ = arm.parse_resource_id(text)
    except arm.InvalidResourceId:
        return

    assert arm.parse_resource_id(str(id_)) == id_


def test_the_parts_of_a_nested_extension():
    id_ = arm.parse_resource_id(
        "/subscriptions/S/resourcegroups/G/providers/Microsoft.X/a/1/b/2"
        "/PROVIDERS/Microsoft.Authorization/locks/l"
    )

    assert (id_.subscription, id_.group) == ("S", "G")
    assert (id_.full_type, id_.name) == ("Microsoft.Authorization/locks", "l")
    parent = id_.parent
    assert parent
    assert (parent.full_type, parent.names) == ("Microsoft.X/a/b", ("1", "2"))
    assert [str(s) for s in parent.iterate_scopes()][1:] == [
        "/subscriptions/S/resourceGroups/G/providers/Microsoft.X/a/1",
        "/subscriptions/S/resourceGroups/G",
        "/subscriptions/S",
        "/",
    ]


def test_groups_and_subscriptions_are_of_microsoft_resources():
    group = arm.parse_resource_id("/subscriptions/s/resourceGroups/g")

    assert group.full_type == "Microsoft.Resources/subscriptions/resourceGroups"
    assert group.parent
    assert group.parent.full_type == "Microsoft.Resources/subscriptions"
    assert group.parent.name == "s"


@pytest.mark.parametrize(
    "text", ["", "x", "/x", "/subscriptions", "/subscriptions/s/resourceGroups", "/providers/N/t"]
)
def test_half_an_id_is_refused(text):
    with pytest.raises(arm.InvalidResourceId):
        arm.parse_resource_id(text)
