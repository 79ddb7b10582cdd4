"""A cluster that az makes, and kubectl on it, as one who uses both sees them."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.kits import demand_kits
from tools import programs
from tools.azure import Az

KITS = demand_kits()
WAIT_S = 240.0
"""Far more than a busy machine needs."""
SIZE = "Standard_B2s"


@dataclass(frozen=True, slots=True)
class Cluster:
    """A cluster that az has made."""

    az: Az
    group: str
    name: str
    folder: Path

    @property
    def names(self) -> tuple[str, ...]:
        return ("-g", self.group, "-n", self.name)

    def do(self, verb: str, *words: str) -> Any:
        return self.az("aks", verb, *self.names, *words)

    def kubectl(self, *words: str) -> programs.Outcome:
        """Run kubectl in Silo's environment with what ``get-credentials`` wrote."""
        config = self.folder / "config"
        if not config.exists():
            words_ = ("aks", "get-credentials", *self.names, "--file", str(config))
            programs.succeed(self.az.run(*words_))
        kit = next(iter(KITS.values()))
        command = [kit.kubernetes, "kubectl", f"--kubeconfig={config}", *words]
        return programs.run(command, self.az.environment)

    def read(self, *words: str) -> Any:
        return programs.succeed(self.kubectl("get", *words, "-o", "json")).json

    def apply(self, *objects: dict[str, Any]) -> None:
        """Have objects be as described."""
        path = self.folder / "objects.json"
        path.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)}))
        programs.succeed(self.kubectl("apply", "-f", str(path)))

    def wait(self, see: Callable[[], Any]) -> Any:
        """Return what is seen as soon as it is something."""
        deadline = time.monotonic() + WAIT_S
        while not (found := see()):
            assert time.monotonic() < deadline
            time.sleep(0.3)
        return found

    def wait_phase(self, pod: str, wanted: str) -> None:
        deadline = time.monotonic() + WAIT_S
        while True:
            found = self.read("pod", pod)
            if found["status"]["phase"] == wanted:
                return
            assert time.monotonic() < deadline, json.dumps(found["status"], indent=1)
            time.sleep(0.3)


@contextmanager
def made(az: Az, group: str, name: str, folder: Path, *options: str) -> Iterator[Cluster]:
    """Make a cluster of one small node, and take it away in the end."""
    cluster = Cluster(az, group, name, folder)
    size = ("--node-count", "1", "--node-vm-size", SIZE, "--no-ssh-key")
    created = az.run("aks", "create", *cluster.names, *size, *options, timeout_s=WAIT_S)
    try:
        programs.succeed(created)
        yield cluster
    finally:
        az.run("aks", "delete", *cluster.names, "--yes", timeout_s=WAIT_S)
