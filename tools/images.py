"""Small images made here, without the internet: Debian's static busybox in an OCI layout."""

import gzip
import hashlib
import io
import json
import shutil
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .strangers import find_command

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"


@dataclass(frozen=True, slots=True)
class Layout:
    """An OCI layout folder with one name in it, as skopeo and oras read it."""

    folder: Path
    tag: str
    digest: str

    @property
    def reference(self) -> str:
        """What skopeo calls it."""
        return f"oci:{self.folder}:{self.tag}"


def busybox() -> Path:
    """Return the static busybox of this machine."""
    found = find_command("busybox")
    if found is None:
        raise FileNotFoundError("busybox-static is not installed")
    return Path(found).resolve()


def make_image(
    folder: Path, tag: str, *, words: str = "hello from silo", architectures: tuple[str, ...] = ()
) -> Layout:
    """Make an image that says some words; with architectures, an index over one image each."""
    (folder / "blobs" / "sha256").mkdir(parents=True)
    (folder / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    images = [_image(folder, words, name) for name in architectures or ("amd64",)]
    top = images[0]
    if architectures:
        top = _blob(folder, INDEX, {"schemaVersion": 2, "mediaType": INDEX, "manifests": images})
    named = {**top, "annotations": {"org.opencontainers.image.ref.name": tag}}
    index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": [named]}
    (folder / "index.json").write_text(json.dumps(index))
    return Layout(folder, tag, str(top["digest"]))


def make_build_context(folder: Path, words: str) -> Path:
    """Make a folder that ``docker build`` makes the same image of."""
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(busybox(), folder / "busybox")
    (folder / "busybox").chmod(0o755)
    entry = json.dumps(["/bin/busybox", "echo", words])
    (folder / "Dockerfile").write_text(
        f"FROM scratch\nCOPY busybox /bin/busybox\nENTRYPOINT {entry}\n"
    )
    return folder


def _image(folder: Path, words: str, architecture: str) -> dict[str, Any]:
    plain = _layer_tar()
    layer = _store(folder, LAYER, gzip.compress(plain, mtime=0))
    config = {
        "architecture": architecture,
        "os": "linux",
        "config": {"Entrypoint": ["/bin/busybox", "echo", words]},
        "rootfs": {"type": "layers", "diff_ids": [_digest(plain)]},
    }
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": _blob(folder, CONFIG, config),
        "layers": [layer],
    }
    platform = {"architecture": architecture, "os": "linux"}
    return {**_blob(folder, MANIFEST, manifest), "platform": platform}


def _layer_tar() -> bytes:
    content = busybox().read_bytes()
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        entry = tarfile.TarInfo("bin/busybox")
        entry.size, entry.mode = len(content), 0o755
        tar.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def _blob(folder: Path, media_type: str, document: dict[str, Any]) -> dict[str, Any]:
    return _store(folder, media_type, json.dumps(document, indent=1).encode())


def _store(folder: Path, media_type: str, content: bytes) -> dict[str, Any]:
    digest = _digest(content)
    (folder / "blobs" / "sha256" / digest.removeprefix("sha256:")).write_bytes(content)
    return {"mediaType": media_type, "digest": digest, "size": len(content)}


def _digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"
