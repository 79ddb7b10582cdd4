"""The last part of the tour: a managed cluster, made, secured, and used by a developer."""

import os
import re
import secrets
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from silo_kubernetes import build

from . import images, programs
from .strangers import az_path
from .visitor import Visitor

if TYPE_CHECKING:
    from .demo import Tour
    from .instance import Instance

CLUSTER, SPACE, DEVELOPER = "k", "shop", "dev@silo.localhost"
PASSWORD = f"Aa9-{secrets.token_urlsafe(12)}"
PATIENCE_S = 120.0
QUICK = ("-o", "none")
FORBIDDEN = re.compile("Forbidden")
ROLE = "Azure Kubernetes Service"
REPLICAS = 4

SHOP = """\
apiVersion: apps/v1
kind: Deployment
metadata: {{name: shop}}
spec:
  selector: {{matchLabels: {{app: shop}}}}
  template:
    metadata: {{labels: {{app: shop}}}}
    spec:
      terminationGracePeriodSeconds: 5
      containers:
      - name: shop
        image: {image}:1
        readinessProbe: {{httpGet: {{path: /, port: 80}}, periodSeconds: 1}}
        lifecycle: {{preStop: {{sleep: {{seconds: 3}}}}}}   # who still comes is answered
---
apiVersion: v1
kind: Service
metadata: {{name: shop}}
spec:
  type: LoadBalancer
  selector: {{app: shop}}
  ports: [{{port: 80}}]
"""
POLICY = """\
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: closed}
spec:
  podSelector: {matchLabels: {app: shop}}
  ingress:
  - from: [{podSelector: {matchLabels: {let: in}}}]
"""
CLAIM = """\
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: notes}
spec:
  accessModes: [ReadWriteOnce]
  resources: {requests: {storage: 1Gi}}
"""
POD = """\
apiVersion: v1
kind: Pod
metadata: {{name: {name}}}
spec:
  terminationGracePeriodSeconds: 0
  containers:
  - name: {name}
    image: {image}:1
    volumeMounts: [{{name: notes, mountPath: /notes}}]
  volumes: [{{name: notes, persistentVolumeClaim: {{claimName: notes}}}}]
"""


class Yard:
    """What the cluster of the tour is made from, and who works on it."""

    def __init__(self, tour: "Tour", instance: "Instance", group: str, server: str) -> None:
        self.tour = tour
        self.instance = instance
        self.names = ("-g", group, "-n", CLUSTER)
        self.registry = server.partition(".")[0]
        self.image = f"{server}/team/shop"
        # By az alone: the other way needs kubelogin.
        self.credentials = ("az", "aks", "get-credentials", *self.names, "--format", "azure")
        self.id = ""

    def kubectl(self, *words: str, says: str = "") -> str:
        """Run kubectl in the developer's namespace."""
        return self.tour.do("kubectl", *words, says=says).out

    def apply(self, manifest: str) -> None:
        """Show a manifest and have it be so."""
        self.tour.show(f"$ kubectl apply -f - <<'END'\n{manifest}END")
        told = self.tour.look("kubectl", "apply", "-f", "-", stdin=manifest)
        self.tour.show(programs.succeed(told).out.rstrip())

    def wait(self, *pods: str) -> None:
        """Wait until pods are ready."""
        names = (f"pod/{pod}" for pod in pods)
        self.kubectl("wait", *names, "--for=condition=Ready", "--timeout=1m")

    def roll_out(self) -> None:
        """Wait until the Deployment is as it was last described."""
        words = ("rollout", "status", "deployment/shop", "--timeout=2m")
        self.tour.settle("kubectl", *words, says="successfully rolled out")

    def fetch(self, pod: str) -> tuple[str, ...]:
        """Return the words that ask the shop for its page from within a pod."""
        # By address, for a static program of glibc's cannot look names up without glibc.
        ask = "busybox timeout 3 busybox wget -q -O - http://$SHOP_SERVICE_HOST/"
        return ("exec", pod, "--", "busybox", "sh", "-c", ask)


def run_cluster(tour: "Tour", instance: "Instance", group: str, server: str, folder: Path) -> None:
    """Make a cluster, let a developer in, and have the developer work."""
    yard = Yard(tour, instance, group, server)
    tour.environment = with_kubectl(tour.environment, folder / "first")
    mine = tour.environment
    push_versions(yard, folder)
    make_cluster(yard)
    let_developer_in(yard)
    tour.environment = with_kubectl(instance.environment(folder / "dev"), folder / "dev")
    sign_in(yard)
    refused_elsewhere(yard)
    roll(yard, deploy(yard))
    closed_by_policy(yard)
    kept_on_disk(yard)
    tour.environment = mine
    explain(yard)


def with_kubectl(environment: Mapping[str, str], folder: Path) -> dict[str, str]:
    """Return an environment in which kubectl keeps everything in one folder, and finds az."""
    path = os.pathsep.join((str(az_path().parent), environment["PATH"]))
    files = {"KUBECONFIG": str(folder / "kubeconfig"), "KUBECACHEDIR": str(folder / "kubectl")}
    brief = {"AZURE_CORE_ONLY_SHOW_ERRORS": "yes", "AZURE_CORE_DISABLE_PROGRESS_BAR": "yes"}
    return {**environment, **files, **brief, "PATH": path}


def push_versions(yard: Yard, folder: Path) -> None:
    """Push two versions of a page that is served."""
    tour = yard.tour
    tour.title("Two versions of a shop, for a cluster")
    tour.do("az", "acr", "login", "-n", yard.registry, says="Login Succeeded")
    for version in ("1", "2"):
        context = images.make_web_context(folder / f"shop-{version}", f"version {version}")
        name = f"{yard.image}:{version}"
        tour.do("docker", "build", "--quiet", "--tag", name, context)
        tour.do("docker", "push", "--quiet", name)


def make_cluster(yard: Yard) -> None:
    """Make a cluster that pulls from the registry and hands nobody a certificate."""
    tour = yard.tour
    tour.title("A Kubernetes cluster: may pull from the registry, people by Entra ID, closed else")
    create = ["az", "aks", "create", *yard.names, "--attach-acr", yard.registry]
    size = ["--node-count", "1", "--node-vm-size", "Standard_B2s", "--no-ssh-key"]
    network = ["--network-plugin", "azure", "--network-policy", "azure"]
    people = ["--enable-aad", "--enable-azure-rbac", "--disable-local-accounts"]
    query = "{id:id, version:currentKubernetesVersion, fqdn:fqdn, state:provisioningState}"
    start = time.monotonic()
    made = tour.do(*create, *size, *people, *network, "--query", query).json
    tour.show(f"  ↳ the node is ready after {time.monotonic() - start:.0f} seconds, az included")
    yard.id = tour.hide("CLUSTER_ID", made["id"])
    static = re.compile("set to disable local accounts")
    tour.refused("az", "aks", "get-credentials", *yard.names, "--admin", reason=static)


def let_developer_in(yard: Yard) -> None:
    """Give a developer one namespace, by Azure's roles alone."""
    tour = yard.tour
    tour.title("A developer, who gets one namespace and no other")
    named = ["--display-name", "dev", "--user-principal-name", DEVELOPER]
    password = tour.hide("DEVELOPER_PASSWORD", PASSWORD)
    tour.do("az", "ad", "user", "create", *named, "--password", password, *QUICK)
    assign = ["az", "role", "assignment", "create", "--assignee"]
    own = yard.instance.credentials["servicePrincipal"]["clientId"]
    for who, role, scope in (
        (own, "RBAC Cluster Admin", ""),
        (DEVELOPER, "Cluster User Role", ""),
        (DEVELOPER, "RBAC Writer", f"/namespaces/{SPACE}"),
    ):
        words = [who, "--role", f"{ROLE} {role}", "--scope", f"{yard.id}{scope}"]
        tour.do(*assign, *words, *QUICK)
    tour.do(*yard.credentials, *QUICK)
    yard.kubectl("create", "namespace", SPACE)


def sign_in(yard: Yard) -> None:
    """Have the developer sign in with az, and by that with kubectl."""
    tour = yard.tour
    tour.title("In the developer's own shell")
    login = ["az", "login", "-u", DEVELOPER, "-p", PASSWORD, "--allow-no-subscriptions"]
    tour.do(*login, *QUICK)
    tour.do(*yard.credentials, *QUICK)
    yard.kubectl("config", "set-context", "--current", f"--namespace={SPACE}")
    tour.do("kubectl", "auth", "whoami", says=DEVELOPER)


def refused_elsewhere(yard: Yard) -> None:
    """Have the developer try what is not the developer's."""
    tour = yard.tour
    tour.title("Elsewhere the developer is refused")
    tour.refused("kubectl", "get", "nodes", reason=FORBIDDEN)
    tour.refused("kubectl", "-n", "kube-system", "get", "secrets", reason=FORBIDDEN)
    run = ["kubectl", "-n", "default", "run", "spy", f"--image={yard.image}:1"]
    tour.refused(*run, reason=FORBIDDEN)


def deploy(yard: Yard) -> str:
    """Deploy by a manifest and scale; return the address."""
    tour = yard.tour
    tour.title("Deploy, by a manifest")
    yard.apply(SHOP.format(image=yard.image))
    yard.roll_out()
    query = "jsonpath={.status.loadBalancer.ingress[0].ip}"
    yard.kubectl("wait", "service/shop", f"--for={query}", "--timeout=1m")
    address = yard.kubectl("get", "service", "shop", "-o", query).strip()
    curl = ["curl", "--silent", "--show-error", "--max-time", "10", "--retry", "5"]
    tour.do(*curl, "--retry-connrefused", f"http://{address}/", says="version 1")
    tour.title("Scale")
    yard.kubectl("scale", "deployment/shop", f"--replicas={REPLICAS}")
    yard.roll_out()
    yard.kubectl("get", "deployment", "shop", says=f"{REPLICAS}/{REPLICAS}")
    return address


def roll(yard: Yard, address: str) -> None:
    """Roll to another version and back while somebody asks all the time."""
    tour = yard.tour
    tour.title(f"Roll and roll back, while somebody asks http://{address}/ all the time")
    with Visitor(address, pause_s=0.02) as visitor:
        for step, page in (
            (("set", "image", "deployment/shop", f"shop={yard.image}:2"), "version 2"),
            (("rollout", "undo", "deployment/shop"), "version 1"),
        ):
            yard.kubectl(*step)
            yard.roll_out()
            # A moment later the last node has heard which pods there are now.
            tour.wait_for("curl", "--silent", "--max-time", "10", f"http://{address}/", says=page)
    told = ", ".join(f"{count} times {page!r}" for page, count in sorted(visitor.answers.items()))
    tour.show(f"  ↳ meanwhile {visitor.answered} requests: {told}; {len(visitor.failed)} failed")
    tour.insist(not visitor.failed, f"none may fail: {visitor.failed[:3]}")
    tour.insist(len(visitor.answers) > 1, "both versions have to be seen")


def closed_by_policy(yard: Yard) -> None:
    """Close the shop to a pod next door, by a network policy."""
    tour = yard.tour
    tour.title("A network policy, and a visitor in the cluster whom it does not let in")
    for pod, label in (("visitor", "let=nobody"), ("guest", "let=in")):
        yard.kubectl("run", pod, f"--image={yard.image}:1", f"--labels={label}")
    yard.wait("visitor", "guest")
    yard.kubectl(*yard.fetch("visitor"), says="version 1")
    yard.apply(POLICY)
    until = time.monotonic() + PATIENCE_S
    # Who comes in the moment before the node has heard of the policy is still let in.
    while tour.look("kubectl", *yard.fetch("visitor")).code == 0:
        tour.insist(time.monotonic() < until, "the policy has to be enforced")
    # What busybox's timeout ends with: nobody answered.
    tour.refused("kubectl", *yard.fetch("visitor"), reason=re.compile("exit code 143"))
    yard.kubectl(*yard.fetch("guest"), says="version 1")


def kept_on_disk(yard: Yard) -> None:
    """Write to a disk in one pod and read it in another."""
    tour = yard.tour
    tour.title("A disk that outlives its pod and is attached to another")
    yard.apply(CLAIM + "---\n" + POD.format(name="writer", image=yard.image))
    yard.wait("writer")
    write = "echo written by the first pod > /notes/note"
    yard.kubectl("exec", "writer", "--", "busybox", "sh", "-c", write)
    yard.kubectl("delete", "pod", "writer")
    yard.apply(POD.format(name="reader", image=yard.image))
    yard.wait("reader")
    read = ("exec", "reader", "--", "busybox", "cat", "/notes/note")
    yard.kubectl(*read, says="written by the first pod")


def explain(yard: Yard) -> None:
    """Ask why the developer was refused, and see it in the log; take the cluster away."""
    tour = yard.tour
    tour.title("Back in the first shell: why the developer was refused, and what the log has of it")
    action = "Microsoft.ContainerService/managedClusters/secrets/read"
    why = ["silo", "why", "--data", DEVELOPER, action, f"{yard.id}/namespaces/kube-system"]
    tour.refused(*why, reason=re.compile("does not cover"))
    query = "[].{what:operationName.value, result:status.value}"
    listing = ["az", "monitor", "activity-log", "list", *yard.names[:2], "--offset", "1h"]
    listing += ["--caller", DEVELOPER, "--query", query, "-o", "table"]
    tour.do(*listing, says="managedClusters/secrets/read")
    tour.do("az", "aks", "delete", *yard.names, "--yes", *QUICK)


def kubectl_path() -> list[str | Path]:
    """Return the words that run kubectl: it is one of the programs that clusters consist of."""
    return [build.KITS[build.DEFAULT].folder / "bin" / "kubernetes", "kubectl"]
