"""Write src/silo/engine/api: containerd's messages and services as typed Python.

    uv run --with 'grpcio-tools==1.80.*' python -m tools.engine_api

The definitions come from the Go module proxy at the versions that the engine is built from. They
are moved under our own package first: containerd's top-level folder `types` would hide Python's.
"""

import io
import re
import subprocess
import sys
import tempfile
import urllib.request
import zipfile
from pathlib import Path

from google.protobuf import descriptor_pb2

TARGET = Path(__file__).parents[1] / "src/silo/engine/api"
PACKAGE = "silo.engine.api"
FOLDER = PACKAGE.replace(".", "/")
API = "github.com/containerd/containerd/api@v1.12.0"
CGROUPS = "github.com/containerd/cgroups/v3@v3.1.3"
FILES = {
    "descriptor": f"{API}/types/descriptor.proto",
    "mount": f"{API}/types/mount.proto",
    "platform": f"{API}/types/platform.proto",
    "metric": f"{API}/types/metrics.proto",
    "sandbox": f"{API}/types/sandbox.proto",
    "process": f"{API}/types/task/task.proto",
    "runc": f"{API}/types/runc/options/oci.proto",
    "runtimeoptions": f"{API}/types/runtimeoptions/v1/api.proto",
    "envelope": f"{API}/types/event.proto",
    "task_events": f"{API}/events/task.proto",
    "containers": f"{API}/services/containers/v1/containers.proto",
    "content": f"{API}/services/content/v1/content.proto",
    "diff": f"{API}/services/diff/v1/diff.proto",
    "events": f"{API}/services/events/v1/events.proto",
    "images": f"{API}/services/images/v1/images.proto",
    "leases": f"{API}/services/leases/v1/leases.proto",
    "namespaces": f"{API}/services/namespaces/v1/namespace.proto",
    "sandboxes": f"{API}/services/sandbox/v1/sandbox.proto",
    "snapshots": f"{API}/services/snapshots/v1/snapshots.proto",
    "tasks": f"{API}/services/tasks/v1/tasks.proto",
    "version": f"{API}/services/version/v1/version.proto",
    "cgroup1": f"{CGROUPS}/cgroup1/stats/metrics.proto",
    "cgroup2": f"{CGROUPS}/cgroup2/stats/metrics.proto",
}
SKIPPED = {"Controller", "Streaming"}
"""Services in these files that the engine does not call."""
HEADER = '''"""{what} as typed calls; written by tools/engine_api.py, not by hand."""
'''


def main() -> None:
    """Fetch, move, translate, and describe the services."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for module in (API, CGROUPS):
            _unpack(module, root / "sources")
        _move(root / "sources", root / "moved" / FOLDER)
        described = _translate(root / "moved", root / "set.bin")
    (TARGET / "services").mkdir(exist_ok=True)
    for name, text in _services(described).items():
        (TARGET / "services" / f"{name}.py").write_text(text)


def _unpack(module: str, target: Path) -> None:
    name, version = module.split("@")
    with urllib.request.urlopen(f"https://proxy.golang.org/{name}/@v/{version}.zip") as answer:
        archive = zipfile.ZipFile(io.BytesIO(answer.read()))
    archive.extractall(target, [item for item in archive.namelist() if item.endswith(".proto")])


def _move(sources: Path, target: Path) -> None:
    target.mkdir(parents=True)
    named = {path.split("@", 1)[1].split("/", 1)[1]: name for name, path in FILES.items()}
    for name, path in FILES.items():
        # Field paths are for filters written in Go; their extension would need a file of its own.
        text = re.sub(r".*fieldpath.*\n", "", (sources / path).read_text())
        moved = re.sub(
            r'^import "((?!google/)[^"]+)"',
            lambda found: f'import "{FOLDER}/{named[found[1]]}.proto"',
            text,
            flags=re.MULTILINE,
        )
        (target / f"{name}.proto").write_text(moved)


def _translate(root: Path, described: Path) -> descriptor_pb2.FileDescriptorSet:
    subprocess.run(
        [
            *(sys.executable, "-m", "grpc_tools.protoc", f"-I{root}"),
            *(f"--python_out={TARGET.parents[2]}", f"--pyi_out={TARGET.parents[2]}"),
            *(f"--descriptor_set_out={described}",),
            *(f"{FOLDER}/{name}.proto" for name in FILES),
        ],
        check=True,
    )
    for stub in TARGET.glob("*_pb2.pyi"):
        # protoc leaves the mapping bare, which strict typing refuses.
        typed = re.sub(r"\b_Mapping(?=[],])(?!\[)", "_Mapping[str, _Any]", stub.read_text())
        stub.write_text(f"from typing import Any as _Any\n{typed}")
    return descriptor_pb2.FileDescriptorSet.FromString(described.read_bytes())


def _services(described: descriptor_pb2.FileDescriptorSet) -> dict[str, str]:
    """Return the text of one module for each service, and of the package that they are in."""
    classes = {
        f".{file.package}.{message.name}": f"{Path(file.name).stem}_pb2.{message.name}"
        for file in described.file
        for message in file.message_type
    } | {".google.protobuf.Empty": "empty_pb2.Empty"}
    modules = dict[str, str]()
    named = list[tuple[str, str]]()
    for file in described.file:
        for service in file.service:
            if service.name not in SKIPPED:
                module = Path(file.name).stem
                modules[module] = _service(file.package, service, classes)
                named.append((module, service.name))
    package = HEADER.format(what="containerd's services")
    lines = (f"from .{module} import {name} as {name}" for module, name in sorted(named))
    return {**modules, "__init__": "\n".join([package, *lines, ""])}


def _service(
    package: str, service: descriptor_pb2.ServiceDescriptorProto, classes: dict[str, str]
) -> str:
    body = [
        f"\n\nclass {service.name}:",
        f'    """Calls of {package}."""\n',
        "    def __init__(self, channel: aio.Channel) -> None:",
    ]
    for method in service.method:
        body += _method(f"/{package}.{service.name}", method, classes)
    text = "\n".join(body)
    modules = sorted(set(re.findall(r"\b\w+_pb2(?=\.)", text)))
    known = ["from google.protobuf import empty_pb2"] if "empty_pb2" in modules else []
    ours = [f"from {PACKAGE} import {name}" for name in modules if name != "empty_pb2"]
    head = [HEADER.format(what=package), *known, "from grpc import aio\n", *ours]
    return "\n".join([*head, text, ""])


def _method(
    service: str, method: descriptor_pb2.MethodDescriptorProto, classes: dict[str, str]
) -> list[str]:
    kinds = ("unary", "stream")
    kind = (kinds[method.client_streaming], kinds[method.server_streaming])
    takes, gives = classes[method.input_type], classes[method.output_type]
    shape = "".join(part.title() for part in kind)
    name = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", method.name).lower()
    return [
        f"        self.{name}: aio.{shape}MultiCallable[",
        f"            {takes}, {gives}",
        f"        ] = channel.{'_'.join(kind)}(",
        f'            "{service}/{method.name}",',
        f"            request_serializer={takes}.SerializeToString,",
        f"            response_deserializer={gives}.FromString,",
        "        )",
    ]


if __name__ == "__main__":
    main()
