"""Images of one program and nothing else, as archives that containerd imports (OCI image layout).

The same program makes the same bytes, wherever and whenever it is packed.
"""

import hashlib
import io
import json
import platform
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
_PREFIX = "application/vnd.oci.image"
_NOBODY = "65535:65535"


def pack(program: Path, name: str, target: Path, *, arguments: Sequence[str] = ()) -> None:
    """Write the archive of an image with this name that runs the program as nobody."""
    layer = _tar({program.name: program.read_bytes()}, mode=0o755)
    config = {
        "architecture": _ARCHITECTURES.get(platform.machine(), platform.machine()),
        "os": "linux",
        "config": {"Entrypoint": [f"/{program.name}", *arguments], "User": _NOBODY},
        "rootfs": {"type": "layers", "diff_ids": [_digest(layer)]},
    }
    blobs = [layer, _encode(config)]
    manifest = {
        "schemaVersion": 2,
        "mediaType": f"{_PREFIX}.manifest.v1+json",
        "config": _describe(f"{_PREFIX}.config.v1+json", blobs[1]),
        "layers": [_describe(f"{_PREFIX}.layer.v1.tar", layer)],
    }
    blobs.append(_encode(manifest))
    entry = {
        **_describe(f"{_PREFIX}.manifest.v1+json", blobs[2]),
        "annotations": {"io.containerd.image.name": name},
    }
    files = {f"blobs/sha256/{_digest(blob).partition(':')[2]}": blob for blob in blobs}
    files["oci-layout"] = _encode({"imageLayoutVersion": "1.0.0"})
    files["index.json"] = _encode({"schemaVersion": 2, "manifests": [entry]})
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    part = target.with_suffix(".part")
    part.write_bytes(_tar(files, mode=0o644))
    part.replace(target)


def _tar(files: Mapping[str, bytes], *, mode: int) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(data), mode
            archive.addfile(entry, io.BytesIO(data))
    return buffer.getvalue()


def _describe(media_type: str, blob: bytes) -> dict[str, Any]:
    return {"mediaType": media_type, "digest": _digest(blob), "size": len(blob)}


def _digest(blob: bytes) -> str:
    return f"sha256:{hashlib.sha256(blob).hexdigest()}"


def _encode(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document, sort_keys=True).encode()
