from pathlib import Path

import pytest
from tests.unit.silo.kube import kube_world as world

from silo.kube import nodes, processes


@pytest.fixture
def node(tmp_path: Path) -> nodes.Node:
    return world.written_node_in(tmp_path)


def test_programs_are_put_beside_the_nodes_first(node):
    programs = nodes.list_processes(node)
    containerd, kubelet, proxy = programs

    assert containerd.environment == {"SSL_CERT_FILE": "/etc/silo/ca-bundle.crt"}
    assert kubelet.environment == proxy.environment == {}
    assert "--hostname-override=aks-pool-1-vmss000000" in kubelet.command
    assert "--node-ip=10.224.0.4" in kubelet.command
    assert {each.place for each in programs} == {processes.Beside("init-aks-pool-1-vmss000000")}


def test_another_configuration_makes_another_process(node):
    before = nodes.list_processes(node)
    (node.paths.settings / "silo/kubelet.json").write_text("{}")
    after = nodes.list_processes(node)

    changed = [new.name for new, old in zip(after, before, strict=True) if new.digest != old.digest]
    assert changed == ["kubelet-aks-pool-1-vmss000000"]
