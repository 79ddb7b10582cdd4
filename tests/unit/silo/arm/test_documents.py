"""Bodies become documents whole or not at all; documents come back as they were."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.silo.arm.world import ThingProperties

from silo import arm
from silo.arm import documents
from silo.arm.errors import InvalidTags, LocationNotAvailable, LocationRequired

TYPE = arm.ResourceType(name="things", properties=ThingProperties, api_versions=("1",))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=8,
)


def read(body, *, located=True):
    return documents.read_document(body, "Silo.Test/things", located=located)


def patch(current, body):
    return documents.patch_document(current, body, "Silo.Test/things", located=True)


def test_what_is_ours_to_say_is_left_out_and_everything_else_is_kept():
    document = read(
        {
            "id": "x",
            "name": "x",
            "type": "x",
            "systemData": {},
            "etag": "x",
            "location": "West Europe",
            "kind": "blue",
            "properties": {"provisioningState": "Failed", "unheardOf": [1]},
        }
    )

    assert document == {
        "location": "westeurope",
        "kind": "blue",
        "properties": {"unheardOf": [1]},
    }


@pytest.mark.parametrize(
    ("body", "leaf"),
    [
        (None, arm.InvalidRequestContent),
        ([], arm.InvalidRequestContent),
        ("text", arm.InvalidRequestContent),
        ({}, LocationRequired),
        ({"location": 1}, arm.InvalidRequestContent),
        ({"location": "mars"}, LocationNotAvailable),
        ({"location": "eastus", "properties": []}, arm.InvalidRequestContent),
        ({"location": "eastus", "tags": []}, arm.InvalidRequestContent),
        ({"location": "eastus", "tags": {"a": 1}}, arm.InvalidRequestContent),
        ({"location": "eastus", "tags": {"a<b": "c"}}, InvalidTags),
        ({"location": "eastus", "tags": {"": "c"}}, InvalidTags),
        ({"location": "eastus", "tags": {"a": "1", "A": "2"}}, InvalidTags),
        ({"location": "eastus", "tags": {"a": "x" * 257}}, InvalidTags),
        ({"location": "eastus", "tags": {str(i): "" for i in range(51)}}, InvalidTags),
        ({"location": "eastus", "identity": "SystemAssigned"}, arm.InvalidRequestContent),
        ({"location": "eastus", "identity": {"type": "Own"}}, arm.InvalidRequestContent),
        (
            {"location": "eastus", "identity": {"type": "None", "userAssignedIdentities": []}},
            arm.InvalidRequestContent,
        ),
    ],
)
def test_a_body_of_the_wrong_shape_is_refused(body, leaf):
    with pytest.raises(leaf):
        read(body)


@given(JSON)
def test_any_json_is_a_document_or_refused(body):
    try:
        document = read(body, located=False)
    except arm.ArmError:
        return

    assert None not in document.values()


@given(JSON, JSON)
def test_a_merge_patch_leaves_what_it_does_not_name(target, change):
    merged = documents.merge_patch(target, change)

    if isinstance(target, dict) and isinstance(change, dict):
        assert {k: v for k, v in merged.items() if k not in change} == {
            k: v for k, v in target.items() if k not in change
        }
        assert all(merged.get(k) is None for k, v in change.items() if v is None)
    elif not isinstance(change, dict):
        assert merged == change


def test_a_patch_merges_properties_and_sku_and_replaces_tags():
    current = {
        "location": "eastus",
        "tags": {"a": "1", "b": "2"},
        "sku": {"name": "Basic", "tier": "Basic"},
        "properties": {"kept": 1, "gone": 2, "deep": {"x": 1, "y": 2}},
    }

    merged = patch(
        current,
        {
            "tags": {"c": "3"},
            "sku": {"name": "Premium"},
            "properties": {"gone": None, "deep": {"y": 3}},
        },
    )

    assert merged == {
        "location": "eastus",
        "tags": {"c": "3"},
        "sku": {"name": "Premium", "tier": "Basic"},
        "properties": {"kept": 1, "deep": {"x": 1, "y": 3}},
    }


def test_a_patch_of_null_takes_a_part_away_but_not_the_location():
    current = {"location": "eastus", "sku": {"name": "Basic"}, "properties": {"a": 1}}

    merged = patch(current, {"sku": None, "location": None, "properties": None})

    assert merged == {"location": "eastus", "properties": {"a": 1}}


def test_every_wrong_property_is_named():
    with pytest.raises(arm.InvalidRequestContent) as caught:
        documents.read_properties(TYPE, {"properties": {"sizeInGb": "many"}})

    assert caught.value.details[0]["target"] == "properties.sizeInGb"


def test_unknown_properties_are_kept_and_reported():
    wanted = documents.read_properties(TYPE, {"properties": {"sizeInGb": 2, "Colour": "red"}})

    assert documents.dump_properties(wanted) == {"sizeInGb": 2, "Colour": "red"}
