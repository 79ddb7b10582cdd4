"""A cluster as anybody makes one: Silo, a registry of its own, ``az aks create``."""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dnslib import DNSRecord

from silo import kube
from tools import programs
from tools.azure import Az
from tools.instance import SILO, Instance, find_port
from tools.strangers import SetupFailed

from . import build, images

GROUP, NAME = "conformance", "conformance"
REGISTRY = "conformance"
NODES, SIZE, POLICIES = 2, "Standard_B2s", "azure"
_CREATE_S = 900.0
_DNS_S = 10


@dataclass(frozen=True, slots=True)
class Cluster:
    """What the tests are told of the cluster that they judge."""

    folder: Path
    """Where everything of it is: Silo's state, and what runs left."""

    @property
    def kubeconfig(self) -> Path:
        """An administrator's, by the address of the cluster."""
        return self.folder / "kubeconfig"

    @property
    def repositories(self) -> Path:
        """Which registries the tests take their images from."""
        return self.folder / "repositories.json"

    @property
    def kubectl(self) -> Path:
        """The command of the version that the cluster is."""
        return self.folder / "kubectl"


def find_kit() -> kube.Kit:
    """Return the programs of the version that is judged.

    Raises:
        SetupFailed: they are not built.

    """
    kit = kube.find_kits().get(build.VERSION)
    if kit is None:
        raise SetupFailed(f"Kubernetes {build.VERSION} is not built here")
    return kit


def ensure_up(folder: Path) -> Cluster:
    """Make Silo, the images and the cluster in a folder, or take what is there."""
    folder.mkdir(parents=True, exist_ok=True)
    instance = _start(folder / "silo")
    cluster = Cluster(folder)
    if cluster.repositories.exists():
        return cluster
    environment = instance.environment(folder)
    az = Az(environment, folder / "az")
    principal = instance.credentials["servicePrincipal"]
    az.sign_in(instance.tenant, principal["clientId"], principal["clientSecret"])
    az("group", "create", "-n", GROUP, "-l", "westeurope")
    registry = az("acr", "create", "-n", REGISTRY, "-g", GROUP, "--sku", "Premium")
    server = registry["loginServer"]
    print(f"pushing images to {server}", flush=True)
    _push(folder, server, f"{principal['clientId']}:{principal['clientSecret']}", environment)
    print("az aks create", flush=True)
    made = (
        *("aks", "create", "-g", GROUP, "-n", NAME, "--no-ssh-key", "--attach-acr", REGISTRY),
        *("--kubernetes-version", build.VERSION, "--node-count", str(NODES)),
        *("--node-vm-size", SIZE, "--network-plugin", "azure", "--network-plugin-mode", "overlay"),
        *("--network-policy", POLICIES),
    )
    programs.succeed(az.run(*made, timeout_s=_CREATE_S))
    _write_access(cluster, az, instance)
    _write_repositories(cluster, server)
    return cluster


def down(folder: Path) -> None:
    """End all of it."""
    state = str(folder / "silo")
    programs.run([SILO, "down", "--groups", "--state", state], programs.plain_environment())


def _start(state: Path) -> Instance:
    instance = Instance(state, find_port())
    if instance.silo("status", "--json", check=False).code:
        # Most of the tests' pods do little.
        options = ("--clusters", "--cpu-overcommit", "16", "--detach")
        up = (str(SILO), "up", "--state", str(state), "--port", str(instance.port), *options)
        programs.succeed(programs.run(up, programs.plain_environment()))
    return instance


def _push(folder: Path, server: str, credentials: str, environment: Mapping[str, str]) -> None:
    """Make the images and bring them to the registry."""
    layout = folder / "images"
    tags = images.make(layout, build.KIT.folder / "bin", find_kit().kubernetes)
    secret = folder / "push.json"
    secret.touch(mode=0o600)
    word = base64.b64encode(credentials.encode()).decode()
    secret.write_text(json.dumps({"auths": {server: {"auth": word}}}))
    for name, tag in tags.items():
        places = (f"oci:{layout}:{tag}", f"docker://{server}/{name}")
        copy = ("skopeo", "copy", "--authfile", str(secret), *places)
        programs.succeed(programs.run(copy, environment))
    secret.unlink()


def _write_access(cluster: Cluster, az: Az, instance: Instance) -> None:
    place = ("--overwrite-existing", "--file", str(cluster.kubeconfig))
    words = ("-g", GROUP, "-n", NAME, "--admin", *place)
    programs.succeed(az.run("aks", "get-credentials", *words))
    kubectl = find_kit().kubernetes
    cluster.kubectl.write_text(f'#!/bin/sh\nexec {kubectl} kubectl "$@"\n')
    cluster.kubectl.chmod(0o755)
    # Not all of the tests ask by a proxy, and this machine's own DNS knows nothing of clusters.
    fqdn = az.text("aks", "show", "-g", GROUP, "-n", NAME, "--query", "fqdn")
    address = f"https://{_resolve(instance, fqdn)}:443"
    config = ("config", "set", f"clusters.{NAME}.server", address)
    command = (str(cluster.kubectl), f"--kubeconfig={cluster.kubeconfig}", *config)
    programs.succeed(programs.run(command, programs.plain_environment()))


def _resolve(instance: Instance, name: str) -> str:
    """Ask Silo's DNS for the address of a name."""
    host, _, port = instance.endpoints["dns"].rpartition(":")
    answer = DNSRecord.parse(DNSRecord.question(name).send(host, int(port), timeout=_DNS_S))
    return str(answer.short())


def _write_repositories(cluster: Cluster, server: str) -> None:
    told: dict[str, Any] = {
        "promoterE2eRegistry": f"{server}/{images.E2E}",
        "gcRegistry": server,
        "gcEtcdRegistry": server,
    }
    part = cluster.repositories.with_suffix(".part")
    part.write_text(json.dumps(told))
    part.replace(cluster.repositories)
