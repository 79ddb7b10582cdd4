"""Groups of several containers made from a file: their order, and whether they are well."""

import json
import time
import urllib.request
from collections.abc import Callable
from typing import Any

import pytest
from tools.containers import ContainerGroup, containers

PATIENCE_S = 90.0
QUICK = {"periodSeconds": 1, "failureThreshold": 2, "timeoutSeconds": 5}
HEALTH = {"httpGet": {"path": "/health", "port": 8080, "scheme": "http"}}
SERVE = ["/bin/probe", "http", "8080"]
PUBLIC = {"type": "Public", "ports": [{"protocol": "TCP", "port": 8080}]}


def view_of(group: ContainerGroup, name: str) -> dict[str, Any]:
    found: dict[str, Any] = containers(group.show())[name]["instanceView"]
    return found


def wait_for(group: ContainerGroup, name: str, wanted: Callable[[dict[str, Any]], bool]) -> Any:
    """Return a container's view once it is as wanted."""
    deadline = time.monotonic() + PATIENCE_S
    while not wanted(view := view_of(group, name)):
        assert time.monotonic() < deadline, view
    return view


def answers(address: str) -> bool:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"http://{address}:8080/", timeout=3) as answer:
            return bool(json.load(answer)["path"] == "/")
    except OSError:
        return False


def wait_until(address: str, *, open_: bool) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while answers(address) is not open_:
        assert time.monotonic() < deadline
        time.sleep(0.2)


def test_init_containers_run_in_order_and_containers_share_a_life(
    make_container_from_file: Callable[..., ContainerGroup], probe_image: Any
) -> None:
    mount = {"volumeMounts": [{"name": "scratch", "mountPath": "/scratch"}]}

    def first(name: str, script: str) -> dict[str, Any]:
        command = ["/bin/sh", "-c", script]
        return {"name": name, "properties": {"image": probe_image.reference, "command": command,
                                             **mount}}  # fmt: skip

    group = make_container_from_file(
        {
            "web": {"command": SERVE, "ports": [{"port": 8080}], **mount},
            "side": {
                "command": ["/bin/probe", "sleep"],
                "configMap": {"keyValuePairs": {"A": "b"}},
                "securityContext": {"runAsUser": 1000, "capabilities": {"drop": ["ALL"]}},
            },
        },
        {"made": "by file"},
        initContainers=[
            first("one", "echo one > /scratch/order; echo did one"),
            first("two", "cat /scratch/order; echo two >> /scratch/order"),
        ],
        volumes=[{"name": "scratch", "emptyDir": {}}],
    )
    shown = group.wait("Running")

    assert shown["tags"] == {"made": "by file"}
    for one in shown["initContainers"]:
        assert one["instanceView"]["currentState"]["state"] == "Terminated"
        assert one["instanceView"]["currentState"]["exitCode"] == 0
    assert group.logs("one").split("\n")[0] == "did one"
    assert group.logs("two").split() == ["one"]
    assert group.execute("/bin/cat /scratch/order", "web").split() == ["one", "two"]
    # One network: the neighbour is found on localhost.
    assert group.probe("ask http://127.0.0.1:8080/beside", "side")["json"]["path"] == "/beside"
    facts = group.probe("facts", "side")
    assert "A=b" in facts["environment"]
    assert (facts["uid"], facts["status"]["CapBnd"].strip("0")) == (1000, "")
    assert group.logs("web").split() == ["serving"]


@pytest.mark.parametrize("kind", ["exec", "http"])
def test_a_container_that_is_not_alive_is_restarted(
    make_container_from_file: Callable[..., ContainerGroup], kind: str
) -> None:
    look = {"exec": {"command": ["/bin/cat", "/tmp/alive"]}} if kind == "exec" else HEALTH
    command = ["/bin/sh", "-c", "echo > /tmp/alive; exec /bin/probe http 8080"]
    group = make_container_from_file(
        {
            "web": {
                "command": command,
                "ports": [{"port": 8080}],
                "livenessProbe": {**look, **QUICK, "initialDelaySeconds": 2},
            }
        }
    )
    group.wait("Running")
    before = view_of(group, "web")["restartCount"]

    if kind == "exec":
        group.execute("/bin/busybox rm /tmp/alive")
    else:
        group.probe("ask http://127.0.0.1:8080/fail")
    view = wait_for(group, "web", lambda view: view["restartCount"] > before)

    events = {event["name"]: event["message"] for event in view["events"]}
    assert events["Unhealthy"].startswith("Liveness probe failed: ")
    assert "failed liveness probe, will be restarted" in events["Killing"]
    assert view["previousState"]["state"] == "Terminated"
    # Begun afresh it is well, and left alone.
    wait_for(group, "web", lambda view: view["currentState"]["state"] == "Running")


def test_nobody_is_let_in_to_a_container_that_is_not_ready(
    make_container_from_file: Callable[..., ContainerGroup],
) -> None:
    group = make_container_from_file(
        {
            "web": {
                "command": SERVE,
                "ports": [{"port": 8080}],
                "readinessProbe": {**HEALTH, **QUICK},
            }
        },
        ipAddress=PUBLIC,
    )
    address = group.wait("Running")["ipAddress"]["ip"]
    wait_until(address, open_=True)

    # From the inside it is reached all the time.
    assert group.probe("ask http://127.0.0.1:8080/fail")["status"] == 200
    wait_until(address, open_=False)
    view = wait_for(group, "web", lambda view: "Unhealthy" in str(view["events"]))
    messages = [one["message"] for one in view["events"] if one["name"] == "Unhealthy"]
    assert "Readiness probe failed: HTTP probe failed with statuscode: 503" in messages
    assert (view["currentState"]["state"], view["restartCount"]) == ("Running", 0)

    assert group.probe("ask http://127.0.0.1:8080/mend")["status"] == 200
    wait_until(address, open_=True)
