"""What an API server, which has a view of files of its own, sees of the machine's mounts."""

import os
import subprocess
from pathlib import Path

import pytest

from silo import engine, kube
from silo.kube import control_plane

if os.geteuid() != 0:
    pytest.skip("mounts need root", allow_module_level=True)

SIZE = 16 << 20


def test_it_holds_no_share_that_is_to_be_unmounted(tmp_path: Path) -> None:
    paths = kube.ClusterPaths.of_cluster(tmp_path, tmp_path / "run", "c")
    paths.config.mkdir(parents=True)
    (paths.config / "resolv.conf").write_text("nameserver 192.0.2.1\n")
    image, place = tmp_path / "image", tmp_path / "a share"
    place.mkdir()
    kernel = engine.KernelMounts()
    kernel.mount_bounded(image, place, SIZE)
    try:
        words = (*control_plane._see_names(paths), "cat", "/proc/self/mounts", "/etc/resolv.conf")
        seen = subprocess.run(words, capture_output=True, text=True, check=True, timeout=60).stdout
        assert kernel.is_mount(place)
    finally:
        kernel.unmount(place)

    assert "192.0.2.1" in seen
    assert "share" not in seen
