"""Bounds of what an image may become, and what is told of a layer that is none."""

from pathlib import Path
from types import SimpleNamespace

import pytest
from tests.unit.silo.deep_folders import nest

from silo import core
from silo.engine import unpack
from silo.engine.api import mount_pb2

GIB = 1 << 30


@pytest.mark.parametrize(
    ("here", "unpacked", "room"),
    [(1 << 20, 0, GIB), (1 << 20, GIB - 1, 1), (GIB, GIB, 99 * GIB)],
)
def test_an_image_unpacks_to_a_gigabyte_or_to_a_hundred_times(
    here: int, unpacked: int, room: int
) -> None:
    pull = unpack.Pull(None, "a", "lease", lambda _progress: None)  # type: ignore[arg-type]
    pull.total = 1 << 40  # says whoever wrote the manifest
    pull.unpacked = unpacked
    pull.add(here)
    pull.skip(1 << 40)

    assert pull.room == room


@pytest.mark.parametrize(
    ("options", "folder"),
    [(["workdir=/s/2/work", "upperdir=/s/2/fs", "lowerdir=/s/1/fs"], "/s/2/fs"), (["rw"], "/s/1")],
)
def test_what_is_measured_is_what_is_written(options: list[str], folder: str) -> None:
    mount = mount_pb2.Mount(type="overlay", source="/s/1", options=options)

    assert str(unpack.find_upper(mount)) == folder


def test_a_layer_is_measured_however_deep_it_is(tmp_path: Path) -> None:
    nest(tmp_path / "deep")
    (tmp_path / "file").write_bytes(bytes(8192))
    try:
        assert unpack.measure(tmp_path) >= 8192
    finally:
        core.remove_tree(tmp_path / "deep")


@pytest.mark.parametrize(
    ("details", "told"),
    [
        ("failed to extract layer: /srv/state/mount1: unexpected EOF", ": unexpected EOF"),
        ("mount /srv/state/containerd/tmpmounts/x", ""),
        ("rename: /srv/a: open /srv/b", ""),
        (None, ""),
    ],
)
def test_folders_of_the_machine_are_not_told(details: str | None, told: str) -> None:
    error = SimpleNamespace(details=lambda: details)

    assert unpack._tell(error, "sha256:0") == told  # type: ignore[arg-type]
