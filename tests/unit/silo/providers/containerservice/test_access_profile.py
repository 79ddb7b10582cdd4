import base64
import json

import pytest

from silo import arm, engine
from silo.providers.containerservice.access_profile import settle_access
from silo.providers.containerservice.wish import plan_cluster

from .cluster_world import K1

PRIVATE = {"enablePrivateCluster": True}
SETTLED = {**PRIVATE, "privateDNSZone": "system", "enablePrivateClusterPublicFQDN": True}


def test_private_cluster_stays_one():
    made = settle_access(PRIVATE, None, new=True)

    assert made == SETTLED
    assert settle_access({}, made, new=False) == made
    assert settle_access(made, made, new=False) == made
    hidden = settle_access({"enablePrivateClusterPublicFQDN": False}, made, new=False)
    assert hidden == {**SETTLED, "enablePrivateClusterPublicFQDN": False}
    assert settle_access({}, hidden, new=False) == hidden


def test_public_cluster_has_ranges_or_everybody():
    assert settle_access({"enablePrivateCluster": False}, None, new=True) is None
    ranges = {"authorizedIPRanges": ["203.0.113.0/24"]}
    assert settle_access(ranges, None, new=True) == ranges
    assert settle_access({"authorizedIPRanges": []}, ranges, new=False) is None


@pytest.mark.parametrize(
    ("given", "before", "code"),
    [
        (PRIVATE, {}, "PropertyChangeNotAllowed"),
        ({"enablePrivateCluster": False}, SETTLED, "PropertyChangeNotAllowed"),
        ({"authorizedIPRanges": ["203.0.113.0/24"]}, SETTLED, "InvalidParameter"),
        ({"enablePrivateClusterPublicFQDN": True}, {}, "InvalidParameter"),
        ({**PRIVATE, "privateDNSZone": "none"}, SETTLED, "FeatureNotSupported"),
        ({**PRIVATE, "privateDNSZone": "/subscriptions/x"}, SETTLED, "FeatureNotSupported"),
        ({"enableVnetIntegration": True}, {}, "FeatureNotSupported"),
    ],
)
def test_what_cannot_be_had_is_refused(given, before, code):
    with pytest.raises(arm.ArmError) as raised:
        settle_access(given, before, new=False)

    assert raised.value.code == code


async def find_server(world, query=""):
    action = f"{K1}/listClusterUserCredential?api-version=2026-06-01{query}"
    _, _, body = await world.ask("POST", action)
    if "error" in body:
        return body["error"]["message"]
    config = json.loads(base64.b64decode(body["kubeconfigs"][0]["value"]))
    return config["clusters"][0]["cluster"]["server"]


async def test_private_cluster_has_names_that_lead_nowhere_and_no_address(world):
    async with world.running():
        await world.put(apiServerAccessProfile=PRIVATE)
        shown = (await world.wait_state())["properties"]
        servers = [await find_server(world, query) for query in ("", "&server-fqdn=public")]
        hidden = {**PRIVATE, "enablePrivateClusterPublicFQDN": False}
        await world.put(apiServerAccessProfile=hidden)
        after = (await world.wait_state())["properties"]
        refused = await find_server(world, "&server-fqdn=public")

    plan = plan_cluster(world.change_stored(lambda one: one))
    assert world.leases == {}
    assert (plan.public_address, plan.is_guarded) == ("", True)
    assert plan.private_names == (shown["privateFQDN"], shown["fqdn"])
    assert ".privatelink.westeurope.azmk8s.silo.test" in shown["privateFQDN"]
    for name in plan.private_names:
        assert world.store.read_now(lambda conn, name=name: engine.resolve_name(conn, name)) == ""
    assert servers == [f"https://{name}:443" for name in plan.private_names]
    assert after.get("fqdn") is None
    assert "disabled" in refused
