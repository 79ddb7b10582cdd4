"""``az container``: what its commands can do besides, and groups that change in place."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tools import programs
from tools.azure import Az
from tools.containers import ContainerGroup, Image, containers

PATIENCE_S = 90.0


def began(group: ContainerGroup, shown: dict[str, Any]) -> str:
    found: str = containers(shown)[group.name]["instanceView"]["currentState"]["startTime"]
    return found


def repeat(group: ContainerGroup, image: Image, *options: str) -> programs.Outcome:
    """Run ``az container create`` on a group that is there."""
    size = ("--os-type", "Linux", "--cpu", "0.2", "--memory", "0.2")
    words = ("container", "create", *group.names, "--image", image.reference, *image.credentials)
    return group.az.run(*words, *size, "--output", "json", *options)


def test_the_options_of_create_reach_the_container(
    make_container: Callable[..., ContainerGroup],
) -> None:
    group = make_container(
        "/bin/probe sleep",
        *("--zone", "1", "--priority", "Spot", "--config-map", "FROM=map", "BOTH=map"),
        *("--environment-variables", "BOTH=variable", "--secrets", "word=swordfish"),
        *("--secrets-mount-path", "/mnt/secrets"),
    )
    shown = group.wait("Running")
    facts = group.probe("facts")

    assert (shown["zones"], shown["priority"]) == (["1"], "Spot")
    assert {"FROM=map", "BOTH=variable"} <= set(facts["environment"])
    assert "swordfish" in group.execute("/bin/cat /mnt/secrets/word")
    assert "swordfish" not in json.dumps(shown)


def test_create_need_not_wait(make_container: Callable[..., ContainerGroup]) -> None:
    group = make_container("/bin/probe sleep", "--no-wait")

    assert group.wait("Running")["provisioningState"] in {"Creating", "Succeeded"}


def test_logs_are_followed(make_container: Callable[..., ContainerGroup]) -> None:
    group = make_container(
        "/bin/sh -c '/bin/probe echo first; /bin/probe exit 0 4; /bin/probe echo last'",
        *("--restart-policy", "Never"),
    )

    followed = programs.succeed(group.az.run("container", "logs", *group.names, "--follow"))

    assert "first" in followed.out
    assert "last" in followed.out


def test_logs_are_of_the_program_that_ran_last(
    make_container: Callable[..., ContainerGroup],
) -> None:
    group = make_container("/bin/sh -c '/bin/probe echo once; /bin/probe exit 3 0.2'")
    deadline = time.monotonic() + PATIENCE_S
    while containers(group.show())[group.name]["instanceView"]["restartCount"] < 2:
        assert time.monotonic() < deadline

    # While the next one begins there may be nothing yet, and never more than its own.
    while not (said := group.logs().split()):
        assert time.monotonic() < deadline
    assert said == ["once"]


def test_a_change_restarts_a_group_and_tags_alone_do_not(
    az: Az, make_container: Callable[..., ContainerGroup], probe_image: Image
) -> None:
    command = ("--command-line", "/bin/probe sleep", "--environment-variables")
    group = make_container("/bin/probe sleep", "--environment-variables", "COLOUR=blue")
    first = group.wait("Running")

    az("tag", "update", "--resource-id", first["id"], "--operation", "merge", "--tags", "a=b")
    tagged = group.show()
    assert (tagged["tags"], began(group, tagged)) == ({"a": "b"}, began(group, first))

    programs.succeed(repeat(group, probe_image, *command, "COLOUR=red"))
    changed = group.wait("Running")
    assert began(group, changed) > began(group, first)
    assert "COLOUR=red" in group.probe("facts")["environment"]


def test_what_is_fixed_cannot_be_changed_while_it_runs(
    make_container: Callable[..., ContainerGroup], probe_image: Image
) -> None:
    group = make_container("/bin/probe sleep")
    first = group.wait("Running")
    change = ("--command-line", "/bin/probe sleep", "--restart-policy", "Never")

    programs.refuse(repeat(group, probe_image, *change), "you must delete it first")

    assert began(group, group.show()) == began(group, first)


@pytest.mark.parametrize(
    ("what", "names"),
    [("usages", {"ContainerGroups", "StandardCores"}), ("capabilities", {"Linux"})],
)
def test_a_location_tells_what_may_be_had(az: Az, what: str, names: set[str]) -> None:
    provider = "providers/Microsoft.ContainerInstance/locations/westeurope"
    url = f"/subscriptions/{{subscriptionId}}/{provider}/{what}?api-version=2023-05-01"

    told = az("rest", "--method", "get", "--url", url)["value"]

    assert names == {one["name"]["value"] if what == "usages" else one["osType"] for one in told}


def test_files_of_a_share_are_seen_and_outlive_the_group(
    az: Az,
    containers_group: str,
    make_container: Callable[..., ContainerGroup],
    unique: Callable[[str], str],
    tmp_path: Path,
) -> None:
    account = unique("files")
    az("storage", "account", "create", "-g", containers_group, "-n", account)
    (key, *_) = az("storage", "account", "keys", "list", "-g", containers_group, "-n", account)
    access = ("--account-name", account, "--account-key", key["value"])
    az("storage", "share", "create", "-n", "work", *access)
    volume = "--azure-file-volume"
    group = make_container(
        "/bin/probe write /kept/note kept",
        *("--restart-policy", "Never", f"{volume}-share-name", "work"),
        *(f"{volume}-account-name", account, f"{volume}-account-key", key["value"]),
        *(f"{volume}-mount-path", "/kept"),
    )
    shown = group.wait("Succeeded")
    group.do("delete", "--yes")

    assert key["value"] not in json.dumps(shown)
    file = tmp_path / "note"
    az("storage", "file", "download", "-s", "work", "-p", "note", "--dest", str(file), *access)
    assert file.read_text() == "kept"
