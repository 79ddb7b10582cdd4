import pytest

from silo import arm, core, storage
from silo.providers.containerservice import NodeShares, errors

from .cluster_world import K1

LARGE = 100_000
"""More than any disk here: no file system of its own is needed to hold anybody to it."""
NODES = "MC_g1_k1_westeurope"


@pytest.fixture
async def made(world, tmp_path):
    """Return a cluster's uid and what gives it shares."""
    (tmp_path / "vault.key").write_bytes(b"k" * 32)
    async with world.running():
        await world.put()
        await world.wait_state()
    cluster = world.store.read_now(
        lambda conn: world.resources.get(conn, arm.parse_resource_id(K1))
    )
    tree = storage.Tree(tmp_path / "shares")
    return cluster.uid, NodeShares(world.resources, core.Vault(tmp_path / "vault.key"), tree)


def find_account(world):
    """Return the storage account of the nodes' resource group, as its owner sees it."""

    def read(conn):
        every = world.resources.list(
            conn, arm.parse_resource_id("/"), "Microsoft.Storage/storageAccounts"
        )
        (found,) = every
        return found

    return world.store.read_now(read)


async def test_share_is_in_an_account_of_the_nodes_resource_group(world, made):
    uid, shares = made
    await shares.make(uid, "pvc-1", LARGE)
    await shares.make(uid, "pvc-1", LARGE)
    await shares.make(uid, "pvc-2", LARGE + 1)

    account = find_account(world)
    assert (account.id.group, account.state) == (NODES, "Succeeded")
    assert account.document["sku"]["name"] == "Standard_LRS"
    listed = world.store.read_now(
        lambda conn: storage.list_shares(conn, storage.get_account(conn, account.id.name))
    )
    assert {one.name: one.quota_gib for one in listed} == {"pvc-1": LARGE, "pvc-2": LARGE + 1}
    assert (await shares.open(uid, "pvc-1")).is_dir()


async def test_share_grows_and_goes(world, made):
    uid, shares = made
    await shares.make(uid, "pvc-1", LARGE)

    assert await shares.grow(uid, "pvc-1", LARGE + 2)
    assert await shares.grow(uid, "pvc-1", LARGE + 1)
    account = world.store.read_now(
        lambda conn: storage.find_account(conn, find_account(world).id.name)
    )
    found = world.store.read_now(lambda conn: storage.get_share(conn, account, "pvc-1"))
    assert found.quota_gib == LARGE + 2
    folder = await shares.open(uid, "pvc-1")
    await shares.remove(uid, "pvc-1")
    await shares.remove(uid, "pvc-1")

    assert not folder.exists()
    with pytest.raises(storage.ShareNotFound):
        await shares.open(uid, "pvc-1")


async def test_all_shares_go_with_their_cluster(made):
    uid, shares = made
    folders = []
    for name in ("pvc-1", "pvc-2"):
        await shares.make(uid, name, LARGE)
        folders.append(await shares.open(uid, name))
    await shares.clear(uid)
    await shares.clear(uid)
    await shares.clear("somebody")

    assert not any(folder.exists() for folder in folders)


async def test_account_that_is_closed_to_keys_is_closed_to_nodes(world, made):
    uid, shares = made
    await shares.make(uid, "pvc-1", LARGE)
    account = find_account(world)
    world.store.write_now(
        lambda conn: storage.put_account(
            conn, account.id.name, account.id.text, keys_accepted=False
        )
    )

    with pytest.raises(storage.StorageError):
        await shares.open(uid, "pvc-1")


async def test_account_of_somebody_elses_group_is_not_used(world, made):
    uid, shares = made
    await shares.make(uid, "pvc-1", LARGE)
    account = find_account(world)
    other = account.id.text.replace(NODES, "theirs")
    world.store.write_now(lambda conn: storage.put_account(conn, account.id.name, other))

    with pytest.raises(errors.NoShareAccount):
        await shares.make(uid, "pvc-2", 2)


async def test_nobody_but_a_cluster_gets_a_share(made):
    _, shares = made

    with pytest.raises(errors.NoShareAccount):
        await shares.make("somebody", "pvc-1", 1)
