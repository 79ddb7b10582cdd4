import pytest

from .cluster_world import K1

PATH = f"{K1}/maintenanceConfigurations"
OWN = "aksManagedAutoUpgradeSchedule"
WINDOW = {
    "schedule": {"weekly": {"intervalWeeks": 2, "dayOfWeek": "Friday"}},
    "durationHours": 8,
    "utcOffset": "+05:30",
    "startDate": "2026-12-01",
    "startTime": "00:00",
}


def window(**changes):
    return {"maintenanceWindow": {**WINDOW, **changes}}


async def test_configuration_is_kept_listed_and_forgotten(world):
    await world.put()
    wanted = {"timeInWeek": [{"day": "Monday", "hourSlots": [1, 2]}], "notAllowedTime": []}
    status, _, made = await world.ask("PUT", f"{PATH}/default", {"properties": wanted})
    await world.ask("PUT", f"{PATH}/{OWN}", {"properties": window()})
    _, _, listed = await world.ask("GET", PATH)
    gone, _, _ = await world.ask("DELETE", f"{PATH}/default")
    missing, _, _ = await world.ask("GET", f"{PATH}/default")

    assert (status, made["name"]) == (200, "default")
    assert made["properties"]["timeInWeek"] == wanted["timeInWeek"]
    assert made["type"] == "Microsoft.ContainerService/managedClusters/maintenanceConfigurations"
    shown = {one["name"]: one["properties"] for one in listed["value"]}
    assert shown[OWN]["maintenanceWindow"] == WINDOW
    assert sorted(shown) == [OWN, "default"]
    assert (gone, missing) == (200, 404)


@pytest.mark.parametrize(
    ("name", "properties"),
    [
        ("other", window()),
        (OWN, {"timeInWeek": [{"day": "Monday", "hourSlots": [1]}]}),
        (OWN, {}),
        (OWN, window(durationHours=3)),
        (OWN, window(startTime="24:00")),
        (OWN, window(utcOffset="5")),
        (OWN, window(startDate="soon")),
        (OWN, window(schedule={})),
        (OWN, window(schedule={**WINDOW["schedule"], "daily": {"intervalDays": 1}})),
        (OWN, window(schedule={"weekly": {"intervalWeeks": 5, "dayOfWeek": "Friday"}})),
        (OWN, window(notAllowedDates=[{"start": "2026-12-02", "end": "2026-12-01"}])),
        ("default", window(schedule={"daily": {"intervalDays": 1}})),
        ("default", {"timeInWeek": [{"day": "Monday", "hourSlots": [24]}]}),
        ("default", {"timeInWeek": [{"day": "Someday", "hourSlots": [1]}]}),
    ],
)
async def test_what_cannot_be_followed_is_refused(world, name, properties):
    await world.put()
    status, _, body = await world.ask("PUT", f"{PATH}/{name}", {"properties": properties})

    assert status == 400, body
    assert body["error"]["message"]


async def test_there_is_none_without_its_cluster(world):
    status, _, _ = await world.ask("PUT", f"{PATH}/default", {"properties": window()})

    assert status == 404
