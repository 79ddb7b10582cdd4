"""Container groups as az makes them for the tests and for the tour."""

import json
import time
from dataclasses import dataclass
from typing import Any

from . import programs
from .azure import Az
from .strangers import az_path
from .terminal import Terminal

PAUSE_S = 0.2


@dataclass(frozen=True, slots=True)
class Image:
    """An image in a registry, and who may pull it."""

    reference: str
    server: str
    username: str
    password: str

    @property
    def credentials(self) -> tuple[str, ...]:
        """The options of ``az container create``."""
        return (
            *("--registry-login-server", self.server),
            *("--registry-username", self.username, "--registry-password", self.password),
        )

    @property
    def document(self) -> list[dict[str, str]]:
        """The ``imageRegistryCredentials`` of a group."""
        return [{"server": self.server, "username": self.username, "password": self.password}]


@dataclass(frozen=True, slots=True)
class ContainerGroup:
    """A container group that a test made for itself."""

    az: Az
    group: str
    name: str

    @property
    def names(self) -> tuple[str, ...]:
        """The options that name it."""
        return ("-g", self.group, "-n", self.name)

    def do(self, verb: str, *words: str) -> Any:
        """Run ``az container`` on it, which has to succeed."""
        return self.az("container", verb, *self.names, *words)

    def show(self) -> dict[str, Any]:
        """Return it as az shows it."""
        shown: dict[str, Any] = self.do("show")
        return shown

    def wait(self, *states: str, timeout_s: float = 60.0) -> dict[str, Any]:
        """Return it as soon as its containers' state is one of these.

        Raises:
            ProgramFailed: it never is.

        """
        deadline = time.monotonic() + timeout_s
        while True:
            shown = self.show()
            if (shown.get("instanceView") or {}).get("state") in states:
                return shown
            if time.monotonic() > deadline:
                text = json.dumps(shown, indent=1)
                raise programs.ProgramFailed(f"{self.name} is never {states}:\n{text}")
            time.sleep(PAUSE_S)

    def logs(self, container: str = "") -> str:
        """Return what a container has said."""
        named = ("--container-name", container) if container else ()
        words = ("container", "logs", *self.names, *named)
        return programs.succeed(self.az.run(*words)).out

    def terminal(self, command: str, container: str = "") -> Terminal:
        """Run ``az container exec`` at a terminal."""
        named = ("--container-name", container) if container else ()
        words = ("container", "exec", *self.names, *named, "--exec-command", command)
        return Terminal([az_path(), *words], self.az.environment)

    def execute(self, command: str, container: str = "") -> str:
        """Run a command in a container and return what it said."""
        return programs.succeed(self.terminal(command, container).finish()).out

    def probe(self, command: str, container: str = "") -> dict[str, Any]:
        """Run the probe in a container and return the document that it told."""
        said = self.execute(f"/bin/probe {command}", container)
        told: dict[str, Any] = json.loads(said[said.index("{") :])
        return told


def containers(group: dict[str, Any]) -> dict[str, Any]:
    """Return a group's containers by name."""
    return {item["name"]: item for item in group["containers"]}
