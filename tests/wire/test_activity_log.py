"""``az monitor activity-log`` and ``silo audit verify``: who did what, and that it stays so."""

import sqlite3
from collections.abc import Callable
from pathlib import Path

from tools.azure import Az, Registry
from tools.instance import Instance, running


def test_the_log_tells_who_did_what(
    silo: Instance, az: Az, make_registry: Callable[..., Registry]
) -> None:
    registry = make_registry()
    group = registry.group

    events = az("monitor", "activity-log", "list", "-g", group, "--offset", "1h")

    written = [event for event in events if event["resourceId"].lower() == registry.id.lower()]
    assert written, events
    newest = written[0]
    assert newest["operationName"]["value"] == "Microsoft.ContainerRegistry/registries/write"
    assert newest["status"]["value"] == "Succeeded"
    assert newest["httpRequest"]["clientIpAddress"] == "127.0.0.1"
    assert newest["correlationId"]
    principal = silo.credentials["servicePrincipal"]["clientId"]
    assert principal in {newest["caller"], newest["claims"].get("appid")}


def test_a_refused_write_is_in_the_log(az: Az, admin: Az, make_group: Callable[[], str]) -> None:
    group = make_group()
    az("lock", "create", "-n", "keep", "-g", group, "--lock-type", "CanNotDelete")
    admin.refused("group", "delete", "-n", group, "--yes")

    events = az("monitor", "activity-log", "list", "-g", group, "--offset", "1h")

    assert "Failed" in {event["status"]["value"] for event in events}
    az("lock", "delete", "-n", "keep", "-g", group)


def test_one_correlation_id_finds_its_events(az: Az, registry: Registry) -> None:
    group = registry.group
    events = az("monitor", "activity-log", "list", "-g", group, "--offset", "1h")
    wanted = events[0]["correlationId"]

    found = az("monitor", "activity-log", "list", "--correlation-id", wanted, "--offset", "1h")

    assert {event["correlationId"] for event in found} == {wanted}


def test_the_log_is_whole(silo: Instance, az: Az) -> None:
    assert az("group", "list") is not None

    assert "whole" in silo.silo("audit", "verify").out


def test_a_changed_record_is_found_and_named(tmp_path: Path) -> None:
    with running(tmp_path / "state") as instance:
        one = instance.credentials["servicePrincipal"]
        az = Az(instance.environment(tmp_path), tmp_path / "az")
        az.sign_in(instance.tenant, one["clientId"], one["clientSecret"])
        az("group", "create", "-n", "group", "-l", "westeurope")
        assert instance.silo("audit", "verify", "--json").json["records"] > 2
    change(instance.state / "silo.db")

    outcome = instance.silo("audit", "verify", "--json", check=False)

    assert outcome.code != 0
    assert outcome.json["firstBroken"] == 2


def change(database: Path) -> None:
    """Change the second record behind Silo's back, as somebody with the disk could."""
    with sqlite3.connect(database) as connection:
        triggers = "SELECT name FROM sqlite_master WHERE type = 'trigger'"
        for (name,) in connection.execute(triggers).fetchall():
            connection.execute(f"DROP TRIGGER {name}")
        text = "UPDATE audit_records SET body = replace(body, '2', '3') WHERE number = 2"
        assert connection.execute(text).rowcount == 1
    connection.close()
