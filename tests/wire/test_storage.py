"""``az storage account``, ``share-rm``, ``share``, ``directory`` and ``file``."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tools.azure import Az, Principal
from tools.instance import Instance

DENIED = "do not have the required permissions"
"""What az says instead of AuthorizationPermissionMismatch."""


@dataclass(frozen=True)
class Account:
    """A storage account and how az reaches it."""

    name: str
    group: str
    id: str
    key: str

    @property
    def key_options(self) -> tuple[str, ...]:
        return ("--account-name", self.name, "--account-key", self.key)


@pytest.fixture(scope="module")
def make_account(
    az: Az, make_group: Callable[[], str], unique: Callable[[str], str]
) -> Callable[..., Account]:
    def make(*options: str) -> Account:
        name, group = unique("files"), make_group()
        made = az("storage", "account", "create", "-n", name, "-g", group, *options)
        keys = az("storage", "account", "keys", "list", "-n", name, "-g", group)
        return Account(name, group, made["id"], keys[0]["value"])

    return make


@pytest.fixture(scope="module")
def account(make_account: Callable[..., Account]) -> Account:
    return make_account()


@pytest.fixture
def share(az: Az, account: Account, unique: Callable[[str], str]) -> str:
    name = unique("share")
    assert az("storage", "share", "create", "-n", name, *account.key_options)["created"] is True
    return name


def test_an_account_is_made_shown_listed_changed_and_deleted(
    silo: Instance, az: Az, make_group: Callable[[], str], unique: Callable[[str], str]
) -> None:
    name, group = unique("life"), make_group()
    verb = ["storage", "account"]

    assert az(*verb, "check-name", "-n", name)["nameAvailable"] is True
    made = az(*verb, "create", "-n", name, "-g", group, "--sku", "Standard_ZRS")
    suffix = silo.endpoints["resourceManager"].removeprefix("https://management.").rstrip("/")
    assert made["primaryEndpoints"]["file"] == f"https://{name}.file.core.{suffix}/"
    assert made["primaryEndpoints"].get("blob") is None
    assert (made["sku"]["name"], made["kind"]) == ("Standard_ZRS", "StorageV2")
    taken = az(*verb, "check-name", "-n", name)
    assert (taken["nameAvailable"], taken["reason"]) == (False, "AlreadyExists")
    assert az(*verb, "check-name", "-n", "X")["reason"] == "AccountNameInvalid"
    assert az(*verb, "show", "-n", name, "-g", group)["id"] == made["id"]
    assert made["id"] in [item["id"] for item in az(*verb, "list")]
    changed = az(*verb, "update", "-n", name, "-g", group, "--tags", "a=1")
    assert changed["tags"] == {"a": "1"}
    elsewhere = make_group()
    az.refused(*verb, "create", "-n", name, "-g", elsewhere, saying="already taken")
    az(*verb, "delete", "-n", name, "-g", group, "--yes")
    az.refused(*verb, "show", "-n", name, "-g", group, saying="was not found")
    assert az(*verb, "check-name", "-n", name)["nameAvailable"] is True


@pytest.mark.parametrize("options", [("--hns", "true"), ("--kind", "BlobStorage")])
def test_what_is_not_served_is_refused_when_it_is_asked_for(
    az: Az, make_group: Callable[[], str], unique: Callable[[str], str], options: tuple[str, ...]
) -> None:
    more = ("--access-tier", "Hot") if options[0] == "--kind" else ()
    create = ["storage", "account", "create", "-n", unique("no"), "-g", make_group(), *options]

    az.refused(*create, *more, saying="not supported by this instance yet")


def test_a_renewed_key_replaces_the_old_one_at_once(
    az: Az, make_account: Callable[..., Account]
) -> None:
    account = make_account()
    where = ("-n", account.name, "-g", account.group)

    old = az("storage", "account", "keys", "list", *where)
    new = az("storage", "account", "keys", "renew", *where, "--key", "primary")

    assert new[0]["value"] != old[0]["value"]
    assert new[1]["value"] == old[1]["value"]
    assert az("storage", "share", "list", "--account-name", account.name, "--account-key",
              new[0]["value"]) == []  # fmt: skip
    az.refused("storage", "share", "list", *account.key_options, saying="AuthenticationFailed")


def test_share_rm_and_share_are_the_same_shares(az: Az, account: Account) -> None:
    rm = ("--storage-account", account.name, "-g", account.group)

    made = az("storage", "share-rm", "create", *rm, "-n", "both", "-q", "3", "--metadata", "a=b")
    assert (made["shareQuota"], made["metadata"]) == (3, {"a": "b"})
    shown = az("storage", "share", "show", "-n", "both", *account.key_options)
    assert shown["properties"]["quota"] == 3
    assert shown["metadata"] == {"a": "b"}
    az("storage", "share", "update", "-n", "both", "--quota", "4", *account.key_options)
    assert az("storage", "share-rm", "show", *rm, "-n", "both")["shareQuota"] == 4
    changed = az("storage", "share-rm", "update", *rm, "-n", "both", "-q", "5")
    assert changed["shareQuota"] == 5
    assert "both" in [item["name"] for item in az("storage", "share-rm", "list", *rm)]
    assert az("storage", "share-rm", "exists", *rm, "-n", "both")["exists"] is True
    assert az("storage", "share-rm", "stats", *rm, "-n", "both") == 0
    az("storage", "share-rm", "delete", *rm, "-n", "both", "--yes")
    assert az("storage", "share", "exists", "-n", "both", *account.key_options)["exists"] is False


def test_a_share_lives_through_its_commands(az: Az, account: Account, share: str) -> None:
    def on(verb: str, *words: str) -> Any:
        return az("storage", "share", *verb.split(), "-n", share, *words, *account.key_options)

    assert on("exists")["exists"] is True
    on("metadata update", "--metadata", "one=1", "two=2")
    assert on("metadata show") == {"one": "1", "two": "2"}
    assert on("stats") is not None
    assert on("url").endswith(f".file.{suffix_of(az)}/{share}")
    assert share in [one["name"] for one in az("storage", "share", "list", *account.key_options)]
    assert on("delete")["deleted"] is True
    assert on("exists")["exists"] is False


def suffix_of(az: Az) -> str:
    return str(az("cloud", "show")["suffixes"]["storageEndpoint"])


def test_files_and_directories_round_trip(
    az: Az, account: Account, share: str, tmp_path: Path
) -> None:
    def file(verb: str, *words: str) -> Any:
        return az("storage", "file", *verb.split(), "-s", share, *words, *account.key_options)

    def folder(verb: str, *words: str) -> Any:
        return az("storage", "directory", *verb.split(), "-s", share, *words, *account.key_options)

    data = os.urandom(9 << 20)
    (tmp_path / "up").write_bytes(data)
    assert folder("create", "-n", "a")["created"] is True
    assert folder("create", "-n", "a/b c")["created"] is True
    assert folder("exists", "-n", "a/b c")["exists"] is True
    file("upload", "--source", str(tmp_path / "up"), "-p", "a/b c/ä.bin", "--metadata", "k=v")
    file("download", "-p", "a/b c/ä.bin", "--dest", str(tmp_path / "down"))
    assert (tmp_path / "down").read_bytes() == data
    shown = file("show", "-p", "a/b c/ä.bin")
    assert shown["properties"]["contentLength"] == len(data)
    assert shown["metadata"] == {"k": "v"}
    assert [one["name"] for one in file("list", "-p", "a/b c")] == ["ä.bin"]
    assert [one["name"] for one in folder("list", "-n", "a")] == ["b c"]
    file("metadata update", "-p", "a/b c/ä.bin", "--metadata", "other=1")
    assert file("metadata show", "-p", "a/b c/ä.bin") == {"other": "1"}
    file("resize", "-p", "a/b c/ä.bin", "--size", "10")
    assert file("show", "-p", "a/b c/ä.bin")["properties"]["contentLength"] == 10
    folder("metadata update", "-n", "a", "--metadata", "x=y")
    assert folder("metadata show", "-n", "a") == {"x": "y"}
    refused = ("storage", "directory", "delete", "-s", share, "-n", "a", *account.key_options)
    az.refused(*refused, saying="not empty")
    file("delete", "-p", "a/b c/ä.bin")
    assert file("exists", "-p", "a/b c/ä.bin")["exists"] is False
    folder("delete", "-n", "a/b c")
    folder("delete", "-n", "a")
    assert file("list") == []


def test_many_files_go_in_batches_and_in_pages(
    az: Az, account: Account, share: str, tmp_path: Path
) -> None:
    (tmp_path / "in" / "sub").mkdir(parents=True)
    (tmp_path / "out").mkdir()
    for number in range(12):
        (tmp_path / "in" / "sub" / f"f{number:02}").write_text(str(number))
    batch = ("storage", "file")

    az(*batch, "upload-batch", "-d", share, "-s", str(tmp_path / "in"), *account.key_options)
    listed = az(
        *batch, "list", "-s", share, "-p", "sub", "--num-results", "*", *account.key_options
    )
    assert len(listed) == 12
    az(*batch, "download-batch", "-s", share, "-d", str(tmp_path / "out"), *account.key_options)
    assert (tmp_path / "out" / "sub" / "f07").read_text() == "7"
    az(*batch, "delete-batch", "-s", share, *account.key_options)
    assert az(*batch, "list", "-s", share, "-p", "sub", *account.key_options) == []


def test_a_file_is_copied_within_the_account(
    az: Az, account: Account, share: str, tmp_path: Path
) -> None:
    (tmp_path / "one.txt").write_text("content")
    options = account.key_options
    az("storage", "file", "upload", "-s", share, "--source", str(tmp_path / "one.txt"), *options)

    az("storage", "file", "copy", "start", "--source-share", share, "--source-path",
                "one.txt", "-s", share, "-p", "two.txt", *options)  # fmt: skip

    az("storage", "file", "download", "-s", share, "-p", "two.txt", "--dest",
       str(tmp_path / "two"), *options)  # fmt: skip
    assert (tmp_path / "two").read_text() == "content"


def test_a_signature_allows_what_it_says_and_no_more(
    az: Az, account: Account, share: str, tmp_path: Path
) -> None:
    (tmp_path / "one.txt").write_text("content")
    source = ("--source", str(tmp_path / "one.txt"))
    az("storage", "file", "upload", "-s", share, *source, *account.key_options)
    until = ("--expiry", "2099-01-01T00:00Z")
    ask = ("--permissions", "rl", *until, *account.key_options)
    of_share = az.run("storage", "share", "generate-sas", "-n", share, *ask, "-o", "tsv").out
    of_file = az.run(
        "storage", "file", "generate-sas", "-s", share, "-p", "one.txt", "--permissions", "r",
        *until, *account.key_options, "-o", "tsv",
    ).out  # fmt: skip
    whole = ("--services", "f", "--resource-types", "sco", *ask)
    of_account = az.run("storage", "account", "generate-sas", *whole, "-o", "tsv").out

    for sas in (of_share, of_account):
        signed = ("--account-name", account.name, "--sas-token", sas.strip())
        assert [one["name"] for one in az("storage", "file", "list", "-s", share, *signed)] == [
            "one.txt"
        ]
        upload = ("storage", "file", "upload", "-s", share, *source, *signed)
        az.refused(*upload, saying=DENIED)
    signed = ("--account-name", account.name, "--sas-token", of_file.strip())
    assert az("storage", "file", "exists", "-s", share, "-p", "one.txt", *signed)["exists"] is True
    az.refused("storage", "file", "list", "-s", share, *signed, saying="uthentication")
    broken = of_share.strip().replace("sp=rl", "sp=rwl")
    signed = ("--account-name", account.name, "--sas-token", broken)
    az.refused("storage", "file", "list", "-s", share, *signed, saying="uthentication")


def test_a_role_reaches_files_with_a_token(
    silo: Instance,
    new_az: Callable[[], Az],
    az: Az,
    account: Account,
    share: str,
    make_principal: Callable[..., Principal],
) -> None:
    group = account.id.partition("/providers/")[0]
    reader, nobody = make_principal("Reader", group), make_principal("Reader", group)
    az("role", "assignment", "create", "--assignee", reader.client_id, "--scope", account.id,
       "--role", "Storage File Data Privileged Reader")  # fmt: skip
    options = ("--account-name", account.name, "--auth-mode", "login", "--backup-intent")
    az("storage", "directory", "create", "-s", share, "-n", "d", *account.key_options)

    one = new_az().sign_in(silo.tenant, reader.client_id, reader.secret)
    two = new_az().sign_in(silo.tenant, nobody.client_id, nobody.secret)

    assert [x["name"] for x in one("storage", "file", "list", "-s", share, *options)] == ["d"]
    make = ("storage", "directory", "create", "-s", share, "-n", "e", *options)
    one.refused(*make, saying=DENIED)
    read = ("storage", "file", "list", "-s", share, *options)
    two.refused(*read, saying=DENIED)


def test_a_quota_is_kept(az: Az, account: Account, unique: Callable[[str], str]) -> None:
    name = unique("small")
    az("storage", "share", "create", "-n", name, "--quota", "1", *account.key_options)
    on = ("-s", name, *account.key_options)

    az("storage", "file", "upload", "--source", "/etc/hostname", "-p", "f.txt", *on)
    az.refused("storage", "file", "resize", "-p", "f.txt", "--size", str(2 << 30), *on,
               saying="ShareSizeLimitReached")  # fmt: skip
    az("storage", "file", "resize", "-p", "f.txt", "--size", str(1 << 29), *on)


def test_blobs_queues_and_tables_are_said_not_to_be_served(az: Az, account: Account) -> None:
    for words in (("container", "list"), ("queue", "list"), ("table", "list")):
        az.refused("storage", *words, *account.key_options, saying="")


def test_an_account_that_takes_no_keys_takes_none(
    az: Az, make_account: Callable[..., Account]
) -> None:
    account = make_account("--allow-shared-key-access", "false")

    listing = ("storage", "share", "list", *account.key_options)
    az.refused(*listing, saying="KeyBasedAuthenticationNotPermitted")
