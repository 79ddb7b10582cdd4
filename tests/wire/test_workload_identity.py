"""Pods that act as managed identities, and the other ways of kubelogin than az's."""

import base64
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from azure.containerregistry import ContainerRegistryClient
from azure.core.exceptions import ClientAuthenticationError, HttpResponseError
from azure.identity import WorkloadIdentityCredential
from azure.mgmt.resource.resources import ResourceManagementClient
from tests.wire import aks
from tests.wire.aks import Cluster
from tests.wire.people import Person
from tools import images, programs
from tools.azure import Az, Principal, Registry
from tools.instance import Instance
from tools.strangers import kubelogin_path

if os.geteuid() != 0:
    pytest.skip("clusters need root", allow_module_level=True)
if not aks.KITS:
    pytest.skip("no Kubernetes is built here (make kubernetes)", allow_module_level=True)

# The libraries warn about themselves; that is not ours to mend.
pytestmark = pytest.mark.filterwarnings("ignore")
AUDIENCE = "api://AzureADTokenExchange"
SERVER = "6dae42f8-4368-4678-94ff-3960e28e3630"
READER = "Azure Kubernetes Service RBAC Reader"
TOKEN = "/var/run/secrets/azure/tokens/azure-identity-token"


@dataclass(frozen=True, slots=True)
class Worker:
    """A managed identity that the pods of one service account act as."""

    client_id: str
    object_id: str
    issuer: str
    federation: tuple[str, ...]
    """Words by which az finds the identity's federated credentials."""


@pytest.fixture(scope="module")
def image(registry: Registry, pusher: Principal, environment: dict[str, str], folder: Path) -> str:
    """Push an image with Microsoft's library for Go in it: kubelogin is made of it."""
    program = images.Entry("bin/kubelogin", kubelogin_path().read_bytes())
    layer = images.pack([*images.probe_entries(), program])
    config = {"Cmd": ["/bin/probe", "sleep"], "Env": ["PATH=/bin"]}
    layout = images.make_layered(folder / "kubelogin", "1", [layer], config)
    reference = f"{registry.server}/tests/kubelogin:1"
    copy = ["skopeo", "copy", "--dest-creds", pusher.both, layout.reference]
    programs.succeed(programs.run([*copy, f"docker://{reference}"], environment))
    return reference


@pytest.fixture(scope="module")
def cluster(
    az: Az,
    registry: Registry,
    make_group: Callable[[], str],
    unique: Callable[[str], str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Cluster]:
    options = ("--enable-oidc-issuer", "--enable-workload-identity", "--attach-acr", registry.name)
    options += ("--enable-aad", "--enable-azure-rbac")
    folder = tmp_path_factory.mktemp("cluster")
    with aks.made(az, make_group(), unique("pods"), folder, *options) as made:
        config = ("--admin", "--file", str(folder / "config"))
        programs.succeed(az.run("aks", "get-credentials", *made.names, *config))
        yield made


@pytest.fixture(scope="module")
def shown(cluster: Cluster) -> dict[str, Any]:
    """Return the cluster as az shows it."""
    found: dict[str, Any] = cluster.do("show")
    assert found["securityProfile"]["workloadIdentity"] == {"enabled": True}
    return found


@pytest.fixture(scope="module")
def worker(az: Az, cluster: Cluster, shown: dict[str, Any], registry: Registry) -> Worker:
    group = ("-g", cluster.group)
    issuer = shown["oidcIssuerProfile"]["issuerUrl"]
    made = az("identity", "create", *group, "-n", "worker")
    federation = (*group, "--identity-name", "worker", "-n", "pod")
    trust = ("--issuer", issuer, "--audiences", AUDIENCE)
    subject = ("--subject", "system:serviceaccount:default:worker")
    az("identity", "federated-credential", "create", *federation, *trust, *subject)
    scope = made["id"].partition("/providers/")[0]
    for role, where in (("Reader", scope), (READER, shown["id"]), ("AcrPull", registry.id)):
        whom = ("--assignee-object-id", made["principalId"])
        whom += ("--assignee-principal-type", "ServicePrincipal")
        az("role", "assignment", "create", "--role", role, *whom, "--scope", where)
    return Worker(made["clientId"], made["principalId"], issuer, federation)


@pytest.fixture(scope="module")
def pod(cluster: Cluster, worker: Worker, image: str, environment: dict[str, str]) -> str:
    """Have a pod run as the identity; return its name."""
    bundle = f"--from-file=ca.crt={environment['SSL_CERT_FILE']}"
    programs.succeed(cluster.kubectl("create", "configmap", "silo-ca", bundle))
    annotations = {"azure.workload.identity/client-id": worker.client_id}
    cluster.apply(
        describe("v1", "ServiceAccount", "worker", annotations=annotations),
        describe("v1", "ServiceAccount", "other"),
    )
    cluster.apply(describe_pod("worker", image))
    cluster.wait_phase("worker", "Running")
    return "worker"


def describe(version: str, kind: str, name: str, **metadata: Any) -> dict[str, Any]:
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name, **metadata}}


def describe_pod(name: str, image: str, **annotations: str) -> dict[str, Any]:
    trust = {"name": "ca", "mountPath": "/ca"}
    container = {
        "name": "main",
        "image": image,
        "env": [{"name": "SSL_CERT_FILE", "value": "/ca/ca.crt"}],
        "volumeMounts": [trust],
    }
    spec = {
        "serviceAccountName": "worker",
        "containers": [container, {**container, "name": "beside"}],
        "volumes": [{"name": "ca", "configMap": {"name": "silo-ca"}}],
    }
    prefix = "azure.workload.identity"
    given = {f"{prefix}/{key.replace('_', '-')}": value for key, value in annotations.items()}
    labels = {f"{prefix}/use": "true"}
    return {**describe("v1", "Pod", name, labels=labels, annotations=given), "spec": spec}


def make_token(cluster: Cluster, account: str, audience: str = AUDIENCE) -> str:
    words = ("create", "token", account, f"--audience={audience}")
    return programs.succeed(cluster.kubectl(*words)).out.strip()


def read_claims(token: str) -> dict[str, Any]:
    body = token.split(".")[1]
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    return found


@pytest.fixture
def exchange(
    silo: Instance,
    worker: Worker,
    environment: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> Callable[[str], WorkloadIdentityCredential]:
    """Return what hands a pod's token to Microsoft's library for Python."""
    for name in ("HTTPS_PROXY", "NO_PROXY", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"):
        monkeypatch.setenv(name, environment[name])

    def exchange(token: str) -> WorkloadIdentityCredential:
        file = tmp_path / "token"
        file.write_text(token)
        return WorkloadIdentityCredential(
            tenant_id=silo.tenant,
            client_id=worker.client_id,
            token_file_path=str(file),
            authority=silo.endpoints["login"],
            disable_instance_discovery=True,
        )

    return exchange


def test_pod_is_given_its_token_and_told_where_to_show_it(
    cluster: Cluster, pod: str, worker: Worker, silo: Instance
) -> None:
    first, _ = cluster.read("pod", pod)["spec"]["containers"]

    environment = {one["name"]: one["value"] for one in first["env"]}
    assert environment == {
        "SSL_CERT_FILE": "/ca/ca.crt",
        "AZURE_CLIENT_ID": worker.client_id,
        "AZURE_TENANT_ID": silo.tenant,
        "AZURE_FEDERATED_TOKEN_FILE": TOKEN,
        "AZURE_AUTHORITY_HOST": f"{silo.endpoints['login']}/",
    }
    said = programs.succeed(cluster.kubectl("exec", pod, "-c", "main", "--", "/bin/cat", TOKEN))
    claims = read_claims(said.out.strip())
    assert (claims["iss"], claims["aud"]) == (worker.issuer, [AUDIENCE])
    assert claims["sub"] == "system:serviceaccount:default:worker"
    assert claims["kubernetes.io"]["pod"]["name"] == pod


def test_library_in_the_pod_gets_a_token_that_the_cluster_takes(
    cluster: Cluster, pod: str, worker: Worker
) -> None:
    ways = ("--login", "workloadidentity", "--server-id", SERVER, "--cache-dir", "/tmp")
    words = ("/bin/kubelogin", "get-token", *ways, "--disable-instance-discovery")
    said = programs.succeed(cluster.kubectl("exec", pod, "-c", "main", "--", *words))
    token = said.json["status"]["token"]

    assert read_claims(token)["oid"] == worker.object_id
    bare = cluster.folder / "bare"
    config = programs.succeed(cluster.kubectl("config", "view", "--raw", "-o", "json")).json
    config["users"] = [{"name": one["name"], "user": {"token": token}} for one in config["users"]]
    bare.write_text(json.dumps(config))
    as_worker = Person(cluster.az, "", worker.object_id, bare)
    cluster.wait(lambda: as_worker.kubectl("get", "pods").code == 0)
    programs.refuse(as_worker.kubectl("delete", "pod", pod), "Forbidden")


def test_token_of_the_pod_is_worth_the_identitys_roles_and_no_more(
    cluster: Cluster,
    pod: str,
    silo: Instance,
    registry: Registry,
    make_group: Callable[[], str],
    exchange: Callable[[str], WorkloadIdentityCredential],
) -> None:
    said = programs.succeed(cluster.kubectl("exec", pod, "-c", "main", "--", "/bin/cat", TOKEN))
    manager = silo.endpoints["resourceManager"]
    target = {"base_url": manager, "credential_scopes": ["https://management.azure.com/.default"]}
    elsewhere = make_group()
    with (
        exchange(said.out.strip()) as credential,
        ResourceManagementClient(credential, silo.subscription, **target) as client,
        ContainerRegistryClient(
            f"https://{registry.server}", credential, audience="https://containerregistry.azure.net"
        ) as images_,
    ):
        assert client.resource_groups.get(cluster.group).name == cluster.group
        with pytest.raises(HttpResponseError, match="AuthorizationFailed"):
            client.resource_groups.get(elsewhere)
        tags = [one.name for one in images_.list_tag_properties("tests/kubelogin")]
        assert tags == ["1"]
        with pytest.raises(HttpResponseError):
            images_.delete_repository("tests/kubelogin")


def test_tokens_that_are_not_quite_the_ones_are_refused(
    cluster: Cluster, pod: str, exchange: Callable[[str], WorkloadIdentityCredential]
) -> None:
    assert pod
    head, body, signature = make_token(cluster, "worker").split(".")
    turned = signature[:-8] + signature[-8:].swapcase()
    for token, code in (
        (make_token(cluster, "other"), "AADSTS700213"),
        (make_token(cluster, "worker", "api://somebody-else"), "AADSTS700212"),
        (f"{head}.{body}.{turned}", "AADSTS700027"),
    ):
        with exchange(token) as credential, pytest.raises(ClientAuthenticationError, match=code):
            credential.get_token("https://management.azure.com/.default")


def test_identity_can_be_shut_out_and_let_in_again(
    az: Az,
    cluster: Cluster,
    pod: str,
    worker: Worker,
    exchange: Callable[[str], WorkloadIdentityCredential],
) -> None:
    assert pod
    token = make_token(cluster, "worker")

    def ask() -> str:
        with exchange(token) as credential:
            return credential.get_token("https://management.azure.com/.default").token

    switch = ("ad", "sp", "update", "--id", worker.client_id, "--set")
    assert ask()
    programs.succeed(az.run(*switch, "accountEnabled=false"))
    with pytest.raises(ClientAuthenticationError, match="AADSTS7000112"):
        ask()
    programs.succeed(az.run(*switch, "accountEnabled=true"))
    assert ask()
    update = ("identity", "federated-credential", "update", *worker.federation)
    same = ("--issuer", worker.issuer, "--audiences", AUDIENCE)
    az(*update, *same, "--subject", "system:serviceaccount:elsewhere:worker")
    with pytest.raises(ClientAuthenticationError, match="AADSTS700213"):
        ask()
    az(*update, *same, "--subject", "system:serviceaccount:default:worker")
    assert ask()


def test_issuer_is_public(
    worker: Worker, pod: str, cluster: Cluster, shell: Callable[..., programs.Outcome]
) -> None:
    assert pod
    where = f"{worker.issuer}.well-known/openid-configuration"
    document = programs.succeed(shell("curl", "--silent", "--fail", where)).json
    keys = programs.succeed(shell("curl", "--silent", "--fail", document["jwks_uri"])).json["keys"]

    assert document["issuer"] == worker.issuer
    head = make_token(cluster, "worker").split(".")[0]
    signed_with = json.loads(base64.urlsafe_b64decode(head + "=="))["kid"]
    assert signed_with in [key["kid"] for key in keys]
    assert {key["alg"] for key in keys} == {"RS256"}


def test_pods_say_who_shall_not_have_it(cluster: Cluster, pod: str, image: str) -> None:
    assert pod
    cluster.apply(describe_pod("half", image, skip_containers="beside"))
    first, beside = cluster.read("pod", "half")["spec"]["containers"]
    names = [{one["name"] for one in each["env"]} for each in (first, beside)]

    assert "AZURE_CLIENT_ID" in names[0]
    assert names[1] == {"SSL_CERT_FILE"}
    path = cluster.folder / "refused.json"
    for annotations, said in (
        ({"inject_proxy_sidecar": "true"}, "inject-proxy-sidecar is not supported"),
        ({"service_account_token_expiration": "1200"}, "token expiration not valid"),
        ({"service_account_token_expiration": "soon"}, "denied request"),
    ):
        path.write_text(json.dumps(describe_pod("never", image, **annotations)))
        programs.refuse(cluster.kubectl("create", "-f", str(path)), said)


@pytest.fixture(scope="module")
def credentials(az: Az, cluster: Cluster) -> Path:
    """Return what az hands out to people and programs."""
    path = cluster.folder / "user"
    programs.succeed(az.run("aks", "get-credentials", *cluster.names, "--file", str(path)))
    return path


@pytest.mark.parametrize("way", ["spn", "workloadidentity"])
def test_programs_sign_in_by_kubelogin(
    way: str,
    cluster: Cluster,
    shown: dict[str, Any],
    credentials: Path,
    pod: str,
    worker: Worker,
    silo: Instance,
    make_principal: Callable[..., Principal],
    tmp_path: Path,
) -> None:
    assert pod
    path = os.pathsep.join((str(kubelogin_path().parent), os.environ["PATH"]))
    given = {"AZURE_TENANT_ID": silo.tenant, "PATH": path}
    if way == "spn":
        program = make_principal(READER, shown["id"])
        given |= {
            "AAD_SERVICE_PRINCIPAL_CLIENT_ID": program.client_id,
            "AAD_SERVICE_PRINCIPAL_CLIENT_SECRET": program.secret,
        }
    else:
        file = tmp_path / "token"
        file.write_text(make_token(cluster, "worker"))
        given |= {
            "AZURE_CLIENT_ID": worker.client_id,
            "AZURE_FEDERATED_TOKEN_FILE": str(file),
            "AZURE_AUTHORITY_HOST": "https://login.microsoftonline.com/",
        }
    # The public cloud's names are kubelogin's own; a shell that claims them needs no word more.
    environment = silo.environment(tmp_path / "az", azure_names=True) | given
    config = tmp_path / "config"
    config.write_text(credentials.read_text())
    convert = [kubelogin_path(), "convert-kubeconfig", "-l", way, "--kubeconfig", str(config)]
    programs.succeed(programs.run(convert, environment))
    kit = next(iter(aks.KITS.values()))

    def ask(*words: str) -> programs.Outcome:
        command = [kit.kubernetes, "kubectl", f"--kubeconfig={config}", *words]
        return programs.run(command, environment)

    cluster.wait(lambda: ask("get", "pods").code == 0)
    programs.refuse(ask("delete", "pod", pod), "Forbidden")
