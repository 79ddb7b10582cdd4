from typing import Any

import pytest

SUB = "/subscriptions/11111111-1111-1111-1111-111111111111"


@pytest.mark.parametrize(
    "path",
    [
        "/providers/Microsoft.Authorization/policyAssignments",
        "/providers/Microsoft.Authorization/policyDefinitions",
        "/providers/Microsoft.Features/features",
        "/providers/Microsoft.Features/providers/Microsoft.X/features",
    ],
)
async def test_what_is_not_there_is_listed_as_none(world: Any, path: str) -> None:
    assert await world.say(200, "GET", f"{SUB}{path}") == {"value": []}
    assert await world.refuse("AuthorizationFailed", "GET", f"{SUB}{path}", who="nobody") == 403
