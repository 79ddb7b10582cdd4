"""What pods keep: in themselves, together, and after each other; and how much of it."""

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.wire import aks
from tests.wire.aks import KITS, Cluster
from tools import programs
from tools.azure import Az, Registry
from tools.containers import Image
from tools.instance import Instance

if os.geteuid() != 0:
    pytest.skip("clusters need root", allow_module_level=True)
if not KITS:
    pytest.skip("no Kubernetes is built here (make kubernetes)", allow_module_level=True)

MIB = 1 << 20


@pytest.fixture(scope="module")
def cluster(
    silo: Instance,
    az: Az,
    registry: Registry,
    probe_image: Image,
    make_group: Callable[[], str],
    unique: Callable[[str], str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Cluster]:
    """Make a cluster of two nodes, which leaves nothing mounted behind."""
    folder, options = tmp_path_factory.mktemp("cluster"), ("--attach-acr", registry.name)
    options = (*options, "--node-count", "2")
    with aks.made(az, make_group(), unique("cluster"), folder, *options) as made:
        made.apply(*describe_greedy(probe_image))
        yield made
        accounts = az("storage", "account", "list", "-g", made.do("show")["nodeResourceGroup"])
    for folder in ("kube", *(f"shares/{one['name']}" for one in accounts)):
        assert str(silo.state / folder) not in list_loops()


def list_loops() -> str:
    words = ["losetup", "--list", "--noheadings", "--output", "BACK-FILE"]
    return subprocess.run(words, capture_output=True, text=True, check=True, timeout=60).stdout


def describe_pod(
    image: Image, name: str, volume: dict[str, Any], *, node: str = "", words: str = "", **more: Any
) -> dict[str, Any]:
    """Return a pod that runs these words with a volume at /data, and stays."""
    container = {
        "name": "pod",
        "image": image.reference,
        "command": ["/bin/sh", "-c", f"{words or ':'}; exec sleep 9999"],
        "volumeMounts": [{"name": "data", "mountPath": "/data"}],
        **more,
    }
    spec = {
        "terminationGracePeriodSeconds": 1,
        "containers": [container],
        "volumes": [{"name": "data", **volume}],
        "nodeSelector": {"kubernetes.io/hostname": node} if node else {},
    }
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec}


def describe_greedy(image: Image) -> list[dict[str, Any]]:
    """Return pods that write more than they may; kubelet looks every ten seconds."""
    write = "dd if=/dev/zero of={}/large bs=1M count=30"
    limits = {"limits": {"ephemeral-storage": "10Mi"}}
    folder, layer = {"emptyDir": {"sizeLimit": "10Mi"}}, {"emptyDir": {}}
    return [
        describe_pod(image, "folder", folder, words=write.format("/data")),
        describe_pod(image, "layer", layer, words=write.format("/tmp"), resources=limits),
    ]


def describe_claim(name: str, class_: str = "default", **more: Any) -> dict[str, Any]:
    mode = "ReadWriteMany" if class_.startswith("azurefile") else "ReadWriteOnce"
    asked = {"requests": {"storage": "1Gi"}}
    spec = {"storageClassName": class_, "accessModes": [mode], "resources": asked, **more}
    metadata = {"name": name}
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata, "spec": spec}


def use(claim: str) -> dict[str, Any]:
    return {"persistentVolumeClaim": {"claimName": claim}}


def do(cluster: Cluster, pod: str, words: str) -> programs.Outcome:
    """Run words in a pod."""
    return cluster.kubectl("exec", pod, "--", "/bin/sh", "-c", words)


def read(cluster: Cluster, pod: str, path: str) -> str:
    return do(cluster, pod, f"cat {path}").out.strip()


def remove(cluster: Cluster, *what: str) -> None:
    programs.succeed(cluster.kubectl("delete", *what))


def list_names(cluster: Cluster) -> tuple[str, str]:
    """Return the names of the two nodes."""
    first, second = sorted(one["metadata"]["name"] for one in cluster.read("nodes")["items"])
    return first, second


def list_volumes(cluster: Cluster) -> dict[str, str]:
    """Return the volumes of the cluster, and what has become of each."""
    return {one["metadata"]["name"]: one["status"]["phase"] for one in cluster.read("pv")["items"]}


def find_volume(cluster: Cluster, claim: str) -> str:
    return str(cluster.read("pvc", claim)["spec"]["volumeName"])


def find_size(cluster: Cluster, claim: str) -> str:
    return str(cluster.read("pvc", claim)["status"]["capacity"]["storage"])


def find_quota(share: dict[str, Any]) -> int:
    """Return a share's quota as `az storage share list` shows it."""
    return int(share.get("properties", share)["quota"])


def count_mebibytes(cluster: Cluster, pod: str) -> int:
    """Return how large a pod finds its volume."""
    said = programs.succeed(do(cluster, pod, "df -m /data")).out
    return int(said.splitlines()[-1].split()[-5])


def grow(cluster: Cluster, claim: str, size: str) -> None:
    wanted = json.dumps({"spec": {"resources": {"requests": {"storage": size}}}})
    programs.succeed(cluster.kubectl("patch", "pvc", claim, "-p", wanted))


def test_local_storage_goes_with_its_pod_and_a_disk_follows_its_claim_to_another_node(
    cluster: Cluster, probe_image: Image
) -> None:
    here, there = list_names(cluster)
    write = "test -e /data/note && echo again >/data/note || echo first >/data/note"
    claim = describe_claim("disk")
    for node in (here, there):
        cluster.apply(
            claim,
            describe_pod(probe_image, "local", {"emptyDir": {}}, node=here, words=write),
            describe_pod(probe_image, "disk", use("disk"), node=node, words=write),
        )
        for pod in ("local", "disk"):
            cluster.wait_phase(pod, "Running")
        assert cluster.wait(lambda: read(cluster, "local", "/data/note")) == "first"
        kept = "first" if node == here else "again"
        assert cluster.wait(lambda: read(cluster, "disk", "/data/note")) == kept
        remove(cluster, "pod", "local", "disk")

    volume = find_volume(cluster, "disk")
    remove(cluster, "pvc", "disk")
    cluster.wait(lambda: volume not in list_volumes(cluster))


def test_share_is_written_by_pods_of_two_nodes_and_by_az(
    az: Az, cluster: Cluster, probe_image: Image, tmp_path: Path
) -> None:
    nodes = list_names(cluster)
    pods = [
        describe_pod(probe_image, f"on-{i}", use("shared"), node=node, words=f"echo {i} >/data/{i}")
        for i, node in enumerate(nodes)
    ]
    cluster.apply(describe_claim("shared", "azurefile-csi"), *pods)
    for i in (0, 1):
        cluster.wait_phase(f"on-{i}", "Running")
        # Each sees what the other wrote.
        assert cluster.wait(lambda i=i: read(cluster, f"on-{i}", f"/data/{1 - i}")) == str(1 - i)

    group = cluster.do("show")["nodeResourceGroup"]
    (account,) = az("storage", "account", "list", "-g", group)
    (key, *_) = az("storage", "account", "keys", "list", "-g", group, "-n", account["name"])
    access = ("--account-name", account["name"], "--account-key", key["value"])
    volume = find_volume(cluster, "shared")
    (share,) = az("storage", "share", "list", *access)
    assert (share["name"], find_quota(share)) == (volume, 1)
    listed = az("storage", "file", "list", "--share-name", volume, *access)
    assert sorted(one["name"] for one in listed) == ["0", "1"]
    local = tmp_path / "az"
    local.write_text("from az")
    where = ("--share-name", volume, *access, "--no-progress")
    az("storage", "file", "upload", *where, "--source", str(local))
    assert read(cluster, "on-1", "/data/az") == "from az"
    # Whoever wrote it, root in a pod may write to it.
    programs.succeed(do(cluster, "on-0", "echo more >>/data/az"))
    az("storage", "file", "download", *where, "--path", "az", "--dest", str(local))
    assert local.read_text() == "from azmore\n"

    full = do(cluster, "on-0", "dd if=/dev/zero of=/data/large bs=1M count=1200")
    assert "No space left" in full.err
    programs.succeed(do(cluster, "on-0", "rm /data/large"))
    grow(cluster, "shared", "2Gi")
    remove(cluster, "pod", "on-0", "on-1")
    cluster.wait(lambda: find_size(cluster, "shared") == "2Gi")
    (share,) = az("storage", "share", "list", *access)
    assert find_quota(share) == 2
    cluster.apply(pods[0])
    cluster.wait_phase("on-0", "Running")
    assert count_mebibytes(cluster, "on-0") > 1500
    assert read(cluster, "on-0", "/data/az") == "from azmore"

    remove(cluster, "pod", "on-0")
    remove(cluster, "pvc", "shared")
    cluster.wait(lambda: az("storage", "share", "list", *access) == [])


def test_disk_is_as_large_as_it_was_asked_for_and_grows(
    cluster: Cluster, probe_image: Image
) -> None:
    node, _ = list_names(cluster)
    pods = [describe_pod(probe_image, one, use(one), node=node) for one in ("full", "other")]
    cluster.apply(describe_claim("full"), describe_claim("other"), *pods)
    for one in ("full", "other"):
        cluster.wait_phase(one, "Running")

    filled = do(cluster, "full", "dd if=/dev/zero of=/data/large bs=1M count=1200")
    assert "No space left" in filled.err
    programs.succeed(do(cluster, "other", "dd if=/dev/zero of=/data/some bs=1M count=5"))

    programs.succeed(do(cluster, "full", "rm /data/large; echo kept >/data/note"))
    grow(cluster, "full", "2Gi")
    cluster.wait(
        lambda: (
            cluster.read("pvc", "full")["status"].get("conditions")
            or find_size(cluster, "full") == "2Gi"
        )
    )
    remove(cluster, "pod", "full")
    cluster.wait(lambda: find_size(cluster, "full") == "2Gi")
    assert not cluster.read("pvc", "full")["status"].get("conditions")
    cluster.apply(pods[0])
    cluster.wait_phase("full", "Running")
    assert count_mebibytes(cluster, "full") > 1500
    assert read(cluster, "full", "/data/note") == "kept"


def test_disk_is_at_one_node_at_a_time(cluster: Cluster, probe_image: Image) -> None:
    here, there = list_names(cluster)
    cluster.apply(
        describe_claim("single"), describe_pod(probe_image, "holder", use("single"), node=here)
    )
    cluster.wait_phase("holder", "Running")
    cluster.apply(describe_pod(probe_image, "waiter", use("single"), node=there))

    def find_refusal() -> str:
        about = ("--field-selector", "involvedObject.name=waiter,reason=FailedAttachVolume")
        return "".join(one["message"] for one in cluster.read("events", *about)["items"])

    assert "Multi-Attach error" in cluster.wait(find_refusal)
    assert cluster.read("pod", "waiter")["status"]["phase"] == "Pending"
    remove(cluster, "pod", "holder")
    cluster.wait_phase("waiter", "Running")
    remove(cluster, "pod", "waiter")


def test_disk_is_kept_where_its_class_says_so(cluster: Cluster, probe_image: Image) -> None:
    kept = {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {"name": "kept"},
        "provisioner": "disk.csi.azure.com",
        "reclaimPolicy": "Retain",
        "volumeBindingMode": "Immediate",
    }
    cluster.apply(kept, describe_claim("old", "kept"))
    cluster.wait(lambda: cluster.read("pvc", "old")["status"]["phase"] == "Bound")
    name = find_volume(cluster, "old")

    remove(cluster, "pvc", "old")
    cluster.wait(lambda: list_volumes(cluster).get(name) == "Released")

    # Whoever administers the cluster gives it to another claim.
    free = json.dumps({"spec": {"claimRef": None}})
    programs.succeed(cluster.kubectl("patch", "pv", name, "--type=merge", "-p", free))
    again = describe_claim("new", "kept", volumeName=name)
    cluster.apply(again, describe_pod(probe_image, "heir", use("new")))
    cluster.wait_phase("heir", "Running")


def test_who_writes_more_into_himself_than_he_may_is_evicted(cluster: Cluster) -> None:
    for pod in ("folder", "layer"):
        cluster.wait_phase(pod, "Failed")
        assert cluster.read("pod", pod)["status"]["reason"] == "Evicted"


def test_what_was_backed_up_comes_back(
    silo: Instance, cluster: Cluster, probe_image: Image, tmp_path: Path
) -> None:
    node, _ = list_names(cluster)
    space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "work"}}
    told = {**space, "kind": "ConfigMap", "data": {"told": "before"}}
    told["metadata"] = {"name": "told", "namespace": "work"}
    pod = describe_pod(probe_image, "keeper", use("backed-up"), node=node)
    cluster.apply(space, told, describe_claim("backed-up"), pod)
    cluster.wait_phase("keeper", "Running")
    programs.succeed(do(cluster, "keeper", "echo before >/data/note; sync"))
    archive = tmp_path / "archive"
    where = (cluster.name, "-g", cluster.group)

    silo.silo("cluster", "backup", *where, "--to", str(archive))
    assert archive.stat().st_mode & 0o777 == 0o600
    cluster.wait(lambda: read(cluster, "keeper", "/data/note") == "before")
    programs.succeed(do(cluster, "keeper", "echo after >/data/note; sync"))
    remove(cluster, "namespace", "work")
    silo.silo("cluster", "restore", *where, "--from", str(archive))

    assert cluster.read("-n", "work", "configmap", "told")["data"] == {"told": "before"}
    cluster.wait(lambda: read(cluster, "keeper", "/data/note") == "before")
    refused = silo.silo("cluster", "restore", *where, "--from", str(Path(__file__)), check=False)
    assert (refused.code, "cannot be read" in refused.err) == (1, True)
