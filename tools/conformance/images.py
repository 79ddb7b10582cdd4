"""The images that upstream's tests ask for, made here, under the names that they are asked for by.

They hold upstream's programs, built from its modules, or Debian's where upstream takes another
distribution's: what a spec looks at is the cluster, not them.
"""

import hashlib
import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tools.foreign_issuer import make_certificate
from tools.images import CONFIG, INDEX, MANIFEST, Entry, pack

from . import system

_LAYER = "application/vnd.oci.image.layer.v1.tar"
_PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_NOBODY = "65535:65535"
E2E = "e2e-test-images"
_ETCD = b'#!/bin/sh\nexec /usr/local/bin/kubernetes etcd "$@"\n'
_SHELL = b"""#!/bin/bash
# Debian's busybox drops variables with dots in their names, upstream's does not: bash keeps them.
while IFS= read -r -d '' each; do
  [[ ${each%%=*} =~ ^[A-Za-z_][A-Za-z0-9_]*$ ]] || exec -a /bin/sh /bin/bash "$@"
done </proc/self/environ
exec -a /bin/sh /bin/busybox "$@"
"""
_STANDS_IN = b'NAME="Debian, in place of Alpine Linux"\n'
_PASSWD = b"root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n"


@dataclass(frozen=True, slots=True)
class Recipe:
    """One image: its names, what it is made of, and how it is run."""

    names: tuple[str, ...]
    layers: tuple[str, ...]
    config: Mapping[str, Any] = field(default_factory=dict)


RECIPES = (
    Recipe(
        (f"{E2E}/agnhost:2.63.0", f"{E2E}/agnhost:2.55"),
        ("system", "agnhost"),
        {"Entrypoint": ["/agnhost"], "Cmd": ["pause"]},
    ),
    Recipe((f"{E2E}/nonroot:1.5",), ("system", "agnhost"), {"User": "1234"}),
    Recipe(
        (f"{E2E}/nautilus:1.8",),
        ("system", "agnhost", "nautilus"),
        {"Entrypoint": ["/agnhost"], "Cmd": ["test-webserver"]},
    ),
    Recipe(
        (f"{E2E}/kitten:1.8",),
        ("system", "agnhost", "kitten"),
        {"Entrypoint": ["/agnhost"], "Cmd": ["test-webserver"]},
    ),
    Recipe(
        (f"{E2E}/nginx:1.15-4", f"{E2E}/nginx:1.27-0"),
        ("system",),
        {"Cmd": ["nginx", "-g", "daemon off;"]},
    ),
    Recipe((f"{E2E}/glibc-dns-testing:2.0.0",), ("system",), {"Cmd": ["sleep", "infinity"]}),
    Recipe((f"{E2E}/busybox:1.37.0-1",), ("busybox",), {"Cmd": ["sh"]}),
    Recipe((f"{E2E}/nonewprivs:1.4",), ("system", "nonewprivs"), {"Cmd": ["nnp"]}),
    Recipe(
        (f"{E2E}/sample-apiserver:1.29.2",),
        ("sample-apiserver",),
        {"Entrypoint": ["/sample-apiserver"]},
    ),
    Recipe(("etcd:3.6.8-0",), ("system", "etcd")),
    Recipe(("pause:3.10.2",), ("pause",), {"Entrypoint": ["/pause"], "User": _NOBODY}),
)


def make(folder: Path, judges: Path, kubernetes: Path) -> dict[str, str]:
    """Make an OCI layout of all images; return the tag in there by the name of each image."""
    (folder / "blobs" / "sha256").mkdir(parents=True)
    (folder / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    layers = {
        name: _store(folder, _LAYER, content)
        for name, content in _make_layers(folder, judges, kubernetes).items()
    }
    tags = {name: f"i{number}" for number, name in enumerate(_list_names())}
    manifests = []
    for recipe in RECIPES:
        image = _make_image(folder, [layers[name] for name in recipe.layers], recipe.config)
        for name in recipe.names:
            note = {"org.opencontainers.image.ref.name": tags[name]}
            manifests.append({**image, "annotations": note})
    index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": manifests}
    (folder / "index.json").write_text(json.dumps(index))
    return tags


def _list_names() -> list[str]:
    return [name for recipe in RECIPES for name in recipe.names]


def _make_layers(folder: Path, judges: Path, kubernetes: Path) -> dict[str, bytes]:
    own = system.find_folder()
    certificate = make_certificate(folder).chain.read_bytes()
    porter = [Entry(f"localhost.{kind}", certificate, 0o644) for kind in ("crt", "key")]
    agnhost = [
        Entry("agnhost", (judges / "agnhost").read_bytes()),
        _link("agnhost-2", "agnhost"),
        _folder("uploads"),
        *porter,
        # Busybox's, which upstream's agnhost has, asks once; this one asks twenty times.
        Entry("etc/wgetrc", b"tries = 1\n", 0o644),
    ]
    etcd = [
        Entry("usr/local/bin/kubernetes", kubernetes.read_bytes()),
        Entry("usr/local/bin/etcd", _ETCD),
    ]
    return {
        "system": (own / "system.tar").read_bytes(),
        "agnhost": pack(agnhost),
        "busybox": pack(_list_busybox(own)),
        "nonewprivs": pack(
            [Entry("usr/local/bin/nnp", (judges / "nonewprivs").read_bytes(), 0o6755)]
        ),
        "sample-apiserver": pack(
            [Entry("sample-apiserver", (judges / "sample-apiserver").read_bytes())]
        ),
        "etcd": pack(etcd),
        "pause": pack([Entry("pause", (kubernetes.parent / "pause").read_bytes())]),
        **{name: pack(_list_page(name)) for name in ("nautilus", "kitten")},
    }


def _list_busybox(own: Path) -> list[Entry]:
    """Return Debian's busybox, and a shell before its own."""
    tools, shell = own / Path(system.TOOLS).name, own / Path(system.SHELL).name
    return [
        *(_folder(name) for name in ("bin", "etc", "home", "root", "tmp", "var")),
        Entry("bin/busybox", tools.read_bytes()),
        Entry("bin/bash", shell.read_bytes()),
        Entry("bin/sh", _SHELL),
        *(_link(f"bin/{name}", "busybox") for name in _list_applets(own)),
        Entry("etc/passwd", _PASSWD, 0o644),
        Entry("etc/group", b"root:x:0:\nnobody:x:65534:\n", 0o644),
    ]


def _list_applets(own: Path) -> list[str]:
    tools = own / Path(system.TOOLS).name
    told = subprocess.run([tools, "--list"], capture_output=True, text=True, check=True)
    return [name for name in told.stdout.split() if name not in {"bash", "sh", "busybox"}]


def _list_page(name: str) -> list[Entry]:
    data = json.dumps({"image": f"{name}.jpg"}).encode()
    return [
        Entry("data.json", data, 0o644),
        Entry(f"{name}.jpg", name.encode(), 0o644),
        # A spec that mounts the image looks for these words in it.
        Entry("etc/os-release", _STANDS_IN, 0o644),
    ]


def _folder(name: str) -> Entry:
    return Entry(name, kind=b"5", mode=0o1777 if name == "tmp" else 0o755)


def _link(name: str, target: str) -> Entry:
    return Entry(name, kind=b"2", link=target)


def _make_image(
    folder: Path, layers: list[dict[str, Any]], config: Mapping[str, Any]
) -> dict[str, Any]:
    document = {
        "architecture": "amd64",
        "os": "linux",
        "config": {"Env": [_PATH], **config},
        "rootfs": {"type": "layers", "diff_ids": [layer["digest"] for layer in layers]},
    }
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": _store(folder, CONFIG, json.dumps(document).encode()),
        "layers": layers,
    }
    return _store(folder, MANIFEST, json.dumps(manifest).encode())


def _store(folder: Path, media_type: str, content: bytes) -> dict[str, Any]:
    digest = hashlib.sha256(content).hexdigest()
    (folder / "blobs" / "sha256" / digest).write_bytes(content)
    return {"mediaType": media_type, "digest": f"sha256:{digest}", "size": len(content)}
