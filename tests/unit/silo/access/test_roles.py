"""What azure-wire 3.4 says az looks up by name, and that the data is well formed."""

import re
import uuid

import pytest

from silo import access


@pytest.mark.parametrize(
    ("name", "guid"),
    [
        ("Owner", "8e3af657-a8ff-443c-a75c-2fe8c4bcb635"),
        ("Contributor", "b24988ac-6180-42a0-ab88-20f7382dd24c"),
        ("Reader", "acdd72a7-3385-48ef-bd42-f606fba81ae7"),
        ("AcrPull", "7f951dda-4ed3-4680-a7ca-43fe172d538d"),
        ("AcrPush", "8311e382-0749-4cb8-b61a-304f252e45ec"),
        ("Network Contributor", "4d97b98b-1d4f-4787-a291-c67834d212e7"),
        ("Managed Identity Operator", "f1a07417-d97a-45cb-824c-7a7467783830"),
    ],
)
def test_the_roles_az_names_have_azures_guids(name: str, guid: str) -> None:
    assert access.ROLE_IDS[name] == guid


def test_every_guid_and_name_is_used_once() -> None:
    assert len(access.ROLE_IDS) == len(access.BUILT_IN_ROLES)
    assert all(str(uuid.UUID(guid)) == guid for guid in access.BUILT_IN_ROLES)


def test_every_pattern_is_an_action_name() -> None:
    for role in access.BUILT_IN_ROLES.values():
        for permission in role.permissions:
            patterns = (
                *permission.actions,
                *permission.not_actions,
                *permission.data_actions,
                *permission.not_data_actions,
            )
            assert patterns
            for pattern in patterns:
                assert re.fullmatch(r"\*|(\*|Microsoft\.[A-Za-z]+)(/[A-Za-z0-9.*]+)+", pattern)
                assert pattern == "*" or pattern.split("/")[-1].casefold() in {
                    "read", "write", "delete", "action", "*",
                }  # fmt: skip
