"""Small images made here, without the internet: static programs in an OCI layout."""

import gzip
import hashlib
import io
import json
import shutil
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .strangers import find_command, probe_path

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


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a layer: a file, or what else a layer may hold."""

    name: str
    content: bytes = b""
    mode: int = 0o755
    kind: bytes = tarfile.REGTYPE
    link: str = ""
    owner: int = 0
    device: tuple[int, int] = (0, 0)


def make_image(
    folder: Path, tag: str, *, words: str = "hello from silo", architectures: tuple[str, ...] = ()
) -> Layout:
    """Make an image that says some words; with architectures, an index over one image each."""
    _start(folder)
    layers = [pack([Entry("bin/busybox", busybox().read_bytes())])]
    config = {"Entrypoint": ["/bin/busybox", "echo", words]}
    images = [_image(folder, layers, config, name) for name in architectures or ("amd64",)]
    top = images[0]
    if architectures:
        top = _blob(folder, INDEX, {"schemaVersion": 2, "mediaType": INDEX, "manifests": images})
    return _finish(folder, tag, top)


def make_layered(folder: Path, tag: str, layers: list[bytes], config: dict[str, Any]) -> Layout:
    """Make an image of layers that are given as they are, and of its ``config``."""
    _start(folder)
    return _finish(folder, tag, _image(folder, layers, config, "amd64"))


def make_probe(folder: Path, tag: str, **config: Any) -> Layout:
    """Make the image whose containers the tests look out of: the probe, and a shell."""
    config = {"Entrypoint": ["/bin/probe"], "Cmd": ["sleep"], "Env": ["PATH=/bin"], **config}
    return make_layered(folder, tag, [pack(probe_entries())], config)


def probe_entries() -> list[Entry]:
    """Return what is in the probe's image."""
    applets = ("sh", "ls", "cat", "id", "stty", "wget", "httpd", "ln", "mount")
    return [
        Entry("bin", kind=tarfile.DIRTYPE),
        Entry("bin/probe", probe_path().read_bytes()),
        Entry("bin/busybox", busybox().read_bytes()),
        *(Entry(f"bin/{name}", kind=tarfile.SYMTYPE, link="busybox") for name in applets),
        Entry("tmp", mode=0o1777, kind=tarfile.DIRTYPE),
        Entry("etc", kind=tarfile.DIRTYPE),
        Entry("etc/passwd", b"root:x:0:0:root:/:/bin/sh\nguest:x:1000:1000::/:/bin/sh\n", 0o644),
    ]


def pack(entries: list[Entry]) -> bytes:
    """Make a layer of entries, whatever they are."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for entry in entries:
            item = tarfile.TarInfo(entry.name)
            item.size, item.mode, item.type = len(entry.content), entry.mode, entry.kind
            item.linkname, item.uid, item.gid = entry.link, entry.owner, entry.owner
            item.devmajor, item.devminor = entry.device
            tar.addfile(item, io.BytesIO(entry.content))
    return buffer.getvalue()


def make_build_context(folder: Path, words: str) -> Path:
    """Make a folder that ``docker build`` makes the same image of."""
    return _make_context(folder, ["/bin/busybox", "echo", words])


def make_web_context(folder: Path, page: str) -> Path:
    """Make a folder that ``docker build`` makes a web server with one page of."""
    serve = ["/bin/busybox", "httpd", "-f", "-p", "80", "-h", "/www"]
    made = _make_context(folder, serve, "COPY index.html /www/\nENV PATH=/bin\n")
    (made / "index.html").write_text(f"{page}\n")
    return made


def _make_context(folder: Path, entry: list[str], more: str = "") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(busybox(), folder / "busybox")
    (folder / "busybox").chmod(0o755)
    (folder / "Dockerfile").write_text(
        f"FROM scratch\nCOPY busybox /bin/busybox\n{more}ENTRYPOINT {json.dumps(entry)}\n"
    )
    return folder


def _start(folder: Path) -> None:
    (folder / "blobs" / "sha256").mkdir(parents=True)
    (folder / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')


def _finish(folder: Path, tag: str, top: dict[str, Any]) -> Layout:
    named = {**top, "annotations": {"org.opencontainers.image.ref.name": tag}}
    index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": [named]}
    (folder / "index.json").write_text(json.dumps(index))
    return Layout(folder, tag, str(top["digest"]))


def _image(
    folder: Path, layers: list[bytes], config: dict[str, Any], architecture: str
) -> dict[str, Any]:
    document = {
        "architecture": architecture,
        "os": "linux",
        "config": config,
        "rootfs": {"type": "layers", "diff_ids": [_digest(layer) for layer in layers]},
    }
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": _blob(folder, CONFIG, document),
        "layers": [_store(folder, LAYER, gzip.compress(layer, mtime=0)) for layer in layers],
    }
    platform = {"architecture": architecture, "os": "linux"}
    return {**_blob(folder, MANIFEST, manifest), "platform": platform}


def _blob(folder: Path, media_type: str, document: dict[str, Any]) -> dict[str, Any]:
    return _store(folder, media_type, json.dumps(document, indent=1).encode())


def _store(folder: Path, media_type: str, content: bytes) -> dict[str, Any]:
    digest = _digest(content)
    (folder / "blobs" / "sha256" / digest.removeprefix("sha256:")).write_bytes(content)
    return {"mediaType": media_type, "digest": digest, "size": len(content)}


def _digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"
