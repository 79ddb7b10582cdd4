"""``az aks`` between create and delete: stopped, started, rotated, tagged, planned."""

import base64
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from tools import programs
from tools.azure import Az

from . import aks

PAUSE = "localhost/silo/pause:1"


@pytest.fixture(scope="module")
def cluster(
    az: Az,
    make_group: Callable[[], str],
    unique: Callable[[str], str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[aks.Cluster]:
    folder = tmp_path_factory.mktemp("life")
    with aks.made(az, make_group(), unique("life"), folder) as made:
        yield made


def run_pod(cluster: aks.Cluster, name: str) -> None:
    run = ("run", name, f"--image={PAUSE}", "--image-pull-policy=Never")
    programs.succeed(cluster.kubectl(*run))
    cluster.wait_phase(name, "Running")


def is_pod_ready(cluster: aks.Cluster, name: str) -> bool:
    found = cluster.kubectl("get", "pod", name, "-o", "json")
    if found.code:
        return False
    conditions = found.json["status"].get("conditions", ())
    return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)


def list_nodes_ready(cluster: aks.Cluster) -> list[bool]:
    return [
        one["status"] == "True"
        for node in cluster.read("nodes")["items"]
        for one in node["status"]["conditions"]
        if one["type"] == "Ready"
    ]


def test_group_of_nodes_and_upgrades_are_shown(cluster: aks.Cluster) -> None:
    shown = cluster.do("show")
    found = cluster.do("get-upgrades")
    pool = ("--nodepool-name", shown["agentPoolProfiles"][0]["name"])
    words = ("-g", cluster.group, "--cluster-name", cluster.name, *pool)
    of_pool = cluster.az("aks", "nodepool", "get-upgrades", *words)

    assert shown["nodeResourceGroup"] == f"MC_{cluster.group}_{cluster.name}_westeurope"
    control = found["controlPlaneProfile"]
    assert control["kubernetesVersion"] == shown["currentKubernetesVersion"]
    offered = {one["kubernetesVersion"] for one in control["upgrades"] or ()}
    assert offered <= set(aks.KITS) - {control["kubernetesVersion"]}
    assert of_pool["kubernetesVersion"] == control["kubernetesVersion"]
    assert of_pool["upgrades"] is None


def test_tags_change_and_nothing_else(cluster: aks.Cluster) -> None:
    before = cluster.do("show")
    node = cluster.read("nodes")["items"][0]["metadata"]["uid"]

    changed = cluster.do("update", "--tags", "team=blue")

    assert changed["tags"] == {"team": "blue"}
    assert changed["fqdn"] == before["fqdn"]
    assert cluster.read("nodes")["items"][0]["metadata"]["uid"] == node
    for state in ("--created", "--updated"):
        words = ("aks", "wait", *cluster.names, state, "--timeout", "60")
        programs.succeed(cluster.az.run(*words))
    # Every node is made from the latest image already, so none of them is replaced.
    programs.succeed(cluster.az.run("aks", "upgrade", *cluster.names, "--node-image-only", "--yes"))
    assert cluster.read("nodes")["items"][0]["metadata"]["uid"] == node


def test_windows_of_maintenance_are_kept(cluster: aks.Cluster) -> None:
    at = ("-g", cluster.group, "--cluster-name", cluster.name)
    own = "aksManagedAutoUpgradeSchedule"

    def do(verb: str, *words: str) -> object:
        return cluster.az("aks", "maintenanceconfiguration", verb, *at, *words)

    do("add", "-n", "default", "--weekday", "Monday", "--start-hour", "1")
    weekly = ("--schedule-type", "Weekly", "--day-of-week", "Friday", "--interval-weeks", "2")
    hours = ("--start-time", "00:00", "--duration", "8")
    do("add", "-n", own, *weekly, *hours)
    changed = do("update", "-n", own, *weekly, "--start-time", "01:30", "--duration", "5")
    listed = do("list")

    assert isinstance(changed, dict)
    assert isinstance(listed, list)
    assert changed["maintenanceWindow"]["startTime"] == "01:30"
    assert sorted(one["name"] for one in listed) == [own, "default"]
    bad = (*weekly, "--start-time", "01:30", "--duration", "3")
    update = ("aks", "maintenanceconfiguration", "update", *at, "-n", own)
    cluster.az.refused(*update, *bad, saying="durationHours")
    do("delete", "-n", "default")
    assert [one["name"] for one in cluster.az("aks", "maintenanceconfiguration", "list", *at)] == [
        own
    ]


def test_stopped_cluster_is_refused_work_and_comes_back_with_what_it_had(
    cluster: aks.Cluster,
) -> None:
    run_pod(cluster, "lasting")
    programs.succeed(cluster.az.run("aks", "stop", *cluster.names, timeout_s=aks.WAIT_S))
    stopped = cluster.do("show")
    silent = cluster.kubectl("get", "nodes", "--request-timeout=5s")
    cluster.az.refused("aks", "update", *cluster.names, "--tags", "team=red", saying="Stopped")
    cluster.az.refused("aks", "rotate-certs", *cluster.names, "--yes", saying="Stopped")
    programs.succeed(cluster.az.run("aks", "start", *cluster.names, timeout_s=aks.WAIT_S))
    started = cluster.do("show")

    assert stopped["powerState"]["code"] == "Stopped"
    assert stopped["provisioningState"] == "Succeeded"
    assert silent.code != 0
    assert started["powerState"]["code"] == "Running"
    assert started["fqdn"] == stopped["fqdn"]
    cluster.wait(lambda: is_pod_ready(cluster, "lasting"))


def test_rotated_certificates_end_the_old_ones(cluster: aks.Cluster) -> None:
    run_pod(cluster, "witness")
    made = ("create", "secret", "generic", "kept", "--from-literal=a=lasting")
    programs.succeed(cluster.kubectl(*made))
    config = cluster.folder / "config"
    old = cluster.folder / "old"
    config.rename(old)
    rotate = ("aks", "rotate-certs", *cluster.names, "--yes")
    programs.succeed(cluster.az.run(*rotate, timeout_s=aks.WAIT_S))
    programs.succeed(
        cluster.az.run("aks", "wait", *cluster.names, "--updated", timeout_s=aks.WAIT_S)
    )

    assert all(list_nodes_ready(cluster))
    kit = next(iter(aks.KITS.values()))
    command = [kit.kubernetes, "kubectl", f"--kubeconfig={old}", "get", "nodes"]
    refused = programs.run(command, cluster.az.environment)
    assert refused.code != 0
    assert "certificate" in refused.err
    cluster.wait(lambda: is_pod_ready(cluster, "witness"))
    # The key that it was encrypted with is another one, too.
    kept = cluster.read("secret", "kept")["data"]["a"]
    assert base64.b64decode(kept).decode() == "lasting"
    # What a pod is given to know its cluster by is of the new authority.
    given = cluster.read("configmap", "kube-root-ca.crt")["data"]["ca.crt"]
    made = programs.succeed(cluster.kubectl("config", "view", "--raw", "-o", "json")).json
    sealed = made["clusters"][0]["cluster"]["certificate-authority-data"]
    assert base64.b64decode(sealed).decode() == given


def test_command_runs_in_the_cluster_with_its_files(cluster: aks.Cluster) -> None:
    attached = cluster.folder / "said.txt"
    attached.write_text("from outside\n")
    node = cluster.read("nodes")["items"][0]["metadata"]["name"]

    line = "cat said.txt && kubectl get nodes -o name; kubectl get pods nothing; exit 5"
    given = ("--command", line, "--file", str(attached))
    done = cluster.az("aks", "command", "invoke", *cluster.names, *given)
    again = ("--command-id", done["id"])
    result = ("aks", "command", "result", *cluster.names, *again, "-o", "json")

    def find_result() -> Any:
        outcome = programs.succeed(cluster.az.run(*result))
        # While there is none az says so in words of its own.
        return outcome.json if outcome.out.startswith("{") else None

    shown = cluster.wait(find_result)

    assert (done["provisioningState"], done["exitCode"]) == ("Succeeded", 5)
    assert done["logs"].startswith(f"from outside\nnode/{node}\n")
    assert '"nothing" not found' in done["logs"]
    assert shown["logs"] == done["logs"]


def test_who_may_only_look_runs_no_command(
    cluster: aks.Cluster, new_az: Callable[[], Az], make_principal: Callable[..., Any], silo: Any
) -> None:
    reader = make_principal("Reader", cluster.do("show")["id"])
    az = new_az().sign_in(silo.tenant, reader.client_id, reader.secret)

    words = ("aks", "command", "invoke", *cluster.names, "--command", "kubectl get pods")
    az.refused(*words, saying="AuthorizationFailed")


def test_nothing_is_aborted_where_nothing_is_under_way(cluster: aks.Cluster) -> None:
    words = ("aks", "operation-abort", *cluster.names)

    cluster.az.refused(*words, saying="no operation in progress")


def test_pod_of_check_acr_is_refused_the_nodes_network(cluster: aks.Cluster) -> None:
    """What it would run is Microsoft's, and asks for more than pods get; az says so."""
    kubectl = cluster.folder / "bin" / "kubectl"
    kubectl.parent.mkdir()
    program = next(iter(aks.KITS.values())).kubernetes
    kubectl.write_text(f'#!/bin/sh\nexec {program} kubectl "$@"\n')
    kubectl.chmod(0o755)
    path = f"{kubectl.parent}:{cluster.az.environment['PATH']}"
    words = ("aks", "check-acr", *cluster.names, "--acr", "any.azurecr.silo.localhost")
    programs.refuse(cluster.az.run(*words, PATH=path), "violates PodSecurity")
