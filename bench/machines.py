"""What starts containers: Silo through ARM, Debian's docker and podman; all with one image."""

import datetime as dt
import hashlib
import json
import re
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from tools import programs
from tools.images import Entry, busybox, pack
from tools.strangers import find_command
from websockets.sync.client import connect

from .caller import Caller, load_trust
from .clients import MANIFEST_TYPE
from .images import digest_of, push_blob
from .instance import Instance
from .processes import list_tree, pss_bytes, stop, wait_until
from .target import target_of

GROUP, REGISTRY, REPOSITORY = "bench", "bench", "app"
VERSION = "api-version=2024-05-01-preview"
SLEEP = ("/bin/busybox", "sh", "-c", "echo up; exec /bin/busybox sleep 100000")
"""Says that it runs, and waits."""
PORT = 5001
_SERVE = ("/bin/busybox", "nc", "-ll", "-p", str(PORT), "-e", "/bin/busybox")
SINK = (*_SERVE, "sh", "-c", "exec /bin/busybox dd bs=256k of=/dev/null 2>&1")
"""Swallows what comes, and speaks when the sender has finished."""
SOURCE = (*_SERVE, "dd", "bs=256k", "if=/dev/zero")
"""Sends until nobody listens any more."""
_STAMP = re.compile(r"(\S{19})(\.\d{1,6})?\d*(Z|[+-]\d\d:\d\d) up\s*$", re.MULTILINE)
BRIDGE, BRIDGE_ADDRESS = "silobench0", "10.213.7.1/24"


class Machine(Protocol):
    """One of those that are compared."""

    name: str

    def run(self, name: str, command: tuple[str, ...] = SLEEP) -> None:
        """Start a container; return when its process runs."""

    def remove(self, name: str) -> None:
        """Take it away."""

    def read_output(self, name: str) -> str:
        """Return what it has said, each line after the moment it was said."""

    def execute(self, name: str) -> float:
        """Return after how many seconds a program started in it has said its first byte."""

    def address(self, name: str) -> str:
        """Return where the host reaches it."""

    def sum_pss_bytes(self) -> int:
        """Return the memory of everything that is not the containers' own programs."""


def read_start(machine: Machine, name: str) -> float:
    """Return when a container's first process ran, as it said itself: seconds of the wall clock."""
    found: list[re.Match[str]] = []

    def spoke() -> bool:
        found.extend(_STAMP.finditer(machine.read_output(name)))
        return bool(found)

    wait_until(spoke, 60, f"the first word of {name}")
    moment, part, zone = found[0].groups()
    zone = "+00:00" if zone == "Z" else zone
    return dt.datetime.fromisoformat(f"{moment}{(part or '.0'):0<7}{zone}").timestamp()


def make_layer() -> bytes:
    return pack([Entry("bin/busybox", busybox().read_bytes())])


def sum_matching(root: int, *needles: str) -> int:
    """Weigh a tree, and whatever else names this in its command line: shims are nobody's child."""
    pids = set(list_tree(root))
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                exe = (entry / "exe").readlink().name
            except OSError:
                continue
            if any(needle in line for needle in needles) and exe != "busybox":
                pids.add(int(entry.name))
    return sum(pss_bytes(pid) for pid in pids)


class Silo:
    """Container groups of one level, asked for as az asks."""

    def __init__(self, instance: Instance, level: str) -> None:
        self.name = f"silo {level}"
        self._instance = instance
        self._level = level
        self.cpu = 0.5
        """Cores asked for; a sandbox boots on what its group has."""
        self.every_s = 0.005
        """How often whoever waits asks; docker's client is told."""
        self._token = instance.sign_in()
        self._caller = instance.open_caller()

    def push(self) -> None:
        """Make the registry and the image."""
        silo = self._instance
        silo.create_group(GROUP, self._token)
        silo.create_registry(GROUP, REGISTRY, self._token)
        target = target_of(silo, REGISTRY)
        token = target.sign_in(REPOSITORY, "pull,push")
        layer = make_layer()
        diff = f"sha256:{hashlib.sha256(layer).hexdigest()}"
        config = json.dumps(
            {
                "architecture": "amd64",
                "os": "linux",
                "config": {"Entrypoint": list(SLEEP)},
                "rootfs": {"type": "layers", "diff_ids": [diff]},
            }
        ).encode()
        manifest = {
            "schemaVersion": 2,
            "mediaType": MANIFEST_TYPE,
            "config": _describe("application/vnd.oci.image.config.v1+json", config),
            "layers": [_describe("application/vnd.oci.image.layer.v1.tar", layer)],
        }
        caller = Caller(target.port, target.bundle)
        for blob in (config, layer):
            push_blob(caller, target, REPOSITORY, blob, token)
        url = f"https://{target.host}/v2/{REPOSITORY}/manifests/v1"
        headers = {"Content-Type": MANIFEST_TYPE}
        body = json.dumps(manifest).encode()
        caller.call("PUT", url, body=body, headers=headers, token=token).expect(201)
        caller.close()

    def run(self, name: str, command: tuple[str, ...] = SLEEP) -> None:
        caller = self._instance.open_caller()
        try:
            url = self._url(name)
            body = self._describe(command)
            caller.call("PUT", url, document=body, token=self._token).expect(200, 201)
            what = f"the start of {name}"
            wait_until(lambda: self._is_running(caller, url), 120, what, self.every_s)
        finally:
            caller.close()

    def _is_running(self, caller: Caller, url: str) -> bool:
        found = caller.call("GET", url, token=self._token).expect(200).json()["properties"]
        state = (found.get("instanceView") or {}).get("state")
        if state == "Failed" or found["provisioningState"] == "Failed":
            raise AssertionError(json.dumps(found))
        return bool(state == "Running")

    def remove(self, name: str) -> None:
        caller, url = self._instance.open_caller(), self._url(name)
        try:
            caller.call("DELETE", url, token=self._token).expect(200, 202, 204)

            def gone() -> bool:
                return caller.call("GET", url, token=self._token).status == 404

            wait_until(gone, 60, f"the end of {name}")
        finally:
            caller.close()

    def read_output(self, name: str) -> str:
        url = self._url(name).replace("?", "/containers/app/logs?timestamps=true&")
        answer = self._caller.call("GET", url, token=self._token)
        return str(answer.expect(200).json()["content"])

    def execute(self, name: str) -> float:
        start = time.perf_counter()
        url = self._url(name).replace("?", "/containers/app/exec?")
        body = {"command": "/bin/busybox echo x", "terminalSize": {"rows": 24, "cols": 80}}
        told = self._caller.call("POST", url, document=body, token=self._token).expect(200).json()
        address = told["webSocketUri"]
        trust = load_trust(self._instance.settings.bundle)
        host = address.split("/")[2].partition(":")[0]
        raw = socket.create_connection(("127.0.0.1", self._instance.port), 30)
        with connect(address, sock=raw, ssl=trust, server_hostname=host) as session:
            session.send(told["password"])
            session.recv(timeout=30)
        return time.perf_counter() - start

    def address(self, name: str) -> str:
        found = self._caller.call("GET", self._url(name), token=self._token).expect(200).json()
        return str(found["properties"]["ipAddress"]["ip"])

    def sum_pss_bytes(self) -> int:
        process = self._instance.process
        assert process is not None
        sockets = f"/run/silo/{self._instance.settings.id}"
        # Whoever writes a log away is told where, and nothing else of us.
        return sum_matching(process.pid, sockets, str(self._instance.state))

    def _url(self, name: str) -> str:
        silo = self._instance
        return (
            f"{silo.subscription_url}/resourceGroups/{GROUP}/providers/"
            f"Microsoft.ContainerInstance/containerGroups/{name}?{VERSION}"
        )

    def _describe(self, command: tuple[str, ...]) -> dict[str, Any]:
        silo = self._instance
        server = silo.registry_host(REGISTRY)
        who = silo.credentials["servicePrincipal"]
        login = {"server": server, "username": who["clientId"], "password": who["clientSecret"]}
        properties: dict[str, Any] = {
            "image": f"{server}/{REPOSITORY}:v1",
            "command": list(command),
            "resources": {
                "requests": {"cpu": self.cpu, "memoryInGB": 0.1},
                "limits": {"cpu": 1, "memoryInGB": 0.3},
            },
        }
        wanted: dict[str, Any] = {
            "osType": "Linux",
            "restartPolicy": "Never",
            "containers": [{"name": "app", "properties": properties}],
            "imageRegistryCredentials": [login],
        }
        if command in {SINK, SOURCE}:
            ports = [{"protocol": "TCP", "port": PORT}]
            properties["ports"] = ports
            wanted["ipAddress"] = {"type": "Public", "ports": ports}
        tags = {"silo-isolation": self._level}
        return {"location": "westeurope", "tags": tags, "properties": wanted}


def _describe(kind: str, data: bytes) -> dict[str, Any]:
    return {"mediaType": kind, "digest": digest_of(data), "size": len(data)}


class Engine:
    """docker or podman, by its command."""

    def __init__(
        self,
        name: str,
        command: list[str],
        daemon: int,
        needle: str,
        options: tuple[str, ...] = (),
    ) -> None:
        self.name = name
        self._command = command
        self._daemon = daemon
        self._needle = needle
        self._options = options

    def call(self, *words: str) -> str:
        done = programs.run([*self._command, *words], programs.plain_environment())
        return programs.succeed(done).out.strip()

    def load(self, folder: Path) -> None:
        """Make the image."""
        path = folder / "layer.tar"
        path.write_bytes(make_layer())
        self.call("import", str(path), "app:v1")

    def run(self, name: str, command: tuple[str, ...] = SLEEP) -> None:
        self.call("run", "-d", *self._options, "--name", name, "app:v1", *command)

    def remove(self, name: str) -> None:
        self.call("rm", "-f", name)

    def read_output(self, name: str) -> str:
        return self.call("logs", "-t", name)

    def execute(self, name: str) -> float:
        start = time.perf_counter()
        command = [*self._command, "exec", name, "/bin/busybox", "echo", "x"]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            process.stdout.read(1)
            return time.perf_counter() - start

    def address(self, name: str) -> str:
        form = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}"
        return self.call("inspect", "-f", form, name)

    def sum_pss_bytes(self) -> int:
        return sum_matching(self._daemon, self._needle)


@contextmanager
def docker(folder: Path) -> Iterator[Engine]:
    """Run a docker daemon of one's own, with a bridge, as Debian sets it up."""
    short = Path(tempfile.mkdtemp(prefix="silo-bench-docker-"))
    host = f"unix://{short}/docker.sock"
    ip = find_command("ip") or "ip"
    subprocess.run([ip, "link", "add", BRIDGE, "type", "bridge"], check=True)
    subprocess.run([ip, "addr", "add", BRIDGE_ADDRESS, "dev", BRIDGE], check=True)
    subprocess.run([ip, "link", "set", BRIDGE, "up"], check=True)
    (short / "daemon.json").write_text("{}")
    command = [
        *(str(find_command("dockerd") or "dockerd"), "--host", host, "--bridge", BRIDGE),
        *("--data-root", str(folder / "docker"), "--exec-root", str(short / "exec")),
        *("--pidfile", str(short / "pid"), "--config-file", str(short / "daemon.json")),
        *("--iptables=false", "--ip6tables=false"),
    ]
    with (folder / "docker.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
    client = ["docker", "-H", host]
    try:
        wait_until(lambda: _answers([*client, "version"]), 60, "the start of dockerd")
        made = Engine("docker", client, process.pid, str(short))
        made.load(folder)
        yield made
    finally:
        clean = f"docker -H {host} ps -aq | xargs -r docker -H {host} rm -f"
        subprocess.run(["sh", "-c", clean], capture_output=True, check=False)
        stop(process)
        subprocess.run([ip, "link", "del", BRIDGE], check=False)
        shutil.rmtree(short, ignore_errors=True)


def _answers(command: list[str]) -> bool:
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


@contextmanager
def podman(folder: Path) -> Iterator[Engine]:
    """Use podman with storage of its own; it has no daemon."""
    root, run = str(folder / "podman"), str(folder / "podman-run")
    command = ["podman", "--root", root, "--runroot", run, "--cgroup-manager", "cgroupfs"]
    # Its own wish for open files is more than a machine without CAP_SYS_RESOURCE may give.
    limits = (
        "--log-driver",
        "k8s-file",
        "--ulimit",
        "nofile=1024:1024",
        "--ulimit",
        "nproc=1024:1024",
    )
    made = Engine("podman", command, 0, root, limits)
    made.load(folder)
    try:
        yield made
    finally:
        for words in (("rm", "-fa", "-t", "0"), ("unmount", "-a")):
            subprocess.run([*command, *words], capture_output=True, check=False)
