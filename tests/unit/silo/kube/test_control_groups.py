import os
from pathlib import Path

import pytest

from silo import kube
from silo.kube import control_groups

SIZE = kube.Size(1.5, 2 << 30)
HIERARCHIES = ("cpu", "cpuset", "memory", "pids")


@pytest.fixture
def first(tmp_path):
    """Return the root of a machine with version 1."""
    for name in HIERARCHIES:
        (tmp_path / name).mkdir()
        (tmp_path / name / "cgroup.procs").touch()
    (tmp_path / "cpuset" / "cpuset.cpus").write_text("0-1\n")
    (tmp_path / "cpuset" / "cpuset.mems").write_text("0\n")
    (tmp_path / "cpuacct").symlink_to("cpu")
    return tmp_path


@pytest.fixture
def second(tmp_path):
    """Return the root of a machine with version 2."""
    (tmp_path / "cgroup.controllers").write_text("cpuset cpu io memory pids\n")
    (tmp_path / "cgroup.procs").touch()
    return tmp_path


def test_group_is_made_in_every_hierarchy_of_version_1(first):
    control_groups.make("/silo/i/c", first)

    assert (first / "cpuset/silo/i/c/cpuset.cpus").read_text() == "0-1\n"
    assert (first / "cpuset/silo/i/c/cpuset.mems").read_text() == "0\n"
    doors = control_groups.list_doors("/silo/i/c", first)
    assert doors == [first / name / "silo/i/c/cgroup.procs" for name in HIERARCHIES]


def test_version_2_hands_its_controllers_down(second):
    control_groups.make("/silo/c", second)

    handed = (second / "cgroup.subtree_control").read_text()
    assert handed == "+cpuset +cpu +io +memory +pids"
    assert control_groups.list_doors("/silo/c", second) == [second / "silo/c/cgroup.procs"]


def test_size_is_what_a_group_may_use_at_the_most(first):
    control_groups.make("/n", first)
    control_groups.limit("/n", SIZE, first)

    assert (first / "cpu/n/cpu.cfs_quota_us").read_text() == "150000"
    assert (first / "memory/n/memory.limit_in_bytes").read_text() == str(2 << 30)
    assert (first / "pids/n/pids.max").read_text() == "16384"


def test_size_in_version_2(second):
    control_groups.make("/n", second)
    control_groups.limit("/n", SIZE, second)

    assert (second / "n/cpu.max").read_text() == "150000 100000"
    assert (second / "n/memory.max").read_text() == str(2 << 30)
    assert (second / "n/pids.max").read_text() == "16384"


def test_machine_without_the_controller_bounds_no_processes(second):
    (second / "cgroup.controllers").write_text("cpu memory\n")
    control_groups.make("/n", second)
    control_groups.limit("/n", SIZE, second)

    assert not (second / "n/pids.max").exists()


def test_empty_groups_are_removed_and_others_stay(second):
    for name in ("a/b", "c"):
        (second / name).mkdir(parents=True)
    control_groups.kill("/a", second)
    control_groups.kill("/a", second)

    assert [each.name for each in second.iterdir() if each.is_dir()] == ["c"]


def test_group_that_is_handed_over_is_not_the_owners_to_widen(first, monkeypatch):
    control_groups.make("/n", first)
    control_groups.limit("/n", SIZE, first)
    (first / "pids/n/cgroup.procs").touch()
    given = []
    monkeypatch.setattr(os, "chown", lambda path, *_: given.append(path.relative_to(first)))

    control_groups.hand_over("/n", 7, first)

    assert Path("pids/n") in given
    assert Path("pids/n/cgroup.procs") in given
    assert {path.name for path in given} == {"n", "cgroup.procs"}


def test_groups_within_groups_go_however_deep(second):
    folder = second / "n"
    for _ in range(1500):
        folder.mkdir()
        folder /= "d"
    control_groups.kill("/n", second)

    assert not (second / "n").exists()
