"""Microsoft's libraries for storage accounts and file shares, as anybody's program uses them."""

import base64
import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from azure.core.exceptions import (
    ClientAuthenticationError,
    HttpResponseError,
    ResourceExistsError,
    ResourceNotFoundError,
)
from azure.identity import ClientSecretCredential
from azure.mgmt.storage import StorageManagementClient
from azure.storage.fileshare import (
    ShareClient,
    ShareServiceClient,
    generate_file_sas,
    generate_share_sas,
)
from tools.instance import Instance

# The libraries warn about themselves; that is not ours to mend.
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(autouse=True)
def silo_environment(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTPS_PROXY", "NO_PROXY", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"):
        monkeypatch.setenv(name, environment[name])
    monkeypatch.delenv("CURL_CA_BUNDLE", raising=False)


@pytest.fixture
def credential(silo: Instance) -> Iterator[ClientSecretCredential]:
    one = silo.credentials["servicePrincipal"]
    with ClientSecretCredential(
        silo.tenant,
        one["clientId"],
        one["clientSecret"],
        authority=silo.endpoints["login"],
        disable_instance_discovery=True,
    ) as found:
        yield found


@pytest.fixture
def manager(silo: Instance, credential: ClientSecretCredential) -> Iterator[object]:
    with StorageManagementClient(
        credential,
        silo.subscription,
        base_url=silo.endpoints["resourceManager"],
        credential_scopes=["https://management.azure.com/.default"],
    ) as client:
        yield client


@pytest.fixture
def service(
    manager: StorageManagementClient, make_group: Callable[[], str], unique: Callable[[str], str]
) -> Iterator[ShareServiceClient]:
    name, group = unique("sdkfiles"), make_group()
    wanted = {"location": "westeurope", "sku": {"name": "Standard_LRS"}, "kind": "StorageV2"}
    made = manager.storage_accounts.begin_create(group, name, wanted).result()
    key = manager.storage_accounts.list_keys(group, name).keys_property[0].value
    with ShareServiceClient(made.primary_endpoints.file, credential=key) as client:
        yield client


def test_files_round_trip(service: ShareServiceClient) -> None:
    share = service.create_share("data", metadata={"a": "b"}, quota=2)
    assert [(one.name, one.quota) for one in service.list_shares()] == [("data", 2)]
    folder = share.create_directory("d")
    data = os.urandom(5_000_000)
    file = folder.upload_file("ä +%.bin", data, metadata={"k": "v"})

    assert file.download_file().readall() == data
    assert file.download_file(offset=100, length=50).readall() == data[100:150]
    assert file.download_file(validate_content=True).readall() == data
    found = file.get_file_properties()
    assert (found.size, found.metadata, found.name) == (5_000_000, {"k": "v"}, "ä +%.bin")
    assert [one["name"] for one in folder.list_directories_and_files()] == ["ä +%.bin"]
    assert sum(one["end"] - one["start"] + 1 for one in file.get_ranges()) == 5_000_000
    file.clear_range(0, 4096)
    assert file.download_file(offset=0, length=4096).readall() == bytes(4096)
    copy = share.get_file_client("copy")
    assert copy.start_copy_from_url(file.url)["copy_status"] == "success"
    assert copy.get_file_properties().size == 5_000_000
    assert share.get_share_stats() == 10_000_000
    with pytest.raises(ResourceExistsError):
        share.create_directory("d")
    with pytest.raises(ResourceExistsError):
        share.delete_directory("d")
    with pytest.raises(ResourceNotFoundError):
        share.get_file_client("none").download_file()
    empty = share.get_file_client("empty")
    empty.upload_file(b"")
    assert empty.download_file().readall() == b""


def test_a_directory_is_read_in_pages(service: ShareServiceClient) -> None:
    share = service.create_share("pages")
    for number in range(7):
        share.get_file_client(f"f{number}").create_file(number)

    pages = share.list_directories_and_files(results_per_page=3).by_page()

    assert [len(list(page)) for page in pages] == [3, 3, 1]


def test_quota_and_snapshots_answer_as_they_are(service: ShareServiceClient) -> None:
    share = service.create_share("small", quota=1)

    with pytest.raises(HttpResponseError) as full:
        share.get_file_client("big").create_file(2 << 30)
    with pytest.raises(HttpResponseError) as absent:
        share.create_snapshot(retry_total=0)

    assert (full.value.status_code, full.value.error_code) == (413, "ShareSizeLimitReached")
    assert absent.value.status_code == 501


def test_signatures_reach_as_far_as_they_say(service: ShareServiceClient) -> None:
    share = service.create_share("signed")
    share.get_file_client("f").upload_file(b"content")
    name, key = service.account_name, service.credential.account_key
    until = datetime.now(UTC) + timedelta(hours=1)  # noqa: TID251 - the SDK's own clock
    read = generate_share_sas(name, "signed", key, permission="r", expiry=until)
    one = generate_file_sas(name, "signed", ["f"], key, permission="r", expiry=until)

    for sas in (read, one):
        client = ShareClient(service.url, "signed", credential=sas)
        assert client.get_file_client("f").download_file().readall() == b"content"
        with pytest.raises(HttpResponseError):
            client.get_file_client("g").create_file(1)
    wrong = generate_share_sas(
        name, "signed", base64.b64encode(bytes(64)).decode(), permission="r", expiry=until
    )
    with pytest.raises(ClientAuthenticationError):
        ShareClient(service.url, "signed", credential=wrong).get_file_client("f").download_file()


def test_an_owner_without_a_data_role_reads_no_file(
    service: ShareServiceClient, credential: ClientSecretCredential
) -> None:
    service.create_share("tokens").create_directory("d")
    client = ShareClient(service.url, "tokens", credential=credential, token_intent="backup")

    with pytest.raises(HttpResponseError) as refused:
        list(client.list_directories_and_files())

    assert refused.value.error_code == "AuthorizationPermissionMismatch"


def test_shares_by_way_of_arm(
    manager: StorageManagementClient, make_group: Callable[[], str], unique: Callable[[str], str]
) -> None:
    name, group = unique("sdkarm"), make_group()
    wanted = {"location": "westeurope", "sku": {"name": "Standard_LRS"}, "kind": "StorageV2"}
    manager.storage_accounts.begin_create(group, name, wanted).result()

    made = manager.file_shares.create(group, name, "one", {"properties": {"shareQuota": 3}})
    assert made.share_quota == 3
    assert [one.name for one in manager.file_shares.list(group, name)] == ["one"]
    assert manager.file_services.get_service_properties(group, name).name == "default"
    assert name in [one.name for one in manager.storage_accounts.list()]
    manager.file_shares.delete(group, name, "one")
    with pytest.raises(ResourceNotFoundError):
        manager.file_shares.get(group, name, "one")
    manager.storage_accounts.delete(group, name)
