from pathlib import Path

import pytest
from tests.unit.silo.kube import kube_world as world

from silo.kube import nodes


@pytest.fixture
def node(tmp_path: Path) -> nodes.Node:
    return world.written_node_in(tmp_path)


def test_programs_are_put_into_the_nodes_namespaces(node):
    containerd, kubelet, proxy = nodes.list_processes(node, world.KIT, world.BINARIES)

    assert containerd.environment == {"SSL_CERT_FILE": "/ca.pem"}
    assert kubelet.environment == proxy.environment == {}
    assert "--hostname-override=aks-pool-1-vmss000000" in kubelet.command
    assert "--node-ip=10.224.0.4" in kubelet.command
    words = kubelet.namespaces.enter()
    assert words[1] == "--net=/run/netns/n"
    assert words[2:4] == [f"--mount={node.paths.mounts}", f"--uts={node.paths.names}"]


def test_another_configuration_makes_another_process(node):
    before = nodes.list_processes(node, world.KIT, world.BINARIES)
    (node.paths.state / "kubelet.json").write_text("{}")
    after = nodes.list_processes(node, world.KIT, world.BINARIES)

    changed = [new.name for new, old in zip(after, before, strict=True) if new.digest != old.digest]
    assert changed == ["kubelet-aks-pool-1-vmss000000"]


def test_sockets_have_short_enough_paths():
    longest = Path("/run/silo/0123456789ab")
    paths = world.paths_in(Path("/x"))
    found = type(paths)(paths.state, longest / "clusters" / world.UID[:12]).node("n" * 60, 65_000)

    assert len(str(found.socket.with_name("containerd.ttrpc.sock"))) < 107
