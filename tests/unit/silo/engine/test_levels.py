"""Which program keeps a container, and that a weaker one is never taken."""

from dataclasses import replace
from pathlib import Path

import pytest

from silo import engine
from silo.engine import levels
from silo.engine.api import runtimeoptions_pb2
from silo.engine.binaries import Binaries

BINARIES = Binaries(*[Path(__file__)] * 7, versions={})


@pytest.fixture
def paths(tmp_path: Path) -> engine.Paths:
    run = tmp_path / "run"
    run.mkdir()
    return engine.Paths(tmp_path / "state", run)


def test_a_virtual_machine_is_katas_with_the_configuration_it_came_with(
    paths: engine.Paths, tmp_path: Path
) -> None:
    for place in ("dev/kvm", "usr/local/bin/containerd-shim-kata-v2"):
        (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / place).touch()

    name, options = levels.describe_runtime(engine.Level.HYPERVISOR, BINARIES, paths, tmp_path)

    # containerd makes ``containerd-shim-kata-v2`` of the one; Kata knows the other's type.
    assert name == "io.containerd.kata.v2"
    assert options.type_url == "runtimeoptions.v1.Options"
    assert runtimeoptions_pb2.Options.FromString(options.value).config_path == ""


@pytest.mark.parametrize("there", ["dev/kvm", "opt/kata/bin/containerd-shim-kata-v2", ""])
def test_half_of_what_a_virtual_machine_needs_is_none(
    paths: engine.Paths, tmp_path: Path, there: str
) -> None:
    (tmp_path / there).mkdir(parents=True, exist_ok=True)

    with pytest.raises(engine.EngineUnavailable, match="'hypervisor' is not available"):
        levels.describe_runtime(engine.Level.HYPERVISOR, BINARIES, paths, tmp_path)


def test_no_level_stands_in_for_another(paths: engine.Paths, tmp_path: Path) -> None:
    lacking = replace(BINARIES, runsc=tmp_path / "none")

    assert levels.find_lack(engine.Level.PROCESS, lacking) == ""
    with pytest.raises(engine.EngineUnavailable, match="no gVisor"):
        levels.describe_runtime(engine.Level.SANDBOX, lacking, paths)
