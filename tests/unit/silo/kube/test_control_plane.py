import json
from pathlib import Path

import pytest
from cryptography import x509
from tests.unit.silo.kube import kube_world as world

from silo import kube
from silo.kube import control_plane


@pytest.fixture(scope="module")
def paths(tmp_path_factory: pytest.TempPathFactory) -> kube.ClusterPaths:
    found = world.paths_in(tmp_path_factory.mktemp("cluster"))
    control_plane.prepare(world.PLAN, found, world.NOW)
    return found


def flags_of(paths: kube.ClusterPaths, name: str) -> dict[str, str]:
    every = control_plane.list_processes(
        world.PLAN, world.KIT, paths, Path("/run/netns/c"), "/silo/i/c"
    )
    (process,) = (one for one in every if one.name == name)
    at = process.command.index("/kit/bin/kubernetes")
    assert process.command[at + 1] == name
    return dict(word.removeprefix("--").split("=", 1) for word in process.command[at + 2 :])


def test_nobody_is_let_in_without_a_certificate_or_token(paths):
    api, etcd = flags_of(paths, "kube-apiserver"), flags_of(paths, "etcd")

    assert api["anonymous-auth"] == "false"
    assert api["authorization-mode"] == "Node,RBAC"
    assert "NodeRestriction" in api["enable-admission-plugins"]
    assert etcd["client-cert-auth"] == etcd["peer-client-cert-auth"] == "true"
    assert etcd["trusted-ca-file"] != api["client-ca-file"]
    listened = [value for key, value in etcd.items() if key.endswith("-urls")]
    assert all(url.startswith("https://127.0.0.1:") for url in listened)


def test_every_file_that_a_program_is_given_is_there(paths):
    for name in ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler"):
        for value in flags_of(paths, name).values():
            if value.startswith(str(paths.state)):
                assert Path(value).exists(), value


def test_all_of_it_is_for_its_owner_alone(paths):
    found = [path for path in paths.state.rglob("*") if not path.name.endswith(".pub")]

    assert len(found) > 20
    assert [path for path in found if path.stat().st_mode & 0o077] == []


def test_secrets_are_encrypted_before_they_are_stored(paths):
    config = Path(flags_of(paths, "kube-apiserver")["encryption-provider-config"])
    (rule,) = json.loads(config.read_text())["resources"]
    before = config.read_text()
    control_plane.prepare(world.PLAN, paths, world.NOW)

    assert rule["resources"] == ["secrets"]
    assert next(iter(rule["providers"][0])) == "secretbox"
    assert config.read_text() == before


def test_pods_keep_to_the_baseline_unless_their_namespace_says_more(paths):
    config = Path(flags_of(paths, "kube-apiserver")["admission-control-config-file"])
    (plugin,) = json.loads(config.read_text())["plugins"]

    assert plugin["name"] == "PodSecurity"
    assert plugin["configuration"]["defaults"]["enforce"] == "baseline"


def test_server_is_known_by_every_name_it_is_asked_by(paths):
    pem = (paths.pki / "kube-apiserver.crt").read_bytes()
    found = x509.load_pem_x509_certificate(pem).extensions.get_extension_for_class(
        x509.SubjectAlternativeName
    )
    names = {str(one.value) for one in found.value}

    assert {world.PLAN.fqdn, world.PLAN.address, world.PLAN.public_address} <= names
    assert {"10.0.0.1", "127.0.0.1", "kubernetes.default.svc"} <= names


def test_kubeconfig_of_a_program_holds_no_secret(paths):
    text = (paths.config / "kube-scheduler.kubeconfig").read_text()

    assert "PRIVATE" not in text
    assert "-data" not in text


def test_admin_gets_a_kubeconfig_that_holds_everything(paths):
    text = kube.render_admin(paths, world.PLAN.fqdn, "k1", "clusterAdmin_g_k1", world.NOW)

    assert text is not None
    document = json.loads(text)
    assert document["clusters"][0]["cluster"]["server"] == "https://k.hcp.example:443"
    assert set(document["users"][0]["user"]) == {"client-certificate-data", "client-key-data"}
    assert document["current-context"] == "k1"


def test_there_is_no_admin_before_there_is_a_cluster(tmp_path):
    assert kube.render_admin(world.paths_in(tmp_path), "k", "k1", "u", world.NOW) is None


def test_renewed_certificate_makes_another_program_of_whoever_reads_it(tmp_path):
    paths = world.paths_in(tmp_path)
    control_plane.prepare(world.PLAN, paths, world.NOW)

    def read():
        made = control_plane.list_processes(world.PLAN, world.KIT, paths, Path("/n"), "/g")
        return {process.name: process.digest for process in made}

    before = read()
    (paths.pki / "kube-scheduler.crt").unlink()
    control_plane.prepare(world.PLAN, paths, world.NOW)
    renewed = read()
    (paths.pki / "etcd-client.crt").unlink()
    control_plane.prepare(world.PLAN, paths, world.NOW)

    assert {name for name in before if before[name] != renewed[name]} == {"kube-scheduler"}
    assert {name for name in before if renewed[name] != read()[name]} == {"kube-apiserver"}
