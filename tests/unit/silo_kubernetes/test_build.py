import re

import pytest
import silo_kubernetes
from silo_engine import modules
from silo_kubernetes import build


@pytest.mark.parametrize("version", build.KITS)
def test_the_program_says_the_version_that_its_module_pins(version):
    kit = build.KITS[version]
    (part,) = (name for name, programs in kit.parts.items() if programs[0].name == "kubernetes")
    pinned = (kit.sources / part / "go.mod").read_text()

    assert f"\tk8s.io/kubernetes v{version}\n" in pinned
    assert f"component-base/version.gitVersion=v{version}" in kit.parts[part][0].linker
    assert f"\tgo.etcd.io/etcd/server/v3 {kit.versions['etcd']}\n" in pinned


@pytest.mark.parametrize("version", build.KITS)
def test_staging_modules_are_of_the_same_version(version):
    minor = version.removeprefix("1.")
    (part,) = (
        name for name, made in build.KITS[version].parts.items() if "kubernetes" in made[0].name
    )
    text = (build.KITS[version].sources / part / "go.mod").read_text()
    replaced = re.findall(r"^\t(k8s.io/\S+) => \1 v0\.(\S+)$", text, re.MULTILINE)

    assert len(replaced) > 30
    assert {number for _, number in replaced} == {minor}


def test_version_of_coredns_is_that_of_its_module():
    kit = build.KITS[build.DEFAULT]
    coredns = (kit.sources / "coredns" / "go.mod").read_text()

    assert f"coredns/coredns {kit.versions['coredns']}\n" in coredns


def test_nothing_is_found_where_nothing_is_built(monkeypatch, tmp_path):
    monkeypatch.setattr(modules, "CACHE", tmp_path)

    assert silo_kubernetes.find_folders() == {}


def test_what_is_built_is_found_by_its_version(monkeypatch, tmp_path):
    monkeypatch.setattr(modules, "CACHE", tmp_path)
    folder = build.KITS[build.DEFAULT].folder
    folder.mkdir()
    (folder / ".complete").touch()

    assert silo_kubernetes.find_folders() == {build.DEFAULT: folder}
