"""Whoever administers a cluster is root of its nodes, and of nothing else.

A pod has here every right that Kubernetes can give: privileged, in all of the node's namespaces,
with the node's files. What it may do to its own node is not looked at.
"""

import json
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tools import strangers

from silo import kube

from .cluster_world import KIT, NODE, PROBE, SIZE, World, eventually, leave_up, open_world

PROGRAM = f"/{strangers.probe_path().name}"
NAMESPACE = "open"
MACHINES = {
    *("bpf", "chroot", "clock", "device-node", "devices-of-machine", "file-handle", "kexec"),
    *("module-delete", "module-load", "module-load-file", "perf", "proc-core-pattern"),
    *("proc-init-root", "proc-irq", "proc-modprobe", "proc-overcommit", "proc-sysrq", "swap"),
    *("sys-hugepages", "sys-uevent-helper", "userfault"),
}
"""Attempts at what is the machine's. The others are at what the node has of its own, its processes
among it: whoever traces the kubelet stops it. ``socket-vsock`` is let through, see the how-to."""


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Bring a cluster up with a pod that has every right; leave it to itself."""
    with open_world(tmp_path_factory.mktemp("escapes"), KIT) as made:
        leave_up(made)
        start_mighty_pod(made)
        yield made


@pytest.fixture
def marker() -> Iterator[Path]:
    """Return a file that everybody on the machine may read, and nobody elsewhere sees."""
    path = Path(f"/etc/silo-marker-{uuid.uuid4()}")
    path.write_text("the machine itself")
    path.chmod(0o644)
    yield path
    path.unlink()


def start_mighty_pod(world: World) -> None:
    world.kubectl("create", "namespace", NAMESPACE)
    label = "pod-security.kubernetes.io/enforce=privileged"
    world.kubectl("label", "namespace", NAMESPACE, label)
    spec = {
        "hostPID": True,
        "hostIPC": True,
        "hostNetwork": True,
        "containers": [
            {
                "name": "mighty",
                "image": PROBE,
                "imagePullPolicy": "Never",
                "args": ["serve", "tcp", "9999"],
                "securityContext": {"privileged": True, "runAsUser": 0},
                "volumeMounts": [
                    {"name": "node", "mountPath": "/node"},
                    {"name": "hosts", "mountPath": "/hosts"},
                ],
            }
        ],
        "volumes": [
            {"name": "node", "hostPath": {"path": "/"}},
            {"name": "hosts", "hostPath": {"path": "/etc/hosts", "type": "File"}},
        ],
    }
    run = ("run", "mighty", f"--image={PROBE}", "-n", NAMESPACE)
    world.kubectl(*run, f"--overrides={json.dumps({'spec': spec})}")
    eventually(lambda: is_ready(world), "the pod never runs")


def is_ready(world: World) -> bool:
    found: dict[str, Any] = world.read("-n", NAMESPACE, "pod", "mighty")["status"]
    return any(one["ready"] for one in found.get("containerStatuses") or ())


def as_node(world: World, script: str) -> subprocess.CompletedProcess[str]:
    """Do something as root of the node, in all that is the node's."""
    words = world.inside("/bin/sh", "-euc", script)
    return subprocess.run(words, capture_output=True, text=True, check=False, timeout=60)


def test_what_the_node_calls_others_is_its_own(world: World) -> None:
    settings = world.paths.node(NODE, kube.FIRST_NODE_PLACE).settings / "hosts"
    before = settings.read_text()

    done = as_node(world, "echo 192.0.2.7 other >>/etc/hosts; cat /etc/hosts; echo x >/etc/x || :")

    assert done.stdout == f"{before}192.0.2.7 other\n"
    assert "Read-only file system" in done.stderr
    assert settings.read_text() == before


def test_no_attempt_to_leave_the_node_succeeds(world: World, marker: Path) -> None:
    kernel = [Path("/proc/sys/kernel", name) for name in ("core_pattern", "modprobe", "sysrq")]
    watched = [path for path in kernel if path.exists()]
    before = [path.read_text() for path in watched]

    attempts = ("--", PROGRAM, "escape", *sorted(MACHINES), "mount-tmpfs", f"marker={marker}")
    said = world.kubectl("exec", "-n", NAMESPACE, "mighty", *attempts)

    told = {one["attempt"]: one["refused"] for one in map(json.loads, said.splitlines())}
    # It has the rights that it was to have.
    assert told.pop("mount-tmpfs") is False
    assert told == dict.fromkeys(MACHINES, True), said
    assert "the machine itself" not in said
    assert [path.read_text() for path in watched] == before


@pytest.mark.parametrize(
    "script",
    [
        "echo '|/bin/false' >/proc/sys/kernel/core_pattern",
        "echo h >/proc/sysrq-trigger",
        "echo 1 >/sys/kernel/mm/ksm/run",
        "mknod /var/disk b 254 0",
        "mount -t ext4 /dev/vda /tmp",
        "mkdir -p /tmp/g && mount -t cgroup -o none,name=x,release_agent=/tmp/x none /tmp/g",
        "for each in /sys/fs/cgroup/*/release_agent; do echo /tmp/x >$each; done",
        "mount -o remount,rw /usr/bin && touch /usr/bin/x",
        "umount /usr/bin && ls /usr/bin/sh",
        "echo x >>/etc/passwd",
        "cat /etc/shadow",
        "dmesg >/dev/null",
        "date -s '2001-01-01'",
    ],
)
def test_nodes_root_is_nobody_on_the_machine(world: World, script: str) -> None:
    done = as_node(world, script)

    assert done.returncode != 0, done.stdout
    assert done.stderr


def test_node_sees_its_own_processes_and_no_others(world: World) -> None:
    seen = as_node(world, "cat /proc/[0-9]*/cmdline | tr '\\0' ' '").stdout

    assert "kubelet" in seen
    assert "kube-apiserver" not in seen
    assert "pytest" not in seen


def test_node_holds_the_keys_of_its_own_programs_alone(world: World) -> None:
    lines = as_node(world, "find /etc /run /var /opt /tmp -name '*.key' 2>/dev/null").stdout
    found = {Path(line).name for line in lines.splitlines()}
    kept = {path.name for path in world.paths.pki.glob("*.key")}

    assert {"kubelet.key", "kubelet-server.key", "kube-proxy.key"} <= found
    assert {"ca.key", "service-accounts.key", "apiserver-kubelet-client.key"} <= kept
    assert found & kept == set()
    assert as_node(world, f"ls {world.folder}").returncode != 0
    assert as_node(world, f"ls {world.run}").returncode != 0


def test_node_cannot_lift_its_limits(world: World) -> None:
    limits = "memory.limit_in_bytes cpu.cfs_quota_us memory.max cpu.max pids.max"
    script = f"cd /sys/fs/cgroup; for each in {limits}; do ls $each */$each || :; done 2>/dev/null"
    files = as_node(world, script).stdout.split()

    assert len(files) >= 3
    for file in files:
        done = as_node(
            world, f"cat /sys/fs/cgroup/{file} >/dev/null; echo -1 >/sys/fs/cgroup/{file}"
        )
        assert "ermission denied" in done.stderr, file


def test_node_has_the_size_that_was_asked_for(world: World) -> None:
    (node,) = world.read("nodes")["items"]
    status = node["status"]

    assert status["capacity"]["memory"] == "3Gi"
    assert status["capacity"]["cpu"] == "2"
    assert status["allocatable"]["cpu"] == f"{int(SIZE.cores * 1000)}m"
    assert "MemTotal:        3145728 kB" in as_node(world, "cat /proc/meminfo").stdout
