"""What both registries hold: one small image, one large blob, ten thousand repositories."""

import hashlib
import http.client
import json
import multiprocessing
import os
import shutil
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from .caller import Caller, open_socket
from .clients import MANIFEST_TYPE
from .target import Target

CONFIG = b"{}"
CONFIG_TYPE = "application/vnd.oci.image.config.v1+json"
LAYER_TYPE = "application/vnd.oci.image.layer.v1.tar"
LAYERS, LAYER_BYTES = 5, 1024
REPOSITORIES_A_TOKEN = 40
"""So many scopes make a token of about 6 KiB, which every header limit takes."""
LOADERS = 4


def digest_of(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def make_manifest(layers: Iterable[bytes]) -> bytes:
    """Return an image manifest of these layers."""
    document = {
        "schemaVersion": 2,
        "mediaType": MANIFEST_TYPE,
        "config": _describe(CONFIG_TYPE, CONFIG),
        "layers": [_describe(LAYER_TYPE, layer) for layer in layers],
    }
    return json.dumps(document).encode()


def _describe(media_type: str, data: bytes) -> dict[str, Any]:
    return {"mediaType": media_type, "digest": digest_of(data), "size": len(data)}


def push_image(
    target: Target, repository: str, tag: str, layers: Iterable[bytes], token: str = ""
) -> str:
    """Push an image of these layers; return its digest."""
    token = token or target.sign_in(repository, "pull,push")
    layers = tuple(layers)
    caller = Caller(target.port, target.bundle)
    try:
        for blob in (CONFIG, *layers):
            push_blob(caller, target, repository, blob, token)
        manifest = make_manifest(layers)
        url = f"{target.scheme}://{target.host}/v2/{repository}/manifests/{tag}"
        headers = {"Content-Type": MANIFEST_TYPE}
        caller.call("PUT", url, body=manifest, headers=headers, token=token).expect(201)
    finally:
        caller.close()
    return digest_of(manifest)


def push_blob(caller: Caller, target: Target, repository: str, data: bytes, token: str) -> None:
    """Push one blob in two requests."""
    base = f"{target.scheme}://{target.host}"
    opened = caller.call("POST", f"{base}/v2/{repository}/blobs/uploads/", body=b"", token=token)
    place = urlsplit(opened.expect(202).headers["location"])
    query = f"{place.query}&" if place.query else ""
    url = f"{base}{place.path}?{query}digest={digest_of(data)}"
    headers = {"Content-Type": "application/octet-stream"}
    caller.call("PUT", url, body=data, headers=headers, token=token).expect(201)


def make_large_file(path: Path, size: int) -> str:
    """Write ``size`` bytes that do not repeat; return their digest."""
    sha256 = hashlib.sha256()
    with path.open("wb") as file:
        for _ in range(size // 2**24):
            part = os.urandom(2**24)
            sha256.update(part)
            file.write(part)
    return f"sha256:{sha256.hexdigest()}"


def push_file(target: Target, repository: str, path: Path, digest: str) -> None:
    """Push a large file in one PUT, streamed."""
    token = target.sign_in(repository, "pull,push")
    caller = Caller(target.port, target.bundle)
    base = f"{target.scheme}://{target.host}"
    opened = caller.call("POST", f"{base}/v2/{repository}/blobs/uploads/", body=b"", token=token)
    caller.close()
    place = urlsplit(opened.expect(202).headers["location"])
    query = f"{place.query}&" if place.query else ""
    connection = http.client.HTTPConnection("127.0.0.1", target.port, timeout=300)
    connection.sock = open_socket(target.port, target.host, target.bundle, 300)
    headers = {
        "Host": target.host,
        "Authorization": f"Bearer {token}",
        "Content-Type": "application/octet-stream",
        "Content-Length": str(path.stat().st_size),
    }
    with path.open("rb") as file:
        connection.request("PUT", f"{place.path}?{query}digest={digest}", file, headers)
        answer = connection.getresponse()
    if answer.status != 201:
        raise AssertionError(f"{answer.status}: {answer.read()[:500]!r}")
    connection.close()


def create_repositories(target: Target, names: Iterable[str]) -> None:
    """Push an image into each of many repositories, from several processes."""
    groups = list(_group(names, REPOSITORIES_A_TOKEN))
    context = multiprocessing.get_context("fork")
    shares = [groups[number::LOADERS] for number in range(LOADERS)]
    loaders = [context.Process(target=_create_share, args=(target, share)) for share in shares]
    for loader in loaders:
        loader.start()
    for loader in loaders:
        loader.join()
        if loader.exitcode:
            raise AssertionError(f"{target.name}: not all repositories could be made")


def _group(names: Iterable[str], size: int) -> Iterator[tuple[str, ...]]:
    rest = iter(names)
    while group := tuple(islice(rest, size)):
        yield group


def _create_share(target: Target, groups: list[tuple[str, ...]]) -> None:
    caller = Caller(target.port, target.bundle)
    manifest = make_manifest(())
    for group in groups:
        token = target.sign_in(" ".join(group), "pull,push")
        for name in group:
            push_blob(caller, target, name, CONFIG, token)
            url = f"{target.scheme}://{target.host}/v2/{name}/manifests/v1"
            headers = {"Content-Type": MANIFEST_TYPE}
            caller.call("PUT", url, body=manifest, headers=headers, token=token).expect(201)


def copy_repositories(storage: Path, source: str, names: Iterable[str]) -> None:
    """Give docker-registry many repositories: on its disk a repository is a folder."""
    root = storage / "docker" / "registry" / "v2" / "repositories"
    for name in names:
        shutil.copytree(root / source, root / name)
