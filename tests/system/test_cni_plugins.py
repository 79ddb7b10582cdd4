"""The CNI plugins of the engine: they give a namespace an address and a way out, and take it back.

They are asked as a node's containerd asks them (CNI specification 1.0.0).
"""

import json
import os
import secrets
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.system.net_probes import knock, knock_until_heard, listening

from silo import engine
from silo.engine import links, netns

BINARIES = engine.find_binaries()
pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="namespaces need root"),
    pytest.mark.skipif(BINARIES is None, reason="the engine is not built"),
]


@pytest.fixture
def node() -> Iterator[str]:
    """Make a namespace that is a node; pods hang on a bridge in it, never on the machine's."""
    name = f"silo-cni-{secrets.token_hex(4)}"
    netns.make_namespace(name)
    yield name
    for each in (name, f"{name}-pod"):
        netns.remove_namespace(each)


Call = Callable[..., dict[str, Any]]


@pytest.fixture
def call(node: str) -> Call:
    """Ask a plugin for the pod's network as a runtime on the node does."""
    netns.make_namespace(f"{node}-pod")
    assert BINARIES is not None
    folder = BINARIES.folder

    def ask(command: str, plugin: str, **configuration: Any) -> dict[str, Any]:
        asked = {"cniVersion": "1.0.0", "name": "pods", "type": plugin, **configuration}
        environment = {
            "CNI_COMMAND": command,
            "CNI_CONTAINERID": "one",
            "CNI_NETNS": str(netns.FOLDER / f"{node}-pod"),
            "CNI_IFNAME": "lo" if plugin == "loopback" else "eth0",
            "CNI_PATH": str(folder),
            "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
        }
        with netns.entered(netns.FOLDER / node):
            done = subprocess.run(
                [folder / plugin],
                input=json.dumps(asked),
                env=environment,
                capture_output=True,
                text=True,
                timeout=60,
                check=False,
            )
        assert done.returncode == 0, done.stdout + done.stderr
        return dict(json.loads(done.stdout)) if done.stdout.strip() else {}

    return ask


@pytest.fixture
def bridge(tmp_path: Path) -> dict[str, Any]:
    ranges = [[{"subnet": "10.244.0.0/24"}]]
    ipam = {"type": "host-local", "ranges": ranges, "dataDir": str(tmp_path)}
    return {"bridge": "cni0", "isDefaultGateway": True, "ipam": ipam}


def test_a_pod_gets_an_address_and_gives_it_back(
    node: str, call: Call, bridge: dict[str, Any], tmp_path: Path
) -> None:
    pod = netns.FOLDER / f"{node}-pod"
    call("ADD", "loopback")
    given = call("ADD", "bridge", **bridge)
    assert given["ips"][0]["address"].startswith("10.244.0.")
    with links.open_netlink(pod) as netlink:
        assert links.find_device("eth0")
        gateways = [route.get_attr("RTA_GATEWAY") for route in netlink.get_default_routes()]
    assert gateways == ["10.244.0.1"]
    call("DEL", "bridge", **bridge)
    with netns.entered(pod):
        assert links.find_device("eth0") is None
    assert not list(tmp_path.glob("pods/10.*"))


@pytest.mark.skipif(
    not any(shutil.which(each, path="/usr/sbin:/sbin") for each in ("nft", "iptables")),
    reason="portmap starts nft or iptables",
)
def test_a_port_of_a_node_leads_to_a_pod(node: str, call: Call, bridge: dict[str, Any]) -> None:
    given = call("ADD", "bridge", **bridge)
    port = {"hostPort": 8080, "containerPort": 80, "protocol": "tcp"}
    published = {
        "capabilities": {"portMappings": True},
        "runtimeConfig": {"portMappings": [port]},
        "prevResult": given,
    }
    call("ADD", "portmap", **published)

    with listening(netns.FOLDER / f"{node}-pod", 80):
        assert knock_until_heard(netns.FOLDER / node, "10.244.0.1", 8080)
    call("DEL", "portmap", **published)
    assert knock(netns.FOLDER / node, "10.244.0.1", 8080) is None
