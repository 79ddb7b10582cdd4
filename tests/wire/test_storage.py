"""``az storage``: accounts, their keys, shares, and the files in them."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from tools.azure import Az

MEBIBYTE = 1 << 20


@pytest.fixture(scope="module")
def group(make_group: Callable[[], str]) -> str:
    return make_group()


@pytest.fixture(scope="module")
def account(az: Az, group: str, unique: Callable[[str], str]) -> str:
    name = unique("account")
    made = az("storage", "account", "create", "-g", group, "-n", name, "--sku", "Standard_LRS")
    assert made["provisioningState"] == "Succeeded"
    assert made["primaryEndpoints"]["file"].startswith(f"https://{name}.file.core.")
    return name


@pytest.fixture(scope="module")
def access(az: Az, group: str, account: str) -> list[str]:
    keys = az("storage", "account", "keys", "list", "-g", group, "-n", account)
    assert [key["keyName"] for key in keys] == ["key1", "key2"]
    return ["--account-name", account, "--account-key", keys[0]["value"]]


@pytest.fixture(scope="module")
def share(az: Az, access: list[str]) -> str:
    assert az("storage", "share", "create", "-n", "files", "--quota", "1", *access)["created"]
    return "files"


def test_an_account_is_shown_listed_and_its_name_taken(az: Az, group: str, account: str) -> None:
    assert az("storage", "account", "show", "-g", group, "-n", account)["kind"] == "StorageV2"
    assert account in [item["name"] for item in az("storage", "account", "list", "-g", group)]
    checked = az("storage", "account", "check-name", "-n", account)
    assert (checked["nameAvailable"], checked["reason"]) == (False, "AlreadyExists")
    assert "key1" not in az.text("storage", "account", "show", "-g", group, "-n", account)


def test_a_renewed_key_opens_and_the_old_one_no_more(
    az: Az, group: str, unique: Callable[[str], str]
) -> None:
    name = unique("renewed")
    az("storage", "account", "create", "-g", group, "-n", name, "--sku", "Standard_LRS")
    keys = ["storage", "account", "keys"]
    old = az(*keys, "list", "-g", group, "-n", name)[0]["value"]
    new = az(*keys, "renew", "-g", group, "-n", name, "--key", "primary")[0]["value"]
    listing = ["storage", "share", "list", "--account-name", name, "--account-key"]

    assert new != old
    assert az(*listing, new) == []
    az.refused(*listing, old, saying="AuthenticationFailed")
    az("storage", "account", "delete", "-g", group, "-n", name, "--yes")


def test_files_and_directories_come_back_as_they_were(
    az: Az, access: list[str], share: str, tmp_path: Path
) -> None:
    content = os.urandom(5 * MEBIBYTE + 17)
    (tmp_path / "up").write_bytes(content)
    where = ["--share-name", share, *access]

    az("storage", "directory", "create", "-n", "deep", *where)
    upload = ["storage", "file", "upload", *where, "--no-progress"]
    az(*upload, "--source", str(tmp_path / "up"), "--path", "deep/a name.bin")
    listed = az("storage", "file", "list", *where, "--path", "deep")
    assert [(item["name"], item["properties"]["contentLength"]) for item in listed] == [
        ("a name.bin", len(content))
    ]
    down = str(tmp_path / "down")
    download = ["storage", "file", "download", *where, "--no-progress"]
    az(*download, "--path", "deep/a name.bin", "--dest", down)
    assert Path(down).read_bytes() == content
    az("storage", "file", "delete", *where, "--path", "deep/a name.bin")
    az("storage", "directory", "delete", "-n", "deep", *where)
    assert az("storage", "file", "list", *where) == []


@pytest.mark.parametrize("path", ["../escape", "a/../../escape", "..", "%2e%2e/escape"])
def test_no_path_leads_out_of_a_share(
    az: Az, access: list[str], share: str, path: str, tmp_path: Path
) -> None:
    (tmp_path / "up").write_text("out")
    upload = ["storage", "file", "upload", "--share-name", share, *access, "--no-progress"]

    outcome = az.run(*upload, "--source", str(tmp_path / "up"), "--path", path)

    assert "Traceback" not in outcome.said
    if outcome.code == 0:  # a client may have resolved it itself: then it is inside
        assert az("storage", "file", "list", "--share-name", share, *access)


def test_a_share_has_a_quota_and_is_managed_from_both_sides(
    az: Az, group: str, account: str, access: list[str]
) -> None:
    where = ["--storage-account", account, "-g", group, "-n", "managed"]

    az("storage", "share-rm", "create", *where, "--quota", "2")
    assert az("storage", "share-rm", "show", *where)["shareQuota"] == 2
    assert "managed" in [item["name"] for item in az("storage", "share", "list", *access)]
    az("storage", "share-rm", "update", *where, "--quota", "3")
    az("storage", "share", "delete", "-n", "managed", *access)
    outcome = az.run("storage", "share-rm", "show", *where)
    assert outcome.code
    assert "NotFound" in outcome.said


def test_a_wrong_key_opens_nothing(az: Az, account: str) -> None:
    wrong = ["--account-name", account, "--account-key", "d3JvbmcgYnV0IGxvbmcgZW5vdWdo"]

    az.refused("storage", "share", "list", *wrong, saying="AuthenticationFailed")


def test_a_reader_may_not_have_the_keys(
    az: Az, group: str, account: str, make_principal: Callable[..., object], silo, new_az
) -> None:
    reader = make_principal("Reader", az("group", "show", "-n", group)["id"])
    stranger = new_az().sign_in(silo.tenant, reader.client_id, reader.secret)

    stranger.refused(
        *("storage", "account", "keys", "list", "-g", group, "-n", account),
        saying="AuthorizationFailed",
    )


def test_an_account_is_deleted(az: Az, group: str, unique: Callable[[str], str]) -> None:
    name = unique("gone")
    az("storage", "account", "create", "-g", group, "-n", name, "--sku", "Standard_LRS")

    az("storage", "account", "delete", "-g", group, "-n", name, "--yes")

    az.refused("storage", "account", "show", "-g", group, "-n", name, saying="ResourceNotFound")
    assert az("storage", "account", "check-name", "-n", name)["nameAvailable"] is True
