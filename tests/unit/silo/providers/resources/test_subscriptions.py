from typing import Any

import pytest

from silo import access
from silo.providers import resources

SUB = "/subscriptions/11111111-1111-1111-1111-111111111111"
OTHER = "/subscriptions/22222222-2222-2222-2222-222222222222"


def names(body: Any) -> list[str]:
    return [item["id"] for item in body["value"]]


async def test_an_owner_of_everything_sees_every_subscription(world: Any) -> None:
    body = await world.say(200, "GET", "/subscriptions")

    assert names(body) == [SUB, OTHER]
    assert body["value"][0]["state"] == "Enabled"
    assert body["value"][0]["tenantId"] == "tenant"
    assert body["value"][0]["subscriptionPolicies"]["spendingLimit"] == "Off"


async def test_who_has_no_role_sees_none(world: Any) -> None:
    assert names(await world.say(200, "GET", "/subscriptions", who="nobody")) == []
    assert await world.refuse("AuthorizationFailed", "GET", SUB, who="nobody") == 403


@pytest.mark.parametrize("where", ["", "/resourceGroups/g1", "/resourceGroups/g1/providers/A/b/c"])
async def test_a_role_below_a_subscription_shows_it(world: Any, where: str) -> None:
    world.give("kim", "Reader", f"{SUB.upper()}{where}")

    assert names(await world.say(200, "GET", "/subscriptions", who="kim")) == [SUB]
    assert (await world.say(200, "GET", SUB, who="kim"))["displayName"] == "Sub 1"
    assert await world.refuse("AuthorizationFailed", "GET", OTHER, who="kim") == 403


async def test_a_role_on_a_management_group_shows_what_is_in_it(world: Any) -> None:
    world.give("kim", "Reader", "/providers/Microsoft.Management/managementGroups/tenant")

    assert names(await world.say(200, "GET", "/subscriptions", who="kim")) == [SUB, OTHER]


async def test_everybody_sees_the_tenant(world: Any) -> None:
    (tenant,) = (await world.say(200, "GET", "/tenants", who="nobody"))["value"]

    assert (tenant["tenantId"], tenant["defaultDomain"]) == ("tenant", "silo.test")


async def test_locations_are_those_that_are_accepted(world: Any) -> None:
    body = await world.say(200, "GET", f"{SUB}/locations")

    assert "westeurope" in [item["name"] for item in body["value"]]
    assert await world.refuse("AuthorizationFailed", "GET", f"{SUB}/locations", who="nobody") == 403


async def test_a_subscription_that_does_not_exist_is_not_found(world: Any) -> None:
    absent = "/subscriptions/33333333-3333-3333-3333-333333333333"

    assert await world.refuse("SubscriptionNotFound", "GET", absent) == 404
    assert await world.refuse("SubscriptionNotFound", "GET", f"{absent}/locations") == 404


async def test_renaming_is_refused_in_plain_words(world: Any) -> None:
    path = f"{SUB}/providers/Microsoft.Subscription/rename"

    assert await world.refuse("NotSupported", "POST", path, {"subscriptionName": "x"}) == 400


def test_a_second_start_leaves_everything_where_it_was_moved(world: Any) -> None:
    def start_again(conn: Any) -> dict[str, str]:
        access.set_parent(conn, SUB, "/providers/Microsoft.Management/managementGroups/x")
        guid = SUB.rpartition("/")[2]
        resources.ensure_subscription(
            conn, world.resources, guid, "New", "tenant", world.clock.now()
        )
        return access.list_parents(conn)

    assert world.store.write_now(start_again)[SUB].endswith("/managementgroups/x")


def test_nothing_made_at_the_start_waits_to_be_reconciled(world: Any) -> None:
    assert world.store.read_now(world.resources.list_unsettled) == []
