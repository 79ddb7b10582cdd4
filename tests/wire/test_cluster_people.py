"""Signing in to a cluster with Entra: az, kubelogin and kubectl, as people use them."""

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.wire import aks
from tests.wire.aks import Cluster
from tests.wire.people import Person, grant, make_person
from tools import programs
from tools.azure import Az
from tools.instance import Instance


@pytest.fixture(scope="module")
def groups(az: Az, unique: Callable[[str], str]) -> dict[str, str]:
    """Make the groups that rights are given to; by what they are for."""
    found = {}
    for what in ("operators", "developers", "others"):
        name = unique(what)
        made = az("ad", "group", "create", "--display-name", name, "--mail-nickname", name)
        found[what] = made["id"]
    return found


@pytest.fixture(scope="module")
def make(
    az: Az, new_az: Callable[[], Az], unique: Callable[[str], str], folder: Path
) -> Callable[[str], Person]:
    def make(group: str) -> Person:
        return make_person(az, new_az, unique("person"), folder, group=group)

    return make


@pytest.fixture(scope="module")
def cluster(
    az: Az,
    make_group: Callable[[], str],
    unique: Callable[[str], str],
    folder: Path,
    groups: dict[str, str],
) -> Iterator[Cluster]:
    options = ("--enable-aad", "--enable-azure-rbac")
    options += ("--aad-admin-group-object-ids", groups["operators"])
    with aks.made(az, make_group(), unique("people"), folder, *options) as cluster:
        scope = cluster.do("show")["id"]
        role = ("--role", "Azure Kubernetes Service Cluster User Role", "--scope", scope)
        for group in groups.values():
            words = ("--assignee-object-id", group, "--assignee-principal-type", "Group")
            az("role", "assignment", "create", *role, *words)
        yield cluster


@pytest.fixture(scope="module")
def operator(cluster: Cluster, make: Callable[[str], Person], groups: dict[str, str]) -> Person:
    """Return one who administers the cluster by being in a group."""
    person = make(groups["operators"])
    person.get_credentials(cluster)
    return person


@pytest.fixture(scope="module")
def developer(
    cluster: Cluster, operator: Person, make: Callable[[str], Person], groups: dict[str, str]
) -> Person:
    """Return one who may edit one namespace, by a binding of Kubernetes' own to a group."""
    programs.succeed(operator.kubectl("create", "namespace", "shop"))
    rights = ("--clusterrole=edit", f"--group={groups['developers']}")
    programs.succeed(operator.kubectl("-n", "shop", "create", "rolebinding", "dev", *rights))
    person = make(groups["developers"])
    person.get_credentials(cluster)
    return person


def test_administrators_come_in_by_their_group(operator: Person) -> None:
    who = programs.succeed(operator.kubectl("auth", "whoami", "-o", "json")).json
    info = who["status"]["userInfo"]

    assert info["username"] == operator.upn
    assert info["uid"] == operator.object_id
    assert operator.can("*", "*")


def test_developer_has_one_namespace_and_no_other(developer: Person) -> None:
    made = ("create", "configmap", "settings", "--from-literal=a=b")

    programs.succeed(developer.kubectl("-n", "shop", *made))
    programs.refuse(developer.kubectl("-n", "default", *made), "Forbidden")
    programs.refuse(developer.kubectl("get", "nodes"), "Forbidden")
    assert developer.can("create", "deployments.apps", "-n", "shop")
    assert not developer.can("create", "deployments.apps", "-n", "kube-system")
    listed = programs.succeed(developer.kubectl("auth", "can-i", "--list", "-n", "shop")).out
    assert "configmaps" in listed
    assert "deployments.apps" in listed


def test_azure_role_reaches_one_namespace(
    cluster: Cluster, make: Callable[[str], Person], groups: dict[str, str], silo: Instance
) -> None:
    person, spaces = make(groups["others"]), f"{cluster.do('show')['id']}/namespaces"
    role = "Azure Kubernetes Service RBAC Writer"
    grant(cluster.az, person, role, f"{spaces}/default")
    person.get_credentials(cluster)

    programs.succeed(person.kubectl("create", "configmap", "azure", "--from-literal=a=b"))
    assert person.can("delete", "pods")
    assert not person.can("create", "rolebindings")
    said = programs.refuse(person.kubectl("-n", "kube-system", "get", "pods"), "Forbidden").said
    assert "Update role assignment to allow access" in said
    read = "Microsoft.ContainerService/managedClusters/pods/read"
    why = ("why", person.upn, read, "--data")
    assert role in silo.silo(*why, f"{spaces}/default").said
    explained = silo.silo(*why, f"{spaces}/kube-system", check=False)
    assert explained.code == 1
    assert f"that scope does not cover '{spaces}/kube-system'" in explained.said
    programs.refuse(person.kubectl("get", "nodes"), "Forbidden")
    programs.refuse(person.kubectl("delete", "namespace", "default"), "Forbidden")
    # What Azure allows is not in it, as with AKS; kubectl says that the list is not all.
    listed = programs.succeed(person.kubectl("auth", "can-i", "--list"))
    assert "selfsubjectaccessreviews" in listed.out
    assert "incomplete" in listed.said


def test_disabled_user_is_out_within_a_minute(
    cluster: Cluster, developer: Person, make: Callable[[str], Person], groups: dict[str, str]
) -> None:
    person = make(groups["developers"])
    person.config.write_text(developer.config.read_text())
    look = ("-n", "shop", "get", "configmaps")
    programs.succeed(person.kubectl(*look))
    token = person.az.token("6dae42f8-4368-4678-94ff-3960e28e3630")
    programs.succeed(_ask(cluster, person, token, *look))

    cluster.az("ad", "user", "update", "--id", person.object_id, "--account-enabled", "false")
    start = time.monotonic()
    cluster.wait(lambda: "is disabled" in _ask(cluster, person, token, *look).said)

    assert time.monotonic() - start < 60


def test_activity_log_tells_what_was_done_and_what_was_refused(
    cluster: Cluster, developer: Person
) -> None:
    programs.succeed(
        developer.kubectl("-n", "shop", "create", "configmap", "noted", "--from-literal=a=hidden")
    )
    programs.refuse(developer.kubectl("get", "nodes"), "Forbidden")
    prefix = "Microsoft.ContainerService/managedClusters"
    wanted = {(f"{prefix}/configmaps/write", "Succeeded"), (f"{prefix}/nodes/read", "Denied")}

    def look() -> bool:
        words = ("list", "-g", cluster.group, "--offset", "1h", "--caller", developer.upn)
        listed = cluster.az("monitor", "activity-log", *words)
        assert "hidden" not in json.dumps(listed)
        found = {(one["operationName"]["value"], one["status"]["value"]) for one in listed}
        return {(name, {"Failed": "Denied"}.get(how, how)) for name, how in found} >= wanted

    cluster.wait(look)


def test_az_alone_signs_in_too(cluster: Cluster, developer: Person, folder: Path) -> None:
    alone = Person(developer.az, developer.upn, developer.object_id, folder / "az-alone")
    alone.get_credentials(cluster, "--format", "azure")

    assert "command: az" in alone.config.read_text()
    programs.succeed(alone.kubectl("-n", "shop", "get", "configmaps"))


def test_stranger_is_known_and_may_nothing(
    developer: Person, make: Callable[[str], Person]
) -> None:
    stranger = make("")
    stranger.config.write_text(developer.config.read_text())

    programs.refuse(stranger.kubectl("-n", "shop", "get", "configmaps"), "Forbidden")


def test_token_for_another_api_opens_nothing(cluster: Cluster, developer: Person) -> None:
    for token in (developer.az.token(), "x.y.z"):
        answer = programs.refuse(_ask(cluster, developer, token))
        assert "Unauthorized" in answer.said or "logged in" in answer.said


def test_local_accounts_can_be_switched_off(cluster: Cluster, operator: Person) -> None:
    # Got before: a certificate of an administrator.
    admin = cluster.folder / "admin"
    words = ("aks", "get-credentials", *cluster.names, "--admin", "--file", str(admin))
    programs.succeed(cluster.az.run(*words))
    kept = Person(cluster.az, "", "", admin)
    programs.succeed(kept.kubectl("get", "nodes"))

    cluster.do("update", "--disable-local-accounts")

    cluster.az.refused(*words, saying="set to disable local accounts")
    cluster.wait(lambda: "Unauthorized" in kept.kubectl("get", "nodes").said)
    cluster.wait(lambda: operator.kubectl("get", "nodes").code == 0)


def _ask(cluster: Cluster, person: Person, token: str, *words: str) -> programs.Outcome:
    """Ask as nobody but the bearer of a token."""
    bare = person.config.with_suffix(".bare")
    document = json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [
                {
                    "name": "c",
                    "cluster": {
                        "server": f"https://{cluster.do('show')['fqdn']}:443",
                        "insecure-skip-tls-verify": True,
                    },
                }
            ],
            "users": [{"name": "u", "user": {"token": token}}],
            "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
            "current-context": "c",
        }
    )
    bare.write_text(document)
    return Person(person.az, "", "", bare).kubectl(*(words or ("get", "nodes")))
