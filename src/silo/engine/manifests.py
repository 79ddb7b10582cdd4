"""Manifests and configurations of images: read, checked, chosen; pure.

Source: OCI image-spec 1.1, manifest.md, image-index.md, config.md.
"""

import hashlib
import json
import platform
import re
from typing import Any

from .api import descriptor_pb2
from .containers import Image
from .errors import ImageInaccessible

LARGEST_BYTES = 15 * 1024**3
"""Compressed; Azure's limit for an image in a container group."""
MOST_LAYERS = 127
"""overlayfs takes 500 lower layers; builders stop at 127."""
_LAYER_KINDS = {
    f"application/vnd.{kind}"
    for kind in (
        "oci.image.layer.v1.tar",
        "oci.image.layer.v1.tar+gzip",
        "oci.image.layer.v1.tar+zstd",
        "docker.image.rootfs.diff.tar",
        "docker.image.rootfs.diff.tar.gzip",
        "docker.image.rootfs.diff.tar.zstd",
    )
}
INDEX_KINDS = {
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
}
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}")
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


def parse_document(reference: str, raw: bytes) -> dict[str, Any]:
    """Read a JSON object."""
    try:
        document = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise ImageInaccessible(reference, "the registry sent no JSON") from error
    if not isinstance(document, dict):
        raise ImageInaccessible(reference, "the registry sent no manifest")
    return document


def choose_manifest(reference: str, index: dict[str, Any]) -> str:
    """Return the digest of the manifest for this machine."""
    architecture = _ARCHITECTURES.get(platform.machine(), "")
    manifests = index.get("manifests")
    for entry in manifests if isinstance(manifests, list) else ():
        wanted = entry.get("platform") if isinstance(entry, dict) else None
        if not isinstance(wanted, dict):
            continue
        if wanted.get("os") == "linux" and wanted.get("architecture") == architecture:
            return _check_digest(reference, str(entry.get("digest", "")))
    raise ImageInaccessible(reference, f"there is no image for linux/{architecture}")


def read_layers(
    reference: str, manifest: dict[str, Any]
) -> tuple[list[descriptor_pb2.Descriptor], str]:
    """Return the layers, lowest first, and the digest of the configuration."""
    try:
        layers = [
            descriptor_pb2.Descriptor(
                media_type=layer["mediaType"], digest=layer["digest"], size=layer["size"]
            )
            for layer in manifest["layers"]
        ]
        config = str(manifest["config"]["digest"])
    except (KeyError, TypeError, ValueError) as error:
        raise ImageInaccessible(reference, "this is not the manifest of an image") from error
    for digest in (config, *(layer.digest for layer in layers)):
        _check_digest(reference, digest)
    foreign = {layer.media_type for layer in layers} - _LAYER_KINDS
    if foreign:
        raise ImageInaccessible(reference, f"layers of this kind cannot be run: {min(foreign)}")
    if not layers or len(layers) > MOST_LAYERS:
        raise ImageInaccessible(reference, f"an image has from 1 to {MOST_LAYERS} layers")
    if sum(layer.size for layer in layers) > LARGEST_BYTES or min(x.size for x in layers) < 0:
        raise ImageInaccessible(reference, "the image is larger than 15 GB")
    return layers, config


def _check_digest(reference: str, digest: str) -> str:
    # It becomes part of an address and of a file's name.
    if not _DIGEST.fullmatch(digest):
        raise ImageInaccessible(reference, "this is not the manifest of an image")
    return digest


def read_config(reference: str, raw: bytes, layers: int) -> dict[str, Any]:
    """Return the configuration, if it is for this machine and fits the layers."""
    config = parse_document(reference, raw)
    try:
        diff_ids = config["rootfs"]["diff_ids"]
        system, architecture = config.get("os"), config.get("architecture")
        good = len(diff_ids) == layers and all(isinstance(item, str) for item in diff_ids)
    except (KeyError, TypeError) as error:
        raise ImageInaccessible(reference, "the image's configuration is damaged") from error
    if not good or not isinstance(config.get("config") or {}, dict):
        raise ImageInaccessible(reference, "the image's configuration is damaged")
    here = _ARCHITECTURES.get(platform.machine(), "")
    if (system, architecture) != ("linux", here):
        raise ImageInaccessible(
            reference, f"the image is for {system}/{architecture}, this machine is linux/{here}"
        )
    return config


def chain_ids(diff_ids: list[str]) -> list[str]:
    """Return the names of the stacks of layers (image-spec, config.md §Layer ChainID)."""
    chains: list[str] = []
    for diff_id in diff_ids:
        chains.append(
            f"sha256:{hashlib.sha256(f'{chains[-1]} {diff_id}'.encode()).hexdigest()}"
            if chains
            else diff_id
        )
    return chains


def describe_image(
    reference: str, digest: str, chain: str, config: dict[str, Any], files: tuple[str, str]
) -> Image:
    """Return what of an image a container needs to know."""
    settings: dict[str, Any] = config.get("config") or {}

    def words(name: str) -> tuple[str, ...]:
        found = settings.get(name)
        return tuple(map(str, found)) if isinstance(found, list) else ()

    env = (line.partition("=") for line in words("Env"))
    return Image(
        reference=reference,
        digest=digest,
        chain=chain,
        entrypoint=words("Entrypoint"),
        cmd=words("Cmd"),
        env=tuple((name, value) for name, _, value in env if name),
        user=str(settings.get("User") or ""),
        workdir=str(settings.get("WorkingDir") or "/"),
        passwd=files[0],
        groups=files[1],
    )
