"""``az container``: the life of a container group, as one who uses it sees it."""

import json
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tools import programs
from tools.azure import Az
from tools.containers import ContainerGroup, Image, containers

SECRET = "swordfish-with-teeth"


@pytest.fixture(scope="module")
def label(unique: Callable[[str], str]) -> str:
    return unique("weblabel")


@pytest.fixture(scope="module")
def web(make_container: Callable[..., ContainerGroup], label: str) -> ContainerGroup:
    made = make_container(
        "/bin/probe http 80",
        *("--ip-address", "Public", "--ports", "80", "--dns-name-label", label),
        *("-e", "COLOUR=blue", "--secure-environment-variables", f"WORD={SECRET}"),
    )
    made.wait("Running")
    return made


def ask(address: str, path: str = "/", port: int = 80) -> dict[str, Any]:
    """Ask the probe in a container over its public address, past any proxy."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(f"http://{address}:{port}{path}", timeout=5) as answer:
        told: dict[str, Any] = json.load(answer)
        return told


def test_a_group_is_shown_and_listed(az: Az, web: ContainerGroup, probe_image: Image) -> None:
    shown = web.show()

    assert shown["provisioningState"] == "Succeeded"
    assert shown["osType"] == "Linux"
    container = containers(shown)[web.name]
    assert container["image"] == probe_image.reference
    assert container["command"] == ["/bin/probe", "http", "80"]
    assert container["resources"]["requests"] == {"cpu": 0.2, "memoryInGb": 0.2, "gpu": None}
    view = container["instanceView"]
    assert (view["restartCount"], view["currentState"]["state"]) == (0, "Running")
    assert {"Pulling", "Pulled", "Started"} <= {event["name"] for event in view["events"]}
    assert shown["id"] in [item["id"] for item in az("container", "list", "-g", web.group)]
    assert shown["id"] in [item["id"] for item in az("container", "list")]
    table = az.run("container", "list", "-g", web.group, "-o", "table")
    assert web.name in programs.succeed(table).out


def test_secrets_are_not_shown(web: ContainerGroup, probe_image: Image, tmp_path: Path) -> None:
    shown = json.dumps(web.show())
    web.do("export", "-f", str(tmp_path / "group.yaml"))

    for text in (shown, (tmp_path / "group.yaml").read_text()):
        assert SECRET not in text
        assert probe_image.password not in text
        assert "blue" in text


def test_a_container_sees_its_environment_and_nothing_of_the_machine(web: ContainerGroup) -> None:
    facts = web.probe("facts")

    assert {"COLOUR=blue", f"WORD={SECRET}"} <= set(facts["environment"])
    assert facts["status"]["NoNewPrivs"] == "1"
    assert all("probe" in command or "init" in command for command in facts["processes"].values())
    assert "unmasked" not in facts


def test_a_group_has_an_address_and_a_name_of_its_own(
    web: ContainerGroup, label: str, environment: dict[str, str]
) -> None:
    address = web.show()["ipAddress"]

    assert address["type"] == "Public"
    assert address["fqdn"].startswith(f"{label}.westeurope.azurecontainer.")
    assert ask(address["ip"])["path"] == "/"
    curl = ["curl", "--silent", "--show-error", "--max-time", "10", "--proxytunnel", "--proxy"]
    url = f"http://{address['fqdn']}/by-name"
    told = programs.succeed(
        programs.run([*curl, environment["HTTPS_PROXY"], url], environment)
    ).json
    assert told["path"] == "/by-name"
    assert told["host"] == address["fqdn"]


def test_its_name_resolves_inside(web: ContainerGroup) -> None:
    address = web.show()["ipAddress"]

    assert web.probe(f"resolve {address['fqdn']}")["addresses"] == [address["ip"]]
    assert web.probe("resolve localhost")["addresses"]
    assert web.probe("resolve nobody.nowhere.invalid")["error"]


def test_a_terminal_is_a_real_one(web: ContainerGroup) -> None:
    terminal = web.terminal("/bin/sh")
    terminal.wait_for("# ")
    terminal.type("stty size\r")
    terminal.wait_for("40 132")
    terminal.type("echo still-$((40 + 2))\r")
    terminal.wait_for("still-42")
    terminal.type("exit\r")

    assert "Traceback" not in terminal.finish().out


def test_logs_are_followed_until_the_end(make_container: Callable[..., ContainerGroup]) -> None:
    group = make_container(
        "/bin/sh -c '/bin/probe echo first; /bin/probe exit 0 4; /bin/probe echo last'",
        *("--restart-policy", "Never"),
    )

    attached = programs.succeed(group.az.run("container", "attach", *group.names))

    assert "Start streaming logs" in attached.out or "last" in attached.out
    group.wait("Succeeded")
    assert group.logs().splitlines()[:2] == ["first", "last"]


def test_stop_start_and_restart(make_container: Callable[..., ContainerGroup]) -> None:
    group = make_container("/bin/probe http 8080", "--ip-address", "Public", "--ports", "8080")
    first = group.wait("Running")
    began = containers(first)[group.name]["instanceView"]["currentState"]["startTime"]
    assert ask(first["ipAddress"]["ip"], port=8080)

    group.do("stop")
    stopped = group.wait("Stopped")
    assert containers(stopped)[group.name]["instanceView"]["currentState"]["state"] == "Terminated"
    with pytest.raises(OSError, match=r"refused|timed out|unreachable|route"):
        ask(first["ipAddress"]["ip"], port=8080)
    group.do("start")
    again = group.wait("Running")
    group.do("restart")
    restarted = group.wait("Running")

    times = [
        containers(one)[group.name]["instanceView"]["currentState"]["startTime"]
        for one in (again, restarted)
    ]
    assert began < times[0] < times[1]
    assert ask(restarted["ipAddress"]["ip"], port=8080)


def test_a_group_is_exported_changed_made_again_and_deleted(
    make_container: Callable[..., ContainerGroup], tmp_path: Path, probe_image: Image
) -> None:
    group = make_container("/bin/probe echo one", "--restart-policy", "Never")
    group.wait("Succeeded")
    file = tmp_path / "group.yaml"
    group.do("export", "-f", str(file))
    text = file.read_text()
    assert "instanceView" not in text

    # What is exported holds no password; it is put back by whoever knows it.
    text = text.replace("- one", "- two")
    text = text.replace(
        f"username: {probe_image.username}",
        f"username: {probe_image.username}\n    password: {probe_image.password}",
    )
    file.write_text(text)
    group.az("container", "create", "-g", group.group, "-f", str(file))
    group.wait("Succeeded")
    assert group.logs().split()[-1] == "two"
    group.do("delete", "--yes")
    group.az.refused("container", "show", *group.names, saying="ResourceNotFound")
    assert group.az.run("container", "delete", *group.names, "--yes").code in {0, 3}
