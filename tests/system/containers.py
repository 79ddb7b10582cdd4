"""Container groups over ARM, without az: what the tests of safety and of clean-up drive."""

import json
import subprocess
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from bench.caller import Answer, open_socket
from bench.instance import Instance
from tools import images, programs
from websockets.exceptions import InvalidMessage
from websockets.sync.client import connect

VERSION = "2023-05-01"
SETTLE_S = 90.0
PAUSE_S = 0.05
REPOSITORY = "tests/probe"
FINAL = ("Succeeded", "Failed", "Canceled")


class Refused(Exception):
    """ARM refused a group; holds code and message."""

    def __init__(self, answer: dict[str, Any]) -> None:
        self.code = str(answer.get("code"))
        super().__init__(f"{self.code}: {answer.get('message')}")


class Containers:
    """The container groups of one resource group, and the images that they run."""

    def __init__(self, silo: Instance, group: str, registry: str, folder: Path) -> None:
        self.silo = silo
        self.folder = folder
        self.host = silo.registry_host(registry)
        self.token = silo.sign_in()
        self.scope = f"/subscriptions/{silo.subscription}/resourceGroups/{group}"
        self.image = f"{self.host}/{REPOSITORY}:1"
        principal = silo.credentials["servicePrincipal"]
        self._who = (principal["clientId"], principal["clientSecret"])

    def push(self, layout: images.Layout, repository: str = REPOSITORY) -> str:
        """Push an image as skopeo does; return its reference."""
        reference = f"{self.host}/{repository}:{layout.tag}"
        credentials = ":".join(self._who)
        copy = ["skopeo", "copy", "--dest-creds", credentials, layout.reference]
        environment = self.silo.environment(self.folder)
        programs.succeed(programs.run([*copy, f"docker://{reference}"], environment))
        return reference

    def call(self, method: str, path: str, document: Any = None, version: str = VERSION) -> Answer:
        """Call ARM below the resource group; sign in again when the token is too old."""
        url = f"{self.silo.arm}{self.scope}{path}?api-version={version}"
        answer = self.silo.once(method, url, document=document, token=self.token)
        if answer.status == 401:
            self.token = self.silo.sign_in()
            answer = self.silo.once(method, url, document=document, token=self.token)
        return answer

    def resource(self, kind: str, name: str, properties: dict[str, Any], version: str) -> str:
        """Make any other resource; return its id when it is there."""
        path = f"/providers/{kind}/{name}"
        body = {"location": "westeurope", "properties": properties}
        self.call("PUT", path, body, version).expect(200, 201)
        until = time.monotonic() + SETTLE_S
        while True:
            found = self.call("GET", path, version=version).expect(200).json()
            if found["properties"].get("provisioningState", "Succeeded") in FINAL:
                return str(found["id"])
            assert time.monotonic() < until, found
            time.sleep(PAUSE_S)

    def container(self, name: str, command: Iterable[str], **more: Any) -> dict[str, Any]:
        """Return a container as ARM takes it."""
        properties = {
            "image": self.image,
            "command": list(command),
            "resources": {"requests": {"cpu": 0.1, "memoryInGB": 0.1}},
            **more,
        }
        return {"name": name, "properties": properties}

    def start(
        self, name: str, command: Iterable[str], *, level: str, **properties: Any
    ) -> dict[str, Any]:
        """Make a group of one container without waiting for it."""
        more = properties.pop("container", {})
        server = {"server": self.host, "username": self._who[0], "password": self._who[1]}
        document = {
            "location": "westeurope",
            "tags": {"silo-isolation": level},
            **({"identity": properties.pop("identity")} if "identity" in properties else {}),
            "properties": {
                "osType": "Linux",
                "restartPolicy": "Never",
                "containers": [self.container("one", command, **more)],
                "imageRegistryCredentials": [server],
                **properties,
            },
        }
        answer = self.call("PUT", self._path(name), document)
        if answer.status not in {200, 201, 202}:
            raise Refused(answer.json()["error"])
        document = answer.json()
        return dict(document)

    def make(self, name: str, command: Iterable[str], *, level: str, **more: Any) -> dict[str, Any]:
        """Make a group of one container; return it as soon as ARM is done.

        Raises:
            Refused: it is not to be, at once or later.

        """
        self.start(name, command, level=level, **more)
        return self.settle(name)

    def settle(self, name: str) -> dict[str, Any]:
        """Return a group as soon as ARM is done with it."""
        until = time.monotonic() + SETTLE_S
        while (found := self.get(name))["properties"]["provisioningState"] not in FINAL:
            assert time.monotonic() < until, found
            time.sleep(PAUSE_S)
        if found["properties"]["provisioningState"] != "Succeeded":
            events = found["properties"]["instanceView"]["events"]
            raise Refused({"code": "Failed", "message": json.dumps(events)})
        return found

    def get(self, name: str) -> dict[str, Any]:
        """Return a group."""
        found: dict[str, Any] = self.call("GET", self._path(name)).expect(200).json()
        return found

    def state(self, name: str) -> str:
        """Return a group's state."""
        return str(self.get(name)["properties"]["instanceView"].get("state"))

    def wait(self, name: str, *states: str, timeout_s: float = SETTLE_S) -> dict[str, Any]:
        """Return a group as soon as it is in one of these states."""
        until = time.monotonic() + timeout_s
        while (found := self.get(name))["properties"]["instanceView"].get("state") not in states:
            assert time.monotonic() < until, f"never {states}: {json.dumps(found, indent=1)}"
            time.sleep(PAUSE_S)
        return found

    def current(self, name: str) -> dict[str, Any]:
        """Return the state of a group's first container."""
        first = self.get(name)["properties"]["containers"][0]
        found: dict[str, Any] = first["properties"]["instanceView"]["currentState"]
        return found

    def logs(self, name: str, container: str = "one") -> str:
        """Return what a container has said."""
        path = f"{self._path(name)}/containers/{container}/logs"
        return str(self.call("GET", path).expect(200).json()["content"])

    def run(self, name: str, command: Iterable[str], *, level: str, **more: Any) -> str:
        """Run a command in a group of its own to the end; return what it said."""
        self.make(name, command, level=level, **more)
        self.wait(name, "Succeeded", "Failed")
        said = self.logs(name)
        self.delete(name)
        return said

    def ticket(self, name: str, command: str, container: str = "one") -> dict[str, str]:
        """Ask for an exec; return where and with what password."""
        body = {"command": command, "terminalSize": {"rows": 24, "cols": 200}}
        path = f"{self._path(name)}/containers/{container}/exec"
        found: dict[str, str] = self.call("POST", path, body).expect(200).json()
        return found

    def open(self, address: str) -> Any:
        """Connect a websocket, past any proxy."""
        host = urlsplit(address).netloc
        # The socket speaks TLS already.
        return connect(
            address.replace("wss:", "ws:"),
            sock=open_socket(self.silo.port, host, self.silo.bundle),
            proxy=None,
            origin=f"https://{host}",
            max_size=None,
        )

    def execute(self, name: str, command: str, container: str = "one") -> str:
        """Run a command in a container; return what it said."""
        said = b""
        with self._enter(name, command, container) as socket:
            for piece in socket:
                said += piece if isinstance(piece, bytes) else piece.encode()
        return said.decode(errors="replace").replace("\r\n", "\n")

    @contextmanager
    def _enter(self, name: str, command: str, container: str) -> Iterator[Any]:
        with ExitStack() as stack:
            for attempt in (1, 2, 3):
                ticket = self.ticket(name, command, container)
                try:
                    socket = stack.enter_context(self.open(ticket["webSocketUri"]))
                except (InvalidMessage, TimeoutError):
                    # On a machine that is far too busy a handshake is late; its ticket is unspent.
                    if attempt == 3:
                        raise
                else:
                    break
            socket.send(ticket["password"])
            yield socket

    def probe(self, name: str, command: str, container: str = "one") -> dict[str, Any]:
        """Run the probe in a container; return the document that it told."""
        said = self.execute(name, f"/bin/probe {command}", container)
        assert "{" in said, said
        told: dict[str, Any] = json.loads(said[said.index("{") :])
        return told

    def post(self, name: str, verb: str) -> None:
        """Start, stop or restart a group."""
        self.call("POST", f"{self._path(name)}/{verb}").expect(200, 202, 204)

    def delete(self, name: str) -> None:
        """Delete a group; return when it is gone."""
        self.call("DELETE", self._path(name)).expect(200, 202, 204)
        until = time.monotonic() + SETTLE_S
        while self.call("GET", self._path(name)).status != 404:
            assert time.monotonic() < until, f"{name} is never gone"
            time.sleep(PAUSE_S)

    def list(self) -> dict[str, dict[str, Any]]:
        """Return every group by name."""
        path = "/providers/Microsoft.ContainerInstance/containerGroups"
        found = self.call("GET", path).expect(200).json()["value"]
        return {item["name"]: item for item in found}

    def clear(self) -> None:
        """Delete every group."""
        for name in self.list():
            self.delete(name)

    @staticmethod
    def _path(name: str) -> str:
        return f"/providers/Microsoft.ContainerInstance/containerGroups/{name}"


def processes_below(words: str) -> dict[int, str]:
    """Return the machine's processes whose command names something."""
    listed = subprocess.run(
        ["ps", "-wweo", "pid=,args="], capture_output=True, text=True, check=True
    )
    found = {}
    for line in listed.stdout.splitlines():
        pid, _, command = line.strip().partition(" ")
        if words in command:
            found[int(pid)] = command
    return found
