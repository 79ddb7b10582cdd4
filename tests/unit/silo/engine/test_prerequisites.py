import json
from pathlib import Path

import pytest

from silo.engine import daemon, nft, prerequisites
from silo.engine.binaries import Binaries
from silo.engine.plans import Level

BINARIES = Binaries(*[Path(__file__)] * 7, versions={"containerd": "v2.4.2"})


@pytest.fixture
def root(monkeypatch) -> None:
    monkeypatch.setattr(daemon.os, "geteuid", lambda: 0)
    monkeypatch.setattr(prerequisites.nft, "find_library", lambda: None)
    monkeypatch.setattr(prerequisites.nft, "run", lambda _: {})


def make_machine(folder: Path, files: dict[str, str]) -> Path:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return folder


def test_unified_hierarchy_with_all_controllers_is_fine(tmp_path):
    controllers = {"sys/fs/cgroup/cgroup.controllers": "cpuset cpu io memory pids\n"}

    finding = prerequisites.inspect_cgroups(make_machine(tmp_path, controllers))

    assert finding.fine
    assert finding.said.startswith("v2")


def test_hybrid_hierarchy_is_fine_and_called_old(tmp_path):
    files = {f"sys/fs/cgroup/{name}/tasks": "" for name in ("cpu", "memory", "pids", "unified")}

    finding = prerequisites.inspect_cgroups(make_machine(tmp_path, files))

    assert finding.fine
    assert "v1" in finding.said


def test_missing_controller_is_named(tmp_path):
    controllers = {"sys/fs/cgroup/cgroup.controllers": "cpu pids\n"}

    finding = prerequisites.inspect_cgroups(make_machine(tmp_path, controllers))

    assert not finding.fine
    assert finding.said == "v2; missing: memory"


def test_kernel_with_all_features_is_fine(tmp_path):
    machine = make_machine(
        tmp_path,
        {
            "proc/sys/user/max_user_namespaces": "96365\n",
            "proc/filesystems": "nodev\ttmpfs\nnodev\toverlay\n\text4\n",
            "proc/sys/kernel/seccomp/actions_avail": "kill_process",
        },
    )

    assert all(finding.fine for finding in prerequisites.inspect_kernel(machine))


def test_kernel_without_features_lacks_each_of_them(tmp_path):
    machine = make_machine(tmp_path, {"proc/sys/user/max_user_namespaces": "0\n"})

    lacking = {one.name for one in prerequisites.inspect_kernel(machine) if not one.fine}

    assert lacking == {"user namespaces", "overlayfs", "seccomp"}


def test_kernel_without_nftables_is_told_from_a_missing_library(root, monkeypatch):
    def refuse(_):
        raise nft.RulesRefused("Operation not supported")

    monkeypatch.setattr(prerequisites.nft, "run", refuse)
    assert "not supported" in prerequisites.inspect_filter().said

    monkeypatch.setattr(prerequisites.nft, "find_library", lambda: "libnftables1 is missing")
    assert prerequisites.inspect_filter().said == "libnftables1 is missing"


def test_volumes_are_on_disk_where_loop_devices_are(tmp_path):
    files = dict.fromkeys(("usr/bin/mount", "usr/sbin/mkfs.ext4", "dev/loop-control"), "")

    assert prerequisites.inspect_volumes(make_machine(tmp_path, files)).said == "on disk"


def test_machine_without_loop_devices_keeps_volumes_in_memory(tmp_path):
    files = dict.fromkeys(("usr/bin/mount", "usr/sbin/mkfs.ext4"), "")

    finding = prerequisites.inspect_volumes(make_machine(tmp_path, files))

    assert (finding.fine, finding.needed) == (False, False)
    assert finding.said == "in memory; on disk they need /dev/loop-control"


def test_machine_without_kvm_and_kata_says_both(tmp_path):
    found = prerequisites.inspect_hypervisor(BINARIES, tmp_path)

    assert (found.fine, found.needed) == (False, False)
    assert found.said == (
        "not available: no /dev/kvm and no Kata Containers (containerd-shim-kata-v2)"
    )


def test_machine_with_kvm_and_kata_has_every_level(root, tmp_path):
    machine = make_machine(
        tmp_path, {"dev/kvm": "", "opt/kata/bin/containerd-shim-kata-v2": "", "bin/x": ""}
    )

    assert prerequisites.inspect_hypervisor(BINARIES, machine).fine
    assert prerequisites.list_levels(BINARIES, root=machine) == tuple(Level)


def test_machine_without_engine_is_told_so_once_and_is_not_broken(root):
    (finding,) = prerequisites.inspect_machine(None)

    assert "silo-engine" in finding.said
    assert not finding.needed


def test_versions_of_the_engine_are_shown(root, tmp_path):
    findings = {one.name: one for one in prerequisites.inspect_machine(BINARIES, root=tmp_path)}

    assert findings["engine"].said == "containerd v2.4.2"


def test_levels_are_those_that_this_engine_starts(root, tmp_path):
    assert prerequisites.list_levels(BINARIES, root=tmp_path) == (Level.PROCESS, Level.SANDBOX)
    assert prerequisites.list_levels(None) == ()


def test_levels_of_roots_silo_are_told_to_everyone(monkeypatch, tmp_path):
    monkeypatch.setattr(daemon.os, "geteuid", lambda: 1000)
    levels = prerequisites.list_levels(BINARIES, 0, tmp_path)

    assert json.dumps(levels) == '["process", "sandbox"]'
