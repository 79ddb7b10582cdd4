"""A managed cluster as ARM makes it, and any cluster's API as a client asks it."""

import base64
import http.client
import json
import os
import ssl
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dnslib
from silo_engine import build as engine_build
from silo_kubernetes import build

from silo.engine import netns

from .instance import Instance
from .processes import list_tree, wait_until

GROUP, SIZE = "clusters", "Standard_B2s"
VERSION = "2025-09-01"
PAUSE = "localhost/silo/pause:1"
GETS = 2000
_PATIENCE_S = 240.0
_EVERY_S = 0.05
_DEPLOYMENTS = "/apis/apps/v1/namespaces/default/deployments"


@contextmanager
def open_instance(state: Path) -> Iterator[Instance]:
    """Run a Silo with clusters; leave nothing of them."""
    instance = Instance(state, tls=True)
    instance.options += ("--clusters",)
    try:
        instance.start()
        instance.create_group(GROUP, instance.sign_in())
        yield instance
    finally:
        instance.silo("down", "--groups", check=False)
        instance.stop()


def forget() -> None:
    """Have the machine read the programs from disk again, where nobody runs them."""
    for kit in (engine_build.ENGINE, build.KITS[build.DEFAULT]):
        for path in (kit.folder / "bin").iterdir():
            with path.open("rb") as program:
                os.posix_fadvise(program.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


class Cluster:
    """One cluster of one pool."""

    def __init__(self, instance: Instance, name: str) -> None:
        self._instance = instance
        self._caller = instance.open_caller()
        self._token = instance.sign_in()
        provider = "Microsoft.ContainerService/managedClusters"
        url = f"{instance.subscription_url}/resourceGroups/{GROUP}/providers/{provider}/{name}"
        self._url = url
        self._query = f"?api-version={VERSION}"

    def create(self) -> float:
        """Return after how many seconds its node takes pods, as ARM says."""
        pool = {"name": "one", "mode": "System", "count": 1, "vmSize": SIZE}
        body = {
            "location": "westeurope",
            "identity": {"type": "SystemAssigned"},
            "properties": {"dnsPrefix": "bench", "agentPoolProfiles": [pool]},
        }
        return self._put(self._url, body)

    def scale(self, count: int) -> float:
        """Return after how many seconds there are so many nodes that take pods."""
        body = {"properties": {"count": count, "mode": "System", "vmSize": SIZE}}
        return self._put(f"{self._url}/agentPools/one", body)

    def delete(self) -> None:
        """Return once it is gone."""
        self._call("DELETE", self._url).expect(202, 204)
        wait_until(lambda: self._call("GET", self._url).status == 404, _PATIENCE_S, "the end")

    def open_api(self) -> "Kube":
        """Return its API as an administrator's."""
        url = f"{self._url}/listClusterAdminCredential"
        told = self._call("POST", url).expect(200).json()
        config = json.loads(base64.b64decode(told["kubeconfigs"][0]["value"]))
        cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
        texts = (
            cluster["certificate-authority-data"],
            user["client-certificate-data"],
            user["client-key-data"],
        )
        authority, certificate, key = (base64.b64decode(text) for text in texts)
        with tempfile.NamedTemporaryFile() as file:
            file.write(certificate + key)
            file.flush()
            context = ssl.create_default_context(cadata=authority.decode())
            context.load_cert_chain(file.name)
        return Kube(self._find_address(), context)

    def list_processes(self) -> set[int]:
        """Return all that runs of the one cluster that is there: its pods too."""
        notes = Path("/run/silo", self._instance.settings.id).glob("clusters/*/processes/*.json")
        pids = (int(json.loads(note.read_text())[0]) for note in notes)
        return {pid for each in pids for pid in list_tree(each)}

    def _find_address(self) -> str:
        """Return where the API server is, as Silo's name server says."""
        name = self._call("GET", self._url).expect(200).json()["properties"]["fqdn"]
        host, _, port = self._instance.endpoints["dns"].rpartition(":")
        answer = dnslib.DNSRecord.parse(dnslib.DNSRecord.question(name).send(host, int(port)))
        return str(answer.short().splitlines()[-1])

    def _put(self, url: str, body: dict[str, Any]) -> float:
        start = time.perf_counter()
        self._call("PUT", url, body).expect(200, 201)

        def settled() -> bool:
            found = self._call("GET", url).expect(200).json()["properties"]
            if found["provisioningState"] == "Failed":
                raise AssertionError(found)
            return bool(found["provisioningState"] == "Succeeded")

        wait_until(settled, _PATIENCE_S, f"{url}", _EVERY_S)
        return time.perf_counter() - start

    def _call(self, method: str, url: str, body: dict[str, Any] | None = None) -> Any:
        given = {"document": body} if body is not None else {}
        return self._caller.call(method, f"{url}{self._query}", token=self._token, **given)


class Kube:
    """The API of a cluster, over one connection that is kept."""

    def __init__(
        self, address: str, context: ssl.SSLContext, *, network: Path | None = None
    ) -> None:
        self._address = address
        self._context = context
        self._network = network
        """The network namespace to ask from, if it is another one."""
        self._link: http.client.HTTPSConnection | None = None

    def deploy(self, name: str, replicas: int, timeout_s: float = _PATIENCE_S) -> float:
        """Return after how many seconds so many pods of an image that is there are available."""
        labels = {"app": name}
        container = {"name": "pause", "image": PAUSE, "imagePullPolicy": "Never"}
        spec = {
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {"containers": [container], "terminationGracePeriodSeconds": 0},
            },
        }
        start = time.perf_counter()
        self.ask("POST", _DEPLOYMENTS, {"metadata": {"name": name}, "spec": spec})

        def available() -> bool:
            status = self.ask("GET", f"{_DEPLOYMENTS}/{name}")["status"]
            return bool(status.get("availableReplicas") == replicas)

        wait_until(available, timeout_s, f"{replicas} pods", _EVERY_S)
        return time.perf_counter() - start

    def remove(self, name: str) -> None:
        """Return once a Deployment's pods are gone."""
        path = f"{_DEPLOYMENTS}/{name}?propagationPolicy=Background"
        self.ask("DELETE", path)
        pods = f"/api/v1/namespaces/default/pods?labelSelector=app%3D{name}"
        wait_until(lambda: not self.ask("GET", pods)["items"], _PATIENCE_S, "the end", _EVERY_S)

    def time_gets(self, count: int) -> list[float]:
        """Return how many milliseconds each GET of one object took."""
        found = []
        for _ in range(count):
            start = time.perf_counter()
            self.ask("GET", "/api/v1/namespaces/default/services/kubernetes")
            found.append((time.perf_counter() - start) * 1000)
        return found

    def close(self) -> None:
        if self._link is not None:
            self._link.close()
        self._link = None

    def ask(self, method: str, path: str, document: Any = None) -> Any:
        """Ask, and insist on success."""
        link = self._link = self._link or self._open()
        body = None if document is None else json.dumps(document).encode()
        link.request(method, path, body, {"Content-Type": "application/json"})
        answer = link.getresponse()
        told = answer.read()
        if answer.status >= http.HTTPStatus.BAD_REQUEST:
            raise AssertionError(f"{method} {path}: {answer.status} {told[:500]!r}")
        return json.loads(told)

    def _open(self) -> http.client.HTTPSConnection:
        link = http.client.HTTPSConnection(self._address, context=self._context, timeout=30)
        # A socket stays in the namespace that it was made in.
        with netns.entered(self._network):
            link.connect()
        return link
