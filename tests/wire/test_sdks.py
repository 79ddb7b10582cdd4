"""Microsoft's own libraries for Python, as a program of anybody's would use them."""

import hashlib
import io
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from azure.containerregistry import ContainerRegistryClient
from azure.core.exceptions import ClientAuthenticationError, HttpResponseError
from azure.identity import (
    CertificateCredential,
    ClientSecretCredential,
    WorkloadIdentityCredential,
)
from azure.mgmt.authorization import AuthorizationManagementClient
from azure.mgmt.authorization.v2022_04_01.models import RoleAssignmentCreateParameters
from azure.mgmt.containerregistry import ContainerRegistryManagementClient
from azure.mgmt.resource.resources import ResourceManagementClient
from tools import foreign_issuer
from tools.azure import Az, Principal, Registry
from tools.instance import Instance

# The libraries warn about themselves; that is not ours to mend.
pytestmark = pytest.mark.filterwarnings("ignore")
ACR_PULL = "7f951dda-4ed3-4680-a7ca-43fe172d538d"


@pytest.fixture(autouse=True)
def silo_environment(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTPS_PROXY", "NO_PROXY", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"):
        monkeypatch.setenv(name, environment[name])
    monkeypatch.delenv("CURL_CA_BUNDLE", raising=False)


@pytest.fixture
def authority(silo: Instance) -> dict[str, Any]:
    return {"authority": silo.endpoints["login"], "disable_instance_discovery": True}


@pytest.fixture
def credential(silo: Instance, authority: dict[str, Any]) -> Iterator[ClientSecretCredential]:
    one = silo.credentials["servicePrincipal"]
    with ClientSecretCredential(
        silo.tenant, one["clientId"], one["clientSecret"], **authority
    ) as found:
        yield found


@pytest.fixture
def target(silo: Instance) -> dict[str, Any]:
    manager = silo.endpoints["resourceManager"]
    return {"base_url": manager, "credential_scopes": ["https://management.azure.com/.default"]}


@pytest.fixture
def groups(
    silo: Instance, credential: ClientSecretCredential, target: dict[str, Any]
) -> Iterator[ResourceManagementClient]:
    with ResourceManagementClient(credential, silo.subscription, **target) as client:
        yield client


def test_groups_and_resources_round_trip(
    groups: ResourceManagementClient, registry: Registry, unique: Callable[[str], str]
) -> None:
    name = unique("sdk")

    made = groups.resource_groups.create_or_update(name, {"location": "westeurope"})
    assert made.properties.provisioning_state == "Succeeded"
    assert groups.resource_groups.check_existence(name)
    assert name in [group.name for group in groups.resource_groups.list()]
    filtered = groups.resources.list(
        filter="resourceType eq 'Microsoft.ContainerRegistry/registries'"
    )
    assert registry.id in [resource.id for resource in filtered]
    groups.resource_groups.begin_delete(name).result()
    assert not groups.resource_groups.check_existence(name)


def test_role_assignments_round_trip(
    silo: Instance,
    az: Az,
    registry: Registry,
    credential: ClientSecretCredential,
    target: dict[str, Any],
    make_principal: Callable[..., Principal],
) -> None:
    principal = az("ad", "sp", "show", "--id", make_principal().client_id)["id"]
    prefix = f"/subscriptions/{silo.subscription}/providers/Microsoft.Authorization"
    wanted = {
        "role_definition_id": f"{prefix}/roleDefinitions/{ACR_PULL}",
        "principal_id": principal,
        "principal_type": "ServicePrincipal",
    }
    with AuthorizationManagementClient(credential, silo.subscription, **target) as client:
        body = RoleAssignmentCreateParameters(**wanted)
        made = client.role_assignments.create(registry.id, str(uuid.uuid4()), body)

        listed = client.role_assignments.list_for_scope(
            registry.id, filter=f"principalId eq '{principal}'"
        )
        assert [item.id for item in listed] == [made.id]
        definition = client.role_definitions.get(registry.id, ACR_PULL)
        assert definition.role_name == "AcrPull"
        client.role_assignments.delete_by_id(made.id)


def test_registries_round_trip(
    silo: Instance,
    credential: ClientSecretCredential,
    target: dict[str, Any],
    make_group: Callable[[], str],
    unique: Callable[[str], str],
) -> None:
    name, group = unique("sdkregistry"), make_group()
    with ContainerRegistryManagementClient(credential, silo.subscription, **target) as client:
        wanted = {"location": "westeurope", "sku": {"name": "Basic"}}

        made = client.registries.begin_create(group, name, wanted).result()
        assert made.login_server == f"{name}.{silo.endpoints['registrySuffix']}"
        update = {"tags": {"a": "1"}}
        assert client.registries.begin_update(group, name, update).result().tags == {"a": "1"}
        assert [item.name for item in client.registries.list_by_resource_group(group)] == [name]
        assert client.registries.list_usages(group, name).value
        client.registries.begin_delete(group, name).result()
        with pytest.raises(HttpResponseError) as caught:
            client.registries.get(group, name)
        assert caught.value.status_code == 404


def test_contents_round_trip(registry: Registry, credential: ClientSecretCredential) -> None:
    audience = "https://containerregistry.azure.net"
    endpoint = f"https://{registry.server}"
    config, layer = b'{"architecture":"amd64","os":"linux"}', b"some layer" * 1000
    with ContainerRegistryClient(endpoint, credential, audience=audience) as client:
        blobs = [client.upload_blob("sdk/hello", io.BytesIO(blob)) for blob in (config, layer)]
        manifest = {
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": _descriptor("application/vnd.oci.image.config.v1+json", *blobs[0]),
            "layers": [_descriptor("application/vnd.oci.image.layer.v1.tar", *blobs[1])],
        }
        digest = client.set_manifest("sdk/hello", manifest, tag="1")

        assert "sdk/hello" in list(client.list_repository_names())
        assert client.get_manifest("sdk/hello", "1").digest == digest
        assert b"".join(client.download_blob("sdk/hello", blobs[1][0])) == layer
        assert [tag.name for tag in client.list_tag_properties("sdk/hello")] == ["1"]
        assert client.get_repository_properties("sdk/hello").manifest_count == 1
        locked = client.update_tag_properties("sdk/hello", "1", can_write=False)
        assert locked.can_write is False
        client.update_tag_properties("sdk/hello", "1", can_write=True)
        client.delete_repository("sdk/hello")
        assert "sdk/hello" not in list(client.list_repository_names())


def test_contents_are_closed_to_a_stranger(
    silo: Instance,
    registry: Registry,
    authority: dict[str, Any],
    make_principal: Callable[..., Principal],
) -> None:
    nobody = make_principal()
    credential = ClientSecretCredential(silo.tenant, nobody.client_id, nobody.secret, **authority)
    audience = "https://containerregistry.azure.net"
    with (
        credential,
        ContainerRegistryClient(
            f"https://{registry.server}", credential, audience=audience
        ) as client,
        pytest.raises(HttpResponseError) as caught,
    ):
        list(client.list_repository_names())
    assert caught.value.status_code in {401, 403}


def test_a_certificate_and_a_workload_identity_sign_in(
    silo: Instance,
    az: Az,
    authority: dict[str, Any],
    unique: Callable[[str], str],
    issuer_certificate: foreign_issuer.Certificate,
    tmp_path: Path,
) -> None:
    scope = "https://management.azure.com/.default"
    made = az("ad", "sp", "create-for-rbac", "-n", unique("sdkcert"), "--create-cert")
    key = Path(made["fileWithCertAndPrivateKey"])
    with CertificateCredential(silo.tenant, made["appId"], str(key), **authority) as certified:
        assert certified.get_token(scope).token
    key.unlink()

    with foreign_issuer.serving(issuer_certificate) as issuer:
        az(
            *("ad", "app", "federated-credential", "create", "--id", made["appId"]),
            "--parameters",
            f'{{"name": "pod", "issuer": "{issuer.url}", "subject": "pod-1",'
            f' "audiences": ["{foreign_issuer.AUDIENCE}"]}}',
        )
        file = tmp_path / "token"
        file.write_text(issuer.sign("pod-1"))
        with WorkloadIdentityCredential(
            tenant_id=silo.tenant,
            client_id=made["appId"],
            token_file_path=str(file),
            **authority,
        ) as workload:
            assert workload.get_token(scope).token


def test_a_wrong_secret_is_an_authentication_error(
    silo: Instance, authority: dict[str, Any]
) -> None:
    client = silo.credentials["servicePrincipal"]["clientId"]
    with (
        ClientSecretCredential(silo.tenant, client, "wrong", **authority) as credential,
        pytest.raises(ClientAuthenticationError, match="AADSTS7000215"),
    ):
        credential.get_token("https://management.azure.com/.default")


def _descriptor(media_type: str, digest: str, size: int) -> dict[str, Any]:
    assert digest.startswith("sha256:")
    assert len(digest) == 7 + hashlib.sha256().digest_size * 2
    return {"mediaType": media_type, "digest": digest, "size": size}
