"""Groups whose output goes to a Log Analytics workspace."""

import pytest

from silo import core
from silo.providers import operationalinsights

from .group_world import WEB, GroupWorld

WORKSPACE = "Microsoft.OperationalInsights/workspaces/logs"


class LogsWorld(GroupWorld):
    """Container groups beside workspaces."""

    def _declare(self):
        providers = super()._declare()
        vault = core.Vault(self.folder / "vault.key")
        workspaces = operationalinsights.Workspaces(self.store, vault)
        object.__setattr__(self.around, "check_workspace", workspaces.check_key)
        return (*providers, operationalinsights.provider(self.resources, vault))


@pytest.fixture
async def world(tmp_path):
    made = LogsWorld(tmp_path)
    group = WEB.partition("/providers/")[0]
    assert (await made.ask("PUT", group, {"location": "westeurope"}))[0] == 201
    yield made
    made.store.close()


async def make_workspace(world):
    path = f"{WEB.partition('Microsoft.')[0]}{WORKSPACE}"
    _, _, made = await world.ask("PUT", path, {"location": "westeurope"})
    _, _, keys = await world.ask("POST", f"{path}/sharedKeys")
    return made["properties"]["customerId"], keys["secondarySharedKey"]


def diagnose(workspace, key):
    named = {"workspaceId": workspace, "workspaceKey": key, "logType": "ContainerInstanceLogs"}
    return {"logAnalytics": {name: value for name, value in named.items() if value is not None}}


async def test_id_and_key_that_fit_are_taken_and_the_key_is_never_shown(world):
    workspace, key = await make_workspace(world)

    status, _, body = await world.put(diagnostics=diagnose(workspace, key))

    assert status == 201
    assert body["properties"]["diagnostics"]["logAnalytics"] == {
        "workspaceId": workspace,
        "logType": "ContainerInstanceLogs",
    }


@pytest.mark.parametrize("key", ["d3Jvbmc=", "", None, "ä"])
async def test_a_wrong_key_is_refused(world, key):
    workspace, _ = await make_workspace(world)

    status, _, body = await world.put(diagnostics=diagnose(workspace, key))

    assert (status, body["error"]["code"]) == (400, "InvalidLogAnalyticsWorkspace")
    assert (await world.ask("GET", WEB))[0] == 404


async def test_a_workspace_that_is_not_there_is_refused(world):
    _, key = await make_workspace(world)

    status, _, body = await world.put(diagnostics=diagnose("not-a-workspace", key))

    assert (status, body["error"]["code"]) == (400, "InvalidLogAnalyticsWorkspace")
