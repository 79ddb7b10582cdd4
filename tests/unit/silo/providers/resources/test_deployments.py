from typing import Any

import pytest

SUB = "/subscriptions/11111111-1111-1111-1111-111111111111"
PATH = "/providers/Microsoft.Resources/deployments"
UNREADABLE = b'{"properties": {"mode": "Incremental", template:{ // what az sends\n }}}'


@pytest.mark.parametrize("scope", [SUB, "", f"{SUB}/resourceGroups/g1"])
async def test_templates_are_refused_unread(world: Any, scope: str) -> None:
    await world.make_group()
    tries = (("PUT", ""), ("POST", "/validate"), ("POST", "/cancel"))

    for method, verb in tries:
        status, _, body = await world.ask(method, f"{scope}{PATH}/d{verb}", raw=UNREADABLE)
        assert (status, body["error"]["code"]) == (400, "DeploymentsNotSupported")
        assert "not supported yet" in body["error"]["message"]


async def test_a_what_if_fails_in_the_way_that_az_can_read(world: Any) -> None:
    path = f"{SUB}{PATH}/d/whatIf"

    status, _, body = await world.ask("POST", path, raw=UNREADABLE)

    assert (status, body["status"]) == (200, "Failed")
    assert body["error"]["code"] == "DeploymentsNotSupported"


async def test_there_are_none(world: Any) -> None:
    group = await world.make_group()

    assert await world.say(200, "GET", f"{group}{PATH}/") == {"value": []}
    assert await world.say(200, "GET", f"{group}/deployments") == {"value": []}
    await world.say(204, "DELETE", f"{group}{PATH}/d")
    for path in (f"{PATH}/d", f"{PATH}/d/operations", "/deployments/d/operations"):
        assert await world.refuse("DeploymentNotFound", "GET", f"{group}{path}") == 404


async def test_a_group_that_does_not_exist_has_no_list(world: Any) -> None:
    path = f"{SUB}/resourceGroups/none{PATH}"

    assert await world.refuse("ResourceGroupNotFound", "GET", path) == 404


async def test_who_may_not_deploy_is_told_so_first(world: Any) -> None:
    path = f"{await world.make_group()}{PATH}/d"

    assert await world.refuse("AuthorizationFailed", "PUT", path, {}, who="reader") == 403
