"""Output, events and measures of groups that run, as az asks for them."""

import time
from collections.abc import Callable
from typing import Any

from tests.wire.test_monitor import query
from tools import programs
from tools.azure import Az
from tools.containers import ContainerGroup, Image
from tools.instance import Instance

PATIENCE_S = 60.0
LOOP = "/bin/sh -c '/bin/probe echo one; /bin/probe echo two; /bin/probe sleep'"


def make_workspace(az: Az, group: str, name: str) -> dict[str, Any]:
    made: dict[str, Any] = az(
        *("monitor", "log-analytics", "workspace", "create", "-g", group, "-n", name)
    )
    return made


def wait_for(ask: Callable[[], Any]) -> Any:
    """Return the first answer that is something."""
    deadline = time.monotonic() + PATIENCE_S
    while not (found := ask()):
        assert time.monotonic() < deadline, found
        time.sleep(1)
    return found


def test_output_and_events_arrive_once_and_outlive_the_group(
    silo: Instance,
    az: Az,
    containers_group: str,
    make_container: Callable[..., ContainerGroup],
    unique: Callable[[str], str],
) -> None:
    workspace = make_workspace(az, containers_group, unique("logs"))
    group = make_container(LOOP, "--log-analytics-workspace", workspace["name"])
    group.wait("Running")

    def ask(text: str) -> list[list[Any]]:
        rows: list[list[Any]] = query(silo, az, workspace["customerId"], text)["tables"][0]["rows"]
        return rows

    mine = f'where ContainerGroup_s == "{group.name}"'
    lines = f"ContainerInstanceLog_CL | {mine} | order by TimeGenerated asc | project Message"
    wait_for(lambda: len(ask(lines)) > 1)
    assert ask(lines) == [["one"], ["two"]]
    events = ask(f"ContainerEvent_CL | {mine} | distinct Reason_s")
    assert {"Pulled", "Started"} <= {reason for (reason,) in events}

    assert workspace["customerId"] in str(group.show()["diagnostics"])
    group.do("delete", "--yes")
    assert ask(lines) == [["one"], ["two"]]


def test_a_wrong_key_of_a_workspace_is_refused(
    az: Az,
    containers_group: str,
    probe_image: Image,
    unique: Callable[[str], str],
) -> None:
    workspace = make_workspace(az, containers_group, unique("logs"))

    az.refused(
        *("container", "create", "-g", containers_group, "-n", unique("app")),
        *("--image", probe_image.reference, *probe_image.credentials, "--os-type", "Linux"),
        *("--log-analytics-workspace", workspace["customerId"]),
        *("--log-analytics-workspace-key", "d3Jvbmc=", "--cpu", "0.1", "--memory", "0.1"),
        saying="InvalidLogAnalyticsWorkspace",
    )


def test_what_a_container_uses_is_measured(
    az: Az, make_container: Callable[..., ContainerGroup]
) -> None:
    group = make_container("/bin/probe http 80")
    shown = group.wait("Running")
    words = ("monitor", "metrics", "list", "--resource", shown["id"], "--interval", "PT1M")
    named = ("--filter", f"containerName eq '{group.name}'")

    def read(metric: str, *more: str) -> list[float]:
        (found,) = az(*words, "--metrics", metric, *more)["value"]
        return [
            point["average"]
            for series in found["timeseries"]
            for point in series["data"]
            if point.get("average") is not None
        ]

    assert wait_for(lambda: read("MemoryUsage", *named))[0] > 1000
    assert wait_for(lambda: read("CpuUsage", *named))[0] >= 0
    assert wait_for(lambda: read("NetworkBytesReceivedPerSecond"))[0] >= 0
    definitions = az("monitor", "metrics", "list-definitions", "--resource", shown["id"])
    assert "CpuUsage" in {one["name"]["value"] for one in definitions}


def test_prometheus_reads_the_present_with_a_token(
    silo: Instance,
    az: Az,
    make_container: Callable[..., ContainerGroup],
    shell: Callable[..., programs.Outcome],
) -> None:
    group = make_container("/bin/probe http 80")
    group.wait("Running")
    url = f"{silo.endpoints['resourceManager']}/metrics"
    token = az.token()

    told = shell("curl", "--silent", "-H", f"Authorization: Bearer {token}", url).out
    closed = shell("curl", "--silent", "-o", "/dev/null", "-w", "%{http_code}", url).out

    running = f'container_group="{group.name}"'
    lines = [line for line in told.splitlines() if running in line and 'state="Running"' in line]
    assert [line.rpartition(" ")[2] for line in lines] == ["1.0"]
    assert closed == "401"
