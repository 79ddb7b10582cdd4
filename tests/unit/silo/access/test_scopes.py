import pytest

from silo import access

SUB = "/subscriptions/a"
GROUP = "/providers/Microsoft.Management/managementGroups/"


def test_a_subscription_is_no_ancestor_of_one_whose_name_starts_alike() -> None:
    assert not access.is_within({}, "/subscriptions/ab/resourceGroups/g", SUB)
    assert access.is_within({}, "/subscriptions/a/resourceGroups/g", SUB)


def test_scopes_are_compared_without_case_and_without_a_last_slash() -> None:
    assert access.is_within({}, "/SUBSCRIPTIONS/A/resourcegroups/G/", f"{SUB}/resourceGroups/g")


def test_management_groups_lie_above_subscriptions_up_to_the_root() -> None:
    top, low = access.get_scope_key(GROUP + "top"), access.get_scope_key(GROUP + "low")
    parents = {SUB: low, low: top}

    ancestors = access.list_ancestors(parents, f"{SUB}/resourceGroups/g")

    assert ancestors == (f"{SUB}/resourcegroups/g", f"{SUB}/resourcegroups", SUB, low, *(
        top, top.rpartition("/")[0], "/providers/microsoft.management", "/providers", "/"
    ))  # fmt: skip


def test_a_ring_of_parents_ends() -> None:
    one, two = access.get_scope_key(GROUP + "one"), access.get_scope_key(GROUP + "two")

    assert access.list_ancestors({one: two, two: one}, one) == (one, two, "/")


@pytest.mark.parametrize("text", ["", "subscriptions/a", "//a", "/a//b", "/a/../b", "/a/./b", "//"])
def test_what_is_no_scope_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a scope"):
        access.get_scope_key(text)
