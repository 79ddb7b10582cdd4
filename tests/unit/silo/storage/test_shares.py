"""Accounts, keys and shares in the database."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path, PurePath

import pytest
from tests.databases import open_store

from silo import core, storage
from silo.storage import errors

NOW = datetime(2026, 11, 23, 10, tzinfo=UTC)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[core.Store]:
    made = open_store(tmp_path)
    yield made
    made.close()


@pytest.fixture
def vault(tmp_path: Path) -> core.Vault:
    return core.Vault(tmp_path / "vault.key")


@pytest.fixture
def key(store: core.Store, vault: core.Vault) -> str:
    def make(conn: core.Connection) -> str:
        account = storage.put_account(conn, "acme", "/id")
        storage.create_share(conn, account, "data", NOW)
        return storage.set_keys(conn, vault, account, NOW)[0].value

    return store.write_now(make)


def test_a_group_reaches_a_share_with_a_key_and_only_with_one(
    store: core.Store, vault: core.Vault, key: str
) -> None:
    def resolve(account: str = "acme", share: str = "data", given: str = key) -> storage.FileShare:
        return store.read_now(
            lambda conn: storage.resolve_share(conn, vault, account=account, key=given, share=share)
        )

    assert resolve().folder.startswith("acme/")
    for wrong in ("", "x", key[:-4], key + "A"):
        with pytest.raises(errors.AuthenticationFailed):
            resolve(given=wrong)
    with pytest.raises(errors.AccountNotFound):
        resolve(account="none")
    with pytest.raises(errors.ShareNotFound):
        resolve(share="none")
    store.write_now(lambda conn: storage.put_account(conn, "acme", "/id", keys_accepted=False))
    with pytest.raises(errors.KeysNotPermitted):
        resolve()


def test_a_rotated_key_is_worthless(store: core.Store, vault: core.Vault, key: str) -> None:
    def rotate(conn: core.Connection) -> list[storage.Key]:
        return storage.set_keys(conn, vault, storage.get_account(conn, "acme"), NOW, ["key1"])

    one, two = store.write_now(rotate)

    assert one.value != key
    assert len(one.data) == len(two.data) == 64
    with pytest.raises(errors.AuthenticationFailed):
        store.read_now(
            lambda conn: storage.resolve_share(conn, vault, account="acme", key=key, share="data")
        )


def test_a_key_is_not_on_disk_in_the_clear(store: core.Store, key: str, tmp_path: Path) -> None:
    store.close()

    assert not [path for path in tmp_path.iterdir() if key.encode() in path.read_bytes()]


def test_a_share_made_anew_has_a_folder_of_its_own(store: core.Store, key: str) -> None:
    def again(conn: core.Connection) -> tuple[storage.FileShare, storage.FileShare]:
        account = storage.get_account(conn, "acme")
        old = storage.get_share(conn, account, "data")
        storage.delete_share(conn, account, "data")
        return old, storage.create_share(conn, account, "data", NOW)

    old, new = store.write_now(again)

    assert old.folder != new.folder


@pytest.mark.parametrize("quota", [0, -1, 102_401])
def test_a_quota_has_bounds(store: core.Store, key: str, quota: int) -> None:
    def change(conn: core.Connection) -> None:
        storage.update_share(conn, storage.get_account(conn, "acme"), "data", NOW, quota_gib=quota)

    with pytest.raises(errors.OutOfRangeInput):
        store.write_now(change)


def test_a_share_is_found_by_its_folder_while_it_exists(store: core.Store, key: str) -> None:
    def read(conn: core.Connection) -> None:
        share = storage.get_share(conn, storage.get_account(conn, "acme"), "data")
        for within in (share.folder, f"{share.folder}/content"):
            assert storage.get_share_at(conn, PurePath(within)) == share
        for within in ("", "acme", f"other/{share.uid}", "acme/other"):
            with pytest.raises(errors.ShareNotFound):
                storage.get_share_at(conn, PurePath(within))

    store.read_now(read)
