"""Images made to do harm: their layers reach no file but the container's own."""

import json
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


@pytest.mark.parametrize("user", ["guest", "0", "1000:1000"])
def test_a_set_user_id_file_gives_nothing(containers, level, user, tmp_path):
    entries = images.probe_entries()
    probe = next(entry for entry in entries if entry.name == "bin/probe")
    entries.append(images.Entry("bin/raised", probe.content, 0o6755))
    layout = images.make_layered(
        tmp_path / "image", f"{level}-{user.replace(':', '-')}", [images.pack(entries)],
        {"User": user, "Entrypoint": ["/bin/raised", "facts"]},
    )  # fmt: skip
    reference = containers.push(layout, "hostile/raised")

    said = containers.run(
        f"raised-{user.replace(':', '-')}-{level}",
        ["/bin/raised", "facts"],
        level=level,
        container={"image": reference},
    )

    facts = json.loads(said)
    expected = "0" if user == "0" else "1000"
    assert facts["status"]["Uid"].split() == [expected] * 4
    assert facts["status"]["NoNewPrivs"] == "1"
    if user != "0":
        assert int(facts["status"]["CapEff"], 16) == 0


def test_an_endless_file_is_not_stored_endlessly(containers, level, tmp_path):
    """Zeros pack well; what unpacks to more than a group may hold ends in a refusal."""
    command = ["/bin/sh", "-c", "/bin/busybox dd if=/dev/zero of=/dev/shm/x bs=1M count=2048; echo"]

    said = containers.run(f"zeros-{level}", command, level=level)

    assert "2048+0 records out" not in said
