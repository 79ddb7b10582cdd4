import base64
import json

import pytest

from silo import kube
from silo.providers import containerservice

from .cluster_world import K1, TENANT, make_body, make_pool

GROUP = "00000000-0000-0000-0000-0000000000bb"
AAD = {"managed": True, "adminGroupObjectIDs": [GROUP], "tenantID": None}


def find_plan(world):
    (plan,) = world.clusters.plans.values()
    return plan


async def make(world, **changes):
    async with world.running():
        status, _, body = await world.put(**changes)
        assert status in {200, 201}, body
        return await world.wait_state()


async def read_config(world, query=""):
    path = f"{K1}/listClusterUserCredential?api-version=2026-06-01{query}"
    status, _, body = await world.ask("POST", path)
    assert status == 200, body
    (item,) = body["kubeconfigs"]
    return json.loads(base64.b64decode(item["value"]))


async def test_profile_is_shown_as_azure_fills_it_in(world):
    made = await make(world, aadProfile=AAD)

    assert made["properties"]["aadProfile"] == {
        "managed": True,
        "adminGroupObjectIDs": [GROUP],
        "enableAzureRBAC": False,
        "tenantID": TENANT,
    }
    assert find_plan(world).sign_in == kube.SignIn((GROUP,))


async def test_user_gets_no_secret_but_kubelogin(world):
    await make(world, aadProfile=AAD)
    config = await read_config(world)

    ((user),) = config["users"]
    assert user["name"] == "clusterUser_g1_k1"
    assert set(user["user"]) == {"exec"}
    assert user["user"]["exec"]["command"] == "kubelogin"
    words = " ".join(user["user"]["exec"]["args"])
    assert "--login devicecode" in words
    assert f"--tenant-id {TENANT}" in words
    assert "--server-id 6dae42f8-4368-4678-94ff-3960e28e3630" in words


async def test_user_who_has_az_alone_gets_by_with_it(world):
    await make(world, aadProfile=AAD)
    config = await read_config(world, "&format=azure")

    program = config["users"][0]["user"]["exec"]
    assert (program["command"], program["args"][:2]) == ("az", ["account", "get-access-token"])


async def test_local_accounts_that_are_off_are_given_to_nobody(world):
    await make(world, aadProfile=AAD, disableLocalAccounts=True)
    status, _, body = await world.act("listClusterAdminCredential")

    assert (status, body["error"]["code"]) == (400, "BadRequest")
    assert "set to disable local accounts" in body["error"]["message"]
    assert not find_plan(world).local_accounts
    assert (await read_config(world))["users"][0]["user"]["exec"]


async def test_pods_keep_to_the_standard_that_the_tag_names(world):
    body = make_body()
    wrong, _, refused = await world.ask("PUT", K1, {**body, "tags": {"silo-pod-security": "lax"}})
    async with world.running():
        await world.ask("PUT", K1, {**body, "tags": {"Silo-Pod-Security": "Restricted"}})
        await world.wait_state()

    assert (wrong, find_plan(world).pod_security) == (400, "restricted")
    assert "baseline,restricted" in refused["error"]["message"]


async def test_tag_that_was_not_checked_concerns_nobody_but_its_cluster(world):
    small = make_body(agentPoolProfiles=[make_pool(vmSize="Standard_B2s")])
    async with world.running():
        await world.ask("PUT", K1, {**small, "tags": {"silo-pod-security": "restricted"}})
        await world.wait_state()
    tags = {"silo-pod-security": "x"}
    odd = world.change_stored(lambda one: one.with_document(tags=tags))
    two = {**small, "properties": {**small["properties"], "dnsPrefix": "two"}}
    other, _, _ = await world.ask("PUT", f"{K1}-two", two)
    own, _, refused = await world.ask("PUT", K1, {**small, "tags": tags})
    plans = await containerservice.open_plans(world.around).list_plans()

    assert (other, own, refused["error"]["code"]) == (201, 400, "InvalidParameter")
    assert plans[odd.uid].pod_security == "restricted"


async def test_sign_in_can_be_switched_on_later_and_stays(world):
    made = await make(world)
    sent = {**made, "properties": {**made["properties"], "aadProfile": {"managed": True}}}
    async with world.running():
        status, _, _ = await world.ask("PUT", K1, sent)
        await world.wait_state()
    off, _, body = await world.put()

    assert (status, find_plan(world).sign_in) == (200, kube.SignIn())
    assert (off, body["error"]["code"]) == (400, "PropertyChangeNotAllowed")


@pytest.mark.parametrize(
    ("changes", "code", "said"),
    [
        ({"disableLocalAccounts": True}, "BadRequest", "Local accounts"),
        ({"aadProfile": {"managed": True, "tenantID": "other"}}, "InvalidParameter", "other"),
        (
            {"aadProfile": {"managed": True, "serverAppID": GROUP}},
            "FeatureNotSupported",
            "serverAppID",
        ),
        (
            {"aadProfile": {"managed": True, "adminGroupObjectIDs": ["g"]}},
            "InvalidRequestContent",
            "adminGroupObjectIDs",
        ),
    ],
)
async def test_what_cannot_be_had_is_refused_by_name(world, changes, code, said):
    status, _, body = await world.ask("PUT", K1, make_body(**changes))

    assert (status, body["error"]["code"]) == (400, code)
    assert said in body["error"]["message"]
