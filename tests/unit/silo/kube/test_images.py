import json
import tarfile

from silo.kube import images


def test_same_program_makes_the_same_image(tmp_path):
    program = tmp_path / "pause"
    program.write_bytes(b"\x7fELF")
    for name in ("one", "two"):
        images.pack(program, "localhost/x:1", tmp_path / f"{name}.tar")

    assert (tmp_path / "one.tar").read_bytes() == (tmp_path / "two.tar").read_bytes()


def test_image_holds_the_program_and_runs_it_as_nobody(tmp_path):
    program = tmp_path / "pause"
    program.write_bytes(b"\x7fELF")
    images.pack(program, "localhost/x:1", tmp_path / "made.tar")

    with tarfile.open(tmp_path / "made.tar") as archive:

        def read(digest):
            member = archive.extractfile(f"blobs/sha256/{digest.removeprefix('sha256:')}")
            assert member is not None
            return member

        index = archive.extractfile("index.json")
        assert index is not None
        (entry,) = json.load(index)["manifests"]
        assert entry["annotations"] == {"io.containerd.image.name": "localhost/x:1"}
        manifest = json.load(read(entry["digest"]))
        config = json.load(read(manifest["config"]["digest"]))
        with tarfile.open(fileobj=read(manifest["layers"][0]["digest"])) as layer:
            assert layer.getnames() == ["pause"]
            assert layer.getmember("pause").mode == 0o755

    assert config["config"] == {"Entrypoint": ["/pause"], "User": "65535:65535"}
    assert config["rootfs"]["diff_ids"] == [manifest["layers"][0]["digest"]]
