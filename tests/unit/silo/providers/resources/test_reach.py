from typing import Any

from silo import access
from silo.providers.resources.reach import Reach

SUB = "/subscriptions/11111111-1111-1111-1111-111111111111"
DATA_ONLY = access.Permission(data_actions=("*",))


def sees(world: Any, who: str, scope: str) -> bool:
    principal = access.Principal(f"{who}-id", "tenant", access.PrincipalType.USER, who)
    return Reach(access.Authorizer(world.store)).open_view(principal).sees(scope)


def test_a_role_reaches_what_is_above_and_below_it(world: Any) -> None:
    world.give("kim", "Reader", f"{SUB}/resourceGroups/g1")

    assert sees(world, "kim", SUB)
    assert sees(world, "kim", "/providers/Microsoft.Management/managementGroups/tenant")
    assert sees(world, "kim", f"{SUB}/RESOURCEGROUPS/G1/providers/A/b/c")
    assert not sees(world, "kim", f"{SUB}/resourceGroups/g10")
    assert not sees(world, "kim", f"{SUB}/resourceGroups/..")


def test_a_role_with_data_actions_alone_shows_nothing(world: Any) -> None:
    guid = "00000000-0000-0000-0000-00000000000d"

    def give(conn: Any) -> None:
        role = access.RoleDefinition(guid, "Data", "CustomRole", "", (DATA_ONLY,))
        access.put_definition(conn, role)
        access.insert_assignment(conn, access.RoleAssignment("a", SUB, "kim-id", "User", guid))

    world.store.write_now(give)

    assert not sees(world, "kim", SUB)
