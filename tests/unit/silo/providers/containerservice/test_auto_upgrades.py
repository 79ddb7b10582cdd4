from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
import structlog

from silo import arm, audit, kube
from silo.providers import containerservice
from silo.providers.containerservice.auto_upgrades import Step, choose_target, plan_step
from silo.providers.containerservice.properties import ManagedCluster

from .cluster_world import K1, make_body, make_pool
from .test_clusters import find_plan

KNOWN = ("1.34.9", "1.35.4", "1.35.5", "1.36.2", "1.36.3")
KITS = {version: kube.Kit(version, Path("/none"), {}) for version in KNOWN}
SCHEDULE = f"{K1}/maintenanceConfigurations"
NEVER = {
    "schedule": {"daily": {"intervalDays": 1}},
    "durationHours": 4,
    "startDate": "2199-01-01",
    "startTime": "00:00",
}


@pytest.mark.parametrize(
    ("channel", "current", "target"),
    [
        ("patch", "1.35.4", "1.35.5"),
        ("patch", "1.36.3", "1.36.3"),
        ("stable", "1.34.9", "1.35.5"),
        ("stable", "1.36.2", "1.36.2"),
        ("rapid", "1.34.9", "1.35.5"),
        ("rapid", "1.35.5", "1.36.3"),
        ("rapid", "1.36.3", "1.36.3"),
    ],
)
def test_channel_chooses_among_what_is_here(channel, current, target):
    assert choose_target(channel, current, KNOWN) == target


def test_channel_that_wants_an_older_minor_has_none_where_there_is_one():
    assert choose_target("stable", "1.36.2", ("1.36.2", "1.36.3")) == "1.36.2"


def make_cluster(upgrade="none", nodes="None", **pool):
    model = {"orchestratorVersion": "1.35.4", "nodeImageVersion": "old"}
    return ManagedCluster.model_validate(
        {
            "kubernetesVersion": "1.35.4",
            "autoUpgradeProfile": {"upgradeChannel": upgrade, "nodeOSUpgradeChannel": nodes},
            "agentPoolProfiles": [make_pool(**{**model, **pool})],
        }
    )


@pytest.mark.parametrize(
    ("channels", "may", "version", "model"),
    [
        (("none", "None"), (True, True), None, None),
        (("patch", "None"), (True, False), "1.35.5", ("1.35.5", KITS["1.35.5"].image)),
        (("patch", "None"), (False, True), None, None),
        (("node-image", "None"), (True, False), "1.35.4", ("1.35.4", KITS["1.35.4"].image)),
        (("none", "NodeImage"), (False, True), "1.35.4", ("1.35.4", KITS["1.35.4"].image)),
        (("none", "NodeImage"), (True, False), None, None),
    ],
)
def test_each_channel_begins_in_its_own_time(channels, may, version, model):
    versions, images = may
    step = plan_step(make_cluster(*channels), KITS, versions=versions, images=images)

    found = (step.version, step.pools["nodepool1"]) if step else (None, None)
    assert found == (version, model)


def test_pool_that_is_behind_follows_and_one_that_is_not_is_let_alone():
    there = replace(KITS["1.35.5"]).image
    cluster = make_cluster("patch", orchestratorVersion="1.35.5", nodeImageVersion=there)
    cluster = cluster.model_copy(update={"kubernetes_version": "1.35.5"})

    assert plan_step(cluster, KITS, versions=True, images=True) is None
    behind = make_cluster("patch").model_copy(update={"kubernetes_version": "1.35.5"})
    step = plan_step(behind, KITS, versions=True, images=True)
    assert isinstance(step, Step)
    assert list(step.pools) == ["nodepool1"]


async def found(world, **profile):
    """Have a cluster of the older version that upgrades itself."""
    await world.put(kubernetesVersion="1.35", autoUpgradeProfile=profile)
    await world.wait_state()


async def test_cluster_is_upgraded_by_silo_itself_and_its_log_says_so(world):
    upgrader = containerservice.AutoUpgrader(world.around)
    async with world.running():
        await found(world, upgradeChannel="rapid")
        await upgrader.look()
        shown = (await world.wait_state())["properties"]
        await upgrader.look()
        again = find_plan(world)
    span = {"since": datetime(2000, 1, 1, tzinfo=UTC), "until": datetime(2199, 1, 1, tzinfo=UTC)}
    records = world.store.read_now(
        lambda conn: audit.list_records(conn, category="Administrative", **span)
    )
    own = [one for _, one in records if one["caller"] == "Silo" and one["scope"] == K1]

    assert shown["currentKubernetesVersion"] == "1.36.3"
    assert shown["agentPoolProfiles"][0]["currentOrchestratorVersion"] == "1.36.3"
    assert again.version == "1.36.3"
    assert sorted(one["result"] for one in own) == ["Started", "Succeeded"]
    assert len({one["correlation_id"] for one in own}) == 1
    started = next(one for one in own if one["result"] == "Started")
    assert "rapid" in started["properties"]["reason"]


@pytest.mark.parametrize("odd", [{"silo": {"of": "later"}}, {"autoUpgradeProfile": 7}])
async def test_cluster_that_cannot_be_read_keeps_no_other_from_its_upgrade(world, odd):
    upgrader = containerservice.AutoUpgrader(world.around)

    def spoil(conn):
        found = world.resources.get(conn, arm.parse_resource_id(f"{K1}-odd"))
        world.resources.put(conn, found.with_properties(**odd))

    async with world.running():
        await world.ask("PUT", f"{K1}-odd", make_body(dnsPrefix="odd"))
        await world.wait_state(where=f"{K1}-odd")
        await found(world, upgradeChannel="rapid")
        world.store.write_now(spoil)
        with structlog.testing.capture_logs() as logs:
            await upgrader.look()
            shown = (await world.wait_state())["properties"]
            await upgrader.look()
    told = [one["resource"] for one in logs if one["event"] == "cluster is not upgraded"]

    assert shown["currentKubernetesVersion"] == "1.36.3"
    assert told == [f"{K1}-odd"]


@pytest.mark.parametrize("name", ["aksManagedAutoUpgradeSchedule", "default"])
async def test_nothing_begins_outside_of_its_window(world, name):
    upgrader = containerservice.AutoUpgrader(world.around)
    hours = {"notAllowedTime": [{"start": "2000-01-01T00:00:00Z", "end": "2199-01-01T00:00:00Z"}]}
    window = hours if name == "default" else {"maintenanceWindow": NEVER}
    async with world.running():
        await found(world, upgradeChannel="rapid")
        status, _, _ = await world.ask("PUT", f"{SCHEDULE}/{name}", {"properties": window})
        await upgrader.look()
        closed = find_plan(world).version
        await world.ask("DELETE", f"{SCHEDULE}/{name}")
        await upgrader.look()
        await world.wait_state()

    assert (status, closed, find_plan(world).version) == (200, "1.35.4", "1.36.3")


async def test_cluster_that_failed_or_stands_still_waits_for_somebody(world):
    upgrader = containerservice.AutoUpgrader(world.around)
    async with world.running():
        await found(world, upgradeChannel="rapid")
        world.clusters.failure = kube.StepFailed("no")
        await world.ask("PATCH", K1, {"tags": {"a": "b"}})
        await world.put(kubernetesVersion="1.35", autoUpgradeProfile={"upgradeChannel": "rapid"})
        await world.wait_state("Failed")
        world.clusters.failure = None
        await upgrader.look()
        failed, _, body = await world.ask("GET", K1)

    assert failed == 200
    assert body["properties"]["kubernetesVersion"] == "1.35.4"


@pytest.mark.parametrize(
    "channel", [{"upgradeChannel": "weekly"}, {"nodeOSUpgradeChannel": "SecurityPatch"}]
)
async def test_channel_that_cannot_be_followed_is_refused(world, channel):
    status, _, body = await world.put(autoUpgradeProfile=channel)

    assert (status, body["error"]["code"]) == (400, "FeatureNotSupported")
