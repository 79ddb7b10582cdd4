import json
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography import x509
from tests.unit.silo.kube import kube_world as world

from silo import kube
from silo.kube import authentication, authorization, control_plane

TENANT = "00000000-0000-0000-0000-0000000000aa"
GROUP = "00000000-0000-0000-0000-0000000000bb"
PLAN = replace(world.PLAN, sign_in=kube.SignIn((GROUP,)))


@pytest.fixture
def directory(tmp_path: Path) -> kube.Directory:
    authority = tmp_path / "ca.pem"
    authority.write_text("-----BEGIN CERTIFICATE-----\n")
    return kube.Directory(
        "https://login.test/aa/",
        "6dae42f8",
        TENANT,
        authority,
        "https://silo.test/clusters/{}/authorize",
        "https://login.test",
        lambda uid: f"word of {uid}",
    )


def prepare(folder: Path, plan: kube.ClusterPlan, directory: kube.Directory | None) -> None:
    control_plane.prepare(plan, world.paths_in(folder), world.NOW, directory)


def list_authorities(folder: Path) -> set[str]:
    path = Path(authentication.flag_api_server(PLAN, world.paths_in(folder))["client-ca-file"])
    found = x509.load_pem_x509_certificates(path.read_bytes())
    return {one.subject.rfc4514_string() for one in found}


def test_people_are_those_of_the_directory(tmp_path, directory):
    prepare(tmp_path, PLAN, directory)
    flags = authentication.flag_api_server(PLAN, world.paths_in(tmp_path))
    (jwt,) = json.loads(Path(flags["authentication-config"]).read_text())["jwt"]

    assert flags["anonymous-auth"] == "false"
    assert jwt["issuer"]["url"] == directory.issuer
    assert jwt["issuer"]["audiences"] == [directory.audience]
    assert jwt["issuer"]["certificateAuthority"] == directory.authority.read_text()
    assert any(TENANT in rule["expression"] for rule in jwt["claimValidationRules"])
    assert any("system:" in rule["expression"] for rule in jwt["userValidationRules"])


def test_cluster_without_them_knows_certificates_alone(tmp_path, directory):
    prepare(tmp_path, PLAN, directory)
    prepare(tmp_path, world.PLAN, directory)

    assert "authentication-config" not in authentication.flag_api_server(
        world.PLAN, world.paths_in(tmp_path)
    )


def test_nobody_comes_in_where_nobody_is_known(tmp_path):
    with pytest.raises(kube.StepFailed, match="directory"):
        prepare(tmp_path, PLAN, None)


def test_certificates_of_administrators_are_believed_no_more(tmp_path, directory):
    prepare(tmp_path, PLAN, directory)
    before = list_authorities(tmp_path)
    prepare(tmp_path, replace(PLAN, local_accounts=False), directory)

    assert before == {"CN=silo-cluster-ca", "CN=silo-local-accounts-ca"}
    assert list_authorities(tmp_path) == {"CN=silo-cluster-ca"}


def test_api_server_starts_again_when_what_it_reads_has_changed(tmp_path, directory):
    revisions = set()
    for plan in (world.PLAN, PLAN, replace(PLAN, local_accounts=False)):
        prepare(tmp_path, plan, directory)
        every = control_plane.list_processes(
            plan, world.KIT, world.paths_in(tmp_path), Path("/run/netns/c"), "/silo/i/c"
        )
        revisions.add(next(one.digest for one in every if one.name == "kube-apiserver"))

    assert len(revisions) == 3


def test_administrators_are_the_members_of_their_groups():
    ((path, binding),) = authentication.list_objects(PLAN.sign_in).items()

    assert path.endswith(binding["metadata"]["name"])
    assert binding["roleRef"]["name"] == "cluster-admin"
    assert [one["name"] for one in binding["subjects"]] == [GROUP]
    assert authentication.list_objects(None) == {}


def test_silo_decides_first_and_about_people_alone(tmp_path, directory):
    prepare(tmp_path, PLAN, directory)
    flags = authorization.flag_api_server(PLAN, world.paths_in(tmp_path))
    first, *rest = json.loads(Path(flags["authorization-config"]).read_text())["authorizers"]
    asked = first["webhook"]
    kubeconfig = Path(asked["connectionInfo"]["kubeConfigFile"])

    assert "authorization-mode" not in flags
    assert [one["type"] for one in rest] == ["Node", "RBAC"]
    assert (first["type"], asked["failurePolicy"]) == ("Webhook", "Deny")
    assert authentication.OBJECT_ID in asked["matchConditions"][0]["expression"]
    assert f"/clusters/{PLAN.uid}/authorize" in kubeconfig.read_text()
    assert f"word of {PLAN.uid}" in kubeconfig.read_text()
    assert kubeconfig.stat().st_mode & 0o077 == 0
    assert authorization.flag_api_server(world.PLAN, world.paths_in(tmp_path)) == {
        "authorization-mode": "Node,RBAC"
    }
