"""The CNI plugins of the engine: they give a namespace an address and a way out, and take it back.

They are asked as a node's containerd asks them (CNI specification 1.0.0).
"""

import json
import os
import secrets
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

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


def test_a_pod_gets_an_address_and_gives_it_back(node: str, tmp_path: Any) -> None:
    pod = netns.make_namespace(f"{node}-pod")
    asked = {
        "cniVersion": "1.0.0",
        "name": "pods",
        "type": "bridge",
        "bridge": "cni0",
        "isDefaultGateway": True,
        "ipam": {
            "type": "host-local",
            "ranges": [[{"subnet": "10.244.0.0/24"}]],
            "dataDir": str(tmp_path),
        },
    }

    def call(command: str, plugin: str, configuration: dict[str, Any]) -> dict[str, Any]:
        assert BINARIES is not None
        folder = str(BINARIES.folder)
        environment = {
            "CNI_COMMAND": command,
            "CNI_CONTAINERID": "one",
            "CNI_NETNS": str(pod),
            "CNI_IFNAME": "lo" if plugin == "loopback" else "eth0",
            "CNI_PATH": folder,
            "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
        }
        with netns.entered(netns.FOLDER / node):
            done = subprocess.run(
                [f"{folder}/{plugin}"],
                input=json.dumps(configuration),
                env=environment,
                capture_output=True,
                text=True,
                timeout=60,
                check=False,
            )
        assert done.returncode == 0, done.stdout + done.stderr
        return dict(json.loads(done.stdout)) if done.stdout.strip() else {}

    loopback = {"cniVersion": "1.0.0", "name": "lo", "type": "loopback"}
    call("ADD", "loopback", loopback)
    given = call("ADD", "bridge", asked)
    assert given["ips"][0]["address"].startswith("10.244.0.")
    with links.open_netlink(pod) as netlink:
        assert links.find_device("eth0")
        assert [route.get_attr("RTA_GATEWAY") for route in netlink.get_default_routes()] == [
            "10.244.0.1"
        ]
    call("DEL", "bridge", asked)
    with netns.entered(pod):
        assert links.find_device("eth0") is None
    assert not list(tmp_path.glob("pods/10.*"))
