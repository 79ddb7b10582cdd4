"""Images made to do harm: their layers reach no file but the container's own."""

import tarfile
import uuid
from pathlib import Path

import pytest
from tests.system.containers import Refused
from tools import images

WORDS = b"planted by a layer"


@pytest.fixture
def target():
    """Name a file of the machine that a layer tries to write to or to read."""
    path = Path(f"/tmp/silo-target-{uuid.uuid4()}")
    path.write_text("untouched")
    yield path
    path.unlink()


def layers_of(kind, path):
    inside = str(path).lstrip("/")
    up = "../" * 24
    link = images.Entry("out", kind=tarfile.SYMTYPE, link="/")
    climbing = images.Entry("out", kind=tarfile.SYMTYPE, link=up)
    device = {"mode": 0o666, "device": (1, 11)}
    return {
        "absolute": [[images.Entry(str(path), WORDS)]],
        "dots": [[images.Entry(f"{up}{inside}", WORDS)]],
        "dots in the middle": [[images.Entry(f"tmp/{up}{inside}", WORDS)]],
        "through a link": [[link, images.Entry(f"out/{inside}", WORDS)]],
        "through a link that climbs": [[climbing, images.Entry(f"out/{inside}", WORDS)]],
        "through a link of another layer": [[climbing], [images.Entry(f"out/{inside}", WORDS)]],
        "hard link": [[images.Entry("found", kind=tarfile.LNKTYPE, link=str(path))]],
        "hard link that climbs": [[images.Entry("found", kind=tarfile.LNKTYPE, link=up + inside)]],
        "hard link through a link": [
            [climbing, images.Entry("found", kind=tarfile.LNKTYPE, link=f"out/{inside}")]
        ],
        "removal": [[images.Entry(f"{up}{path.parent}/.wh.{path.name}".lstrip("/"))]],
        "removal through a link": [
            [climbing], [images.Entry(f"out{path.parent}/.wh.{path.name}")]
        ],
        "device": [[images.Entry("dev/kmsg", kind=tarfile.CHRTYPE, **device),
                    images.Entry("kmsg", kind=tarfile.CHRTYPE, **device)]],
    }[kind]  # fmt: skip


KINDS = (
    *("absolute", "dots", "dots in the middle", "through a link", "through a link that climbs"),
    *("through a link of another layer", "hard link", "hard link that climbs"),
    *("hard link through a link", "removal", "removal through a link", "device"),
)


@pytest.mark.parametrize("kind", KINDS)
def test_a_layer_reaches_nothing_of_the_machine(containers, kind, target, tmp_path):
    level = "process"  # layers are unpacked in the same way for each
    layers = [
        images.pack(images.probe_entries()),
        *(images.pack(entries) for entries in layers_of(kind, target)),
    ]
    config = {"Entrypoint": ["/bin/sh", "-c", "cat /found; cat /kmsg; echo looked"]}
    layout = images.make_layered(tmp_path / "image", level, layers, config)
    reference = containers.push(layout, f"hostile/{kind.replace(' ', '-')}")
    name = f"hostile-{KINDS.index(kind)}-{level}"
    command = ["/bin/sh", "-c", "cat /found; cat /kmsg; echo looked"]

    try:
        said = containers.run(name, command, level=level, container={"image": reference})
    except Refused as refusal:
        said = f"refused: {refusal}"
        containers.delete(name)

    assert target.read_text() == "untouched"
    assert "untouched" not in said
    assert "InternalServerError" not in said
    assert "refused" in said or "looked" in said
