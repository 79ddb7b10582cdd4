"""Microsoft's own libraries for container groups, networks and shares."""

import socket
import ssl
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.identity import ClientSecretCredential
from azure.mgmt.containerinstance import ContainerInstanceManagementClient
from azure.mgmt.containerinstance import models as instance_models
from azure.mgmt.network import NetworkManagementClient
from azure.mgmt.storage import StorageManagementClient
from azure.storage.fileshare import ShareServiceClient
from tools.containers import ContainerGroup, Image
from tools.instance import Instance
from websockets.sync.client import connect

# The libraries warn about themselves; that is not ours to mend.
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(autouse=True)
def silo_environment(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTPS_PROXY", "NO_PROXY", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"):
        monkeypatch.setenv(name, environment[name])
    monkeypatch.delenv("CURL_CA_BUNDLE", raising=False)


@pytest.fixture
def target(silo: Instance) -> dict[str, Any]:
    manager = silo.endpoints["resourceManager"]
    return {"base_url": manager, "credential_scopes": ["https://management.azure.com/.default"]}


@pytest.fixture
def credential(silo: Instance) -> Iterator[ClientSecretCredential]:
    one = silo.credentials["servicePrincipal"]
    authority = {"authority": silo.endpoints["login"], "disable_instance_discovery": True}
    with ClientSecretCredential(
        silo.tenant, one["clientId"], one["clientSecret"], **authority
    ) as found:
        yield found


def test_container_groups_round_trip(
    silo: Instance,
    credential: ClientSecretCredential,
    target: dict[str, Any],
    containers_group: str,
    probe_image: Image,
    unique: Callable[[str], str],
) -> None:
    group, name = containers_group, unique("sdkapp")
    requests = instance_models.ResourceRequests(memory_in_gb=0.2, cpu=0.2)
    container = instance_models.Container(
        name="one",
        image=probe_image.reference,
        resources=instance_models.ResourceRequirements(requests=requests),
        command=["/bin/probe", "http", "8080"],
        environment_variables=[instance_models.EnvironmentVariable(name="S", secure_value="t")],
        ports=[instance_models.ContainerPort(port=8080)],
    )
    wanted = instance_models.ContainerGroup(
        location="westeurope",
        containers=[container],
        os_type="Linux",
        restart_policy="Always",
        image_registry_credentials=[
            instance_models.ImageRegistryCredential(
                server=probe_image.server,
                username=probe_image.username,
                password=probe_image.password,
            )
        ],
    )
    with ContainerInstanceManagementClient(credential, silo.subscription, **target) as client:
        made = client.container_groups.begin_create_or_update(group, name, wanted).result()
        assert made.provisioning_state == "Succeeded"
        assert made.containers[0].environment_variables[0].secure_value is None
        listed = client.container_groups.list_by_resource_group(group)
        assert name in [one.name for one in listed]
        ticket = client.containers.execute_command(
            group,
            name,
            "one",
            instance_models.ContainerExecRequest(
                command="/bin/sh",
                terminal_size=instance_models.ContainerExecRequestTerminalSize(rows=24, cols=80),
            ),
        )
        assert ticket.web_socket_uri.startswith("wss://")
        assert ticket.password
        updated = client.container_groups.update(
            group, name, instance_models.Resource(tags={"a": "1"})
        )
        assert updated.tags == {"a": "1"}
        assert name in [one.name for one in client.container_groups.list()]
        container.environment_variables = [
            instance_models.EnvironmentVariable(name="COLOUR", value="red")
        ]
        changed = client.container_groups.begin_create_or_update(group, name, wanted).result()
        assert changed.containers[0].environment_variables[0].value == "red"
        wanted.restart_policy = "Never"
        with pytest.raises(HttpResponseError) as refused:
            client.container_groups.begin_create_or_update(group, name, wanted)
        assert refused.value.error.code == "InvalidContainerGroupUpdate"
        client.container_groups.begin_restart(group, name).result()
        client.container_groups.stop(group, name)
        client.container_groups.begin_start(group, name).result()
        assert client.containers.list_logs(group, name, "one", tail=1).content is not None
        usage = {item.name.value: item for item in client.location.list_usage("westeurope")}
        assert usage["ContainerGroups"].current_value >= 1
        (public, _) = client.location.list_capabilities("westeurope")
        assert public.os_type == "Linux"
        assert public.capabilities.max_cpu > 0
        assert list(client.location.list_cached_images("westeurope")) == []
        client.container_groups.begin_delete(group, name).result()
        with pytest.raises(ResourceNotFoundError):
            client.container_groups.get(group, name)


def test_the_output_of_a_container_is_watched_from_afar(
    silo: Instance,
    credential: ClientSecretCredential,
    target: dict[str, Any],
    environment: dict[str, str],
    make_container: Callable[..., ContainerGroup],
) -> None:
    told = "i=0; while sleep 0.2; do i=$((i+1)); echo number $i; done"
    group = make_container(f'/bin/sh -c "{told}"')
    group.wait("Running")
    with ContainerInstanceManagementClient(credential, silo.subscription, **target) as client:
        ticket = client.containers.attach(group.group, group.name, group.name)
        place = urlsplit(ticket.web_socket_uri)
        trust = ssl.create_default_context(cafile=environment["SSL_CERT_FILE"])
        with connect(
            ticket.web_socket_uri,
            sock=socket.create_connection(("127.0.0.1", place.port)),
            ssl=trust,
            proxy=None,
            open_timeout=60,
        ) as watching:
            watching.send(ticket.password)
            said = ""
            while said.count("number") < 3:
                said += bytes(watching.recv(60)).decode()
        first, second, *_ = [int(line.split()[1]) for line in said.splitlines()]
        assert second == first + 1
        group.do("stop")
        with pytest.raises(HttpResponseError):
            client.containers.attach(group.group, group.name, group.name)


def test_networks_round_trip(
    silo: Instance,
    credential: ClientSecretCredential,
    target: dict[str, Any],
    make_group: Callable[[], str],
) -> None:
    group = make_group()
    rule = {
        "name": "closed",
        "properties": {
            "priority": 100,
            "direction": "Inbound",
            "access": "Deny",
            "protocol": "Tcp",
            "sourceAddressPrefix": "*",
            "sourcePortRange": "*",
            "destinationAddressPrefix": "*",
            "destinationPortRange": "22",
        },
    }
    with NetworkManagementClient(credential, silo.subscription, **target) as client:
        nsg = client.network_security_groups.begin_create_or_update(
            group, "guard", {"location": "westeurope", "properties": {"securityRules": [rule]}}
        ).result()
        vnet = client.virtual_networks.begin_create_or_update(
            group,
            "net",
            {
                "location": "westeurope",
                "properties": {
                    "addressSpace": {"addressPrefixes": ["10.80.0.0/16"]},
                    "subnets": [
                        {
                            "name": "apps",
                            "properties": {
                                "addressPrefix": "10.80.1.0/24",
                                "networkSecurityGroup": {"id": nsg.id},
                            },
                        }
                    ],
                },
            },
        ).result()
        assert vnet.provisioning_state == "Succeeded"
        subnet = client.subnets.get(group, "net", "apps")
        assert subnet.network_security_group.id == nsg.id
        rules = client.security_rules.list(group, "guard")
        assert [(one.name, one.access) for one in rules] == [("closed", "Deny")]
        with pytest.raises(HttpResponseError) as caught:
            client.network_security_groups.begin_delete(group, "guard").result()
        assert "InUse" in str(caught.value)
        client.virtual_networks.begin_delete(group, "net").result()
        client.network_security_groups.begin_delete(group, "guard").result()
        with pytest.raises(ResourceNotFoundError):
            client.virtual_networks.get(group, "net")


def test_shares_round_trip(
    silo: Instance,
    credential: ClientSecretCredential,
    target: dict[str, Any],
    make_group: Callable[[], str],
    unique: Callable[[str], str],
) -> None:
    group, name = make_group(), unique("sdkfiles")
    with StorageManagementClient(credential, silo.subscription, **target) as client:
        wanted = {"sku": {"name": "Standard_LRS"}, "kind": "StorageV2", "location": "westeurope"}
        made = client.storage_accounts.begin_create(group, name, wanted).result()
        key = client.storage_accounts.list_keys(group, name).keys_property[0].value

        with ShareServiceClient(made.primary_endpoints.file, credential=key) as service:
            share = service.create_share("files", quota=1)
            folder = share.create_directory("deep")
            file = folder.get_file_client("one.bin")
            file.upload_file(b"some bytes" * 1000)
            assert file.download_file().readall() == b"some bytes" * 1000
            assert [item["name"] for item in share.list_directories_and_files("deep")] == [
                "one.bin"
            ]
            ranged = file.download_file(offset=5, length=5).readall()
            assert ranged == b"bytes"
            file.delete_file()
            service.delete_share("files")
        client.storage_accounts.delete(group, name)
