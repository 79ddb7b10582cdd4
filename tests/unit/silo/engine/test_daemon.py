import stat
import tomllib
from pathlib import Path

import pytest

from silo import core
from silo.engine import daemon
from silo.engine.binaries import Binaries
from silo.engine.paths import Paths

BINARIES = Binaries(
    *(Path("/engine/bin") / name for name in ("containerd", "shim", "runc")),
    runsc=Path("/engine/bin/runsc"),
    runsc_shim=Path("/engine/bin/containerd-shim-runsc-v1"),
    logger=Path("/engine/bin/silo-logger"),
    init=Path("/engine/bin/silo-init"),
    versions={},
)


def make_paths(folder: Path) -> Paths:
    return Paths(folder / 'state "of one"' / "engine", folder / "run")


def test_configuration_keeps_all_inside_the_instances_folders(tmp_path):
    paths = make_paths(tmp_path)

    config = tomllib.loads(daemon.render_config(paths))

    assert config["version"] == 3
    assert config["root"] == str(paths.containerd)
    assert config["grpc"]["address"] == str(paths.socket)
    places = (config["root"], config["state"], config["ttrpc"]["address"])
    assert all(place.startswith(str(tmp_path)) for place in places)


def test_configuration_leaves_kubernetes_interface_out(tmp_path):
    disabled = tomllib.loads(daemon.render_config(make_paths(tmp_path)))["disabled_plugins"]

    assert {"io.containerd.cri.v1.runtime", "io.containerd.grpc.v1.cri"} <= set(disabled)


def test_folders_are_private_to_their_owner(tmp_path):
    paths = make_paths(tmp_path)
    paths.run.mkdir(mode=0o755)

    daemon.prepare(paths)

    folders = (paths.run, paths.state, paths.containerd)
    modes = [stat.S_IMODE(folder.stat().st_mode) for folder in folders]
    assert sorted(modes) == [0o700, 0o700, 0o711]
    assert stat.S_IMODE(paths.config.stat().st_mode) == 0o600


def test_each_instance_has_a_run_folder_of_its_own(tmp_path):
    one, other = (Paths.of_instance(tmp_path, name) for name in ("one", "other"))

    assert one.socket == Path("/run/silo/one/containerd.sock")
    assert one.run != other.run


def test_user_without_root_is_told_what_is_missing(monkeypatch):
    monkeypatch.setattr(daemon.os, "geteuid", lambda: 1000)

    assert "root" in (daemon.find_obstacle(BINARIES) or "")


def test_root_without_the_package_is_told_its_name(monkeypatch):
    monkeypatch.setattr(daemon.os, "geteuid", lambda: 0)

    assert "silo-engine" in (daemon.find_obstacle(None) or "")
    assert daemon.find_obstacle(BINARIES) is None


async def test_waiting_for_a_containerd_that_never_comes_ends(tmp_path):
    class Hasty(core.SystemClock):
        calls = 0.0

        def monotonic(self):
            self.calls += 20
            return self.calls

    with pytest.raises(daemon.EngineUnavailable, match="does not answer"):
        await daemon.wait_until_ready(make_paths(tmp_path), Hasty())
