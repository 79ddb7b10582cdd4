import base64
import json

import pytest
from tests.unit.silo.arm.world import VERSION

from silo import engine, kube
from silo.providers import containerservice

from .cluster_world import GIB, K1, make_body, make_pool


def find_plan(world):
    (plan,) = world.clusters.plans.values()
    return plan


async def test_cluster_is_made_with_what_was_left_to_the_server(world):
    async with world.running():
        status, headers, body = await world.put()
        made = await world.wait_state()

    assert (status, body["properties"]["provisioningState"]) == (201, "Creating")
    assert "azure-asyncoperation" in {name.lower() for name in headers}
    shown = made["properties"]
    assert shown["kubernetesVersion"] == shown["currentKubernetesVersion"] == "1.36.3"
    assert shown["fqdn"].startswith("k1-rg-111111-")
    assert shown["fqdn"].endswith(".hcp.westeurope.azmk8s.silo.test")
    assert shown["powerState"] == {"code": "Running"}
    assert shown["networkProfile"]["podCidr"] == "10.244.0.0/16"
    (pool,) = shown["agentPoolProfiles"]
    assert (pool["vmSize"], pool["count"], pool["provisioningState"]) == (
        "Standard_D2s_v5",
        1,
        "Succeeded",
    )
    assert made["identity"]["principalId"]
    assert "silo" not in shown


async def test_machine_is_told_what_was_asked_for(world):
    async with world.running():
        await world.put(agentPoolProfiles=[make_pool(vmSize="standard_b2s", maxPods=50)])
        await world.wait_state()

    plan = find_plan(world)
    (node,) = plan.nodes
    assert (plan.version, plan.public_address) == ("1.36.3", "203.0.113.4")
    assert node.name.startswith("aks-nodepool1-")
    assert node.name.endswith("-vmss000000")
    assert (node.size, node.max_pods) == (kube.Size(2.0, 4 * GIB), 50)
    assert dict(node.labels)["node.kubernetes.io/instance-type"] == "Standard_B2s"
    name = world.store.read_now(lambda conn: engine.resolve_name(conn, plan.fqdn))
    assert name == plan.public_address


async def test_whole_cluster_sent_back_changes_nothing(world):
    async with world.running():
        await world.put()
        shown = await world.wait_state()
        before = find_plan(world)
        status, _, _ = await world.ask("PUT", K1, shown)
        await world.wait_state()

    assert status == 200
    assert find_plan(world) == before


async def test_deletion_gives_name_and_address_back(world):
    async with world.running():
        await world.put()
        made = await world.wait_state()
        status, _, _ = await world.ask("DELETE", K1)
        gone = await world.wait_gone()

    fqdn = made["properties"]["fqdn"]
    assert (status, gone) == (202, 404)
    assert world.clusters.plans == {}
    assert world.leases == {}
    assert world.store.read_now(lambda conn: engine.resolve_name(conn, fqdn)) == ""


@pytest.mark.parametrize("kind", ["User", "Admin"])
async def test_credentials_are_a_kubeconfig_for_the_clusters_name(world, kind):
    async with world.running():
        await world.put()
        made = await world.wait_state()
        status, _, body = await world.act(f"listCluster{kind}Credential")

    assert status == 200
    (item,) = body["kubeconfigs"]
    config = json.loads(base64.b64decode(item["value"]))
    fqdn = made["properties"]["fqdn"]
    assert item["name"] == f"cluster{kind}"
    assert config["clusters"][0]["cluster"]["server"] == f"https://{fqdn}:443"
    assert config["users"][0]["name"] == f"cluster{kind}_g1_k1"


async def test_there_are_no_credentials_before_there_is_a_cluster(world):
    await world.put()
    status, _, body = await world.act("listClusterAdminCredential")

    assert (status, body["error"]["code"]) == (409, "NotReady")


async def test_cluster_that_does_not_come_up_says_why(world):
    world.clusters.failure = kube.StepFailed("the API server does not get ready")
    async with world.running():
        await world.put()
        await world.wait_state("Failed")
        _, headers, _ = await world.put()

    assert headers


async def test_machine_without_kubernetes_refuses_with_the_reason(world):
    world.reason = "clusters need root"
    status, _, body = await world.put()

    assert (status, body["error"]["code"]) == (409, "ServiceUnavailable")
    assert "clusters need root" in body["error"]["message"]


async def test_cluster_is_stopped_and_closed_while_clusters_are_off(world):
    async with world.running():
        await world.put()
        await world.wait_state()
        world.reason = "clusters are switched off"
        _, _, shown = await world.ask("GET", K1)
        _, _, pools = await world.ask("GET", f"{K1}/agentPools")
        status, _, refused = await world.act("listClusterAdminCredential")

    assert shown["properties"]["powerState"] == {"code": "Stopped"}
    assert [one["properties"]["powerState"]["code"] for one in pools["value"]] == ["Stopped"]
    assert (status, refused["error"]["code"]) == (409, "ServiceUnavailable")


async def test_cluster_goes_also_while_clusters_are_off(world):
    async with world.running():
        await world.put()
        await world.wait_state()
        world.reason = "clusters are switched off"
        await world.ask("DELETE", K1)
        await world.wait_gone()

    assert world.clusters.plans == {}


@pytest.mark.parametrize(
    ("changes", "code", "said"),
    [
        ({"kubernetesVersion": "1.20.0"}, "K8sVersionNotSupported", "1.20.0"),
        ({"kubernetesVersion": "1"}, "K8sVersionNotSupported", "version 1,"),
        ({"agentPoolProfiles": []}, "InvalidParameter", "agentPoolProfiles"),
        ({"agentPoolProfiles": [make_pool(vmSize="Tiny")]}, "VMSizeNotSupported", "Tiny"),
        (
            {"agentPoolProfiles": [make_pool(vmSize="Standard_D8s_v5")]},
            "InsufficientVCPUQuota",
            "2 vCPUs",
        ),
        (
            {"agentPoolProfiles": [make_pool(orchestratorVersion="1.20.0")]},
            "K8sVersionNotSupported",
            "1.20.0",
        ),
        ({"networkProfile": {"networkPolicy": "cilium"}}, "FeatureNotSupported", "networkPolicy"),
        (
            {"networkProfile": {"outboundType": "userDefinedRouting"}},
            "FeatureNotSupported",
            "outbound",
        ),
        (
            {"apiServerAccessProfile": {"enableVnetIntegration": True}},
            "FeatureNotSupported",
            "enableVnetIntegration",
        ),
        (
            {"apiServerAccessProfile": {"authorizedIPRanges": ["203.0.113.0/24", "fd00::/8"]}},
            "InvalidParameter",
            "fd00::/8",
        ),
        ({"enableRBAC": False}, "FeatureNotSupported", "enableRBAC"),
        (
            {"securityProfile": {"workloadIdentity": {"enabled": True}}},
            "InvalidParameter",
            "oidcIssuerProfile",
        ),
        (
            {"securityProfile": {"imageCleaner": {"enabled": True}}},
            "FeatureNotSupported",
            "securityProfile.imageCleaner",
        ),
        (
            {"somethingNew": {"on": True}},
            "FeatureNotSupported",
            "somethingNew",
        ),
        (
            {"agentPoolProfiles": [make_pool(vnetSubnetID="/subscriptions/s/x")]},
            "FeatureNotSupported",
            "vnetSubnetID",
        ),
        ({"dnsPrefix": "-"}, "InvalidRequestContent", "dnsPrefix"),
        ({"dnsPrefix": ""}, "InvalidParameter", "dnsPrefix"),
    ],
)
async def test_what_cannot_be_had_is_refused_by_name(world, changes, code, said):
    status, _, body = await world.put(**changes)

    assert (status, body["error"]["code"]) == (400, code)
    assert said in body["error"]["message"]


async def test_memory_is_not_promised_twice(world):
    first, _, _ = await world.put(agentPoolProfiles=[make_pool(vmSize="Standard_D2s_v5")])
    second = make_body(agentPoolProfiles=[make_pool(vmSize="Standard_E2s_v5")])
    full, _, refused = await world.ask("PUT", f"{K1}-two", second)
    again, _, _ = await world.put(agentPoolProfiles=[make_pool(vmSize="Standard_D2s_v5")])
    fitting, _, _ = await world.ask("PUT", f"{K1}-two", make_body(dnsPrefix="two"))

    assert (first, full, again, fitting) == (201, 400, 200, 201)
    assert "8.0 GiB of memory left" in refused["error"]["message"]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"dnsPrefix": "another"}, "PropertyChangeNotAllowed"),
        (
            {"agentPoolProfiles": [make_pool(vmSize="Standard_B2s")]},
            "PropertyChangeNotAllowed",
        ),
        ({"kubernetesVersion": "1.35.4"}, "OperationNotAllowed"),
    ],
)
async def test_what_is_fixed_cannot_be_changed(world, changes, code):
    await world.put()
    status, _, body = await world.put(**changes)

    assert status in {400, 409}
    assert body["error"]["code"] == code


async def test_older_version_is_made_when_it_is_asked_for(world):
    async with world.running():
        await world.put(kubernetesVersion="1.35")
        await world.wait_state()

    assert find_plan(world).version == "1.35.4"


async def test_pools_are_resources_below_the_cluster(world):
    async with world.running():
        await world.put()
        await world.wait_state()
        _, _, listed = await world.ask("GET", f"{K1}/agentPools")
        status, _, pool = await world.ask("GET", f"{K1}/agentPools/NodePool1")
        missing, _, _ = await world.ask("GET", f"{K1}/agentPools/other")

    assert listed["value"] == [pool]
    assert (status, missing) == (200, 404)
    assert pool["id"].endswith("/managedClusters/k1/agentPools/nodepool1")
    assert pool["properties"]["currentOrchestratorVersion"] == "1.36.3"


async def test_versions_are_those_that_are_here(world):
    subscription = K1.partition("/resourceGroups")[0]
    where = f"{subscription}/providers/Microsoft.ContainerService/locations/westeurope"
    _, _, body = await world.ask("GET", f"{where}/kubernetesVersions?api-version={VERSION}")

    assert [one["version"] for one in body["values"]] == ["1.36", "1.35"]
    assert [one["isDefault"] for one in body["values"]] == [True, False]
    assert body["values"][0]["patchVersions"] == {"1.36.3": {"upgrades": []}}


async def test_there_are_no_versions_while_clusters_are_off(world):
    world.reason = "clusters are switched off"
    subscription = K1.partition("/resourceGroups")[0]
    where = f"{subscription}/providers/Microsoft.ContainerService/locations/westeurope"
    _, _, body = await world.ask("GET", f"{where}/kubernetesVersions?api-version={VERSION}")

    assert body == {"values": []}


async def test_every_stored_cluster_is_taken_up_after_a_start(world):
    async with world.running():
        await world.put()
        await world.wait_state()

    plans = await containerservice.open_plans(world.around).list_plans()
    assert list(plans.values()) == [find_plan(world)]
    assert [plan.was_up for plan in (*plans.values(), find_plan(world))] == [True, False]


async def test_one_that_cannot_be_planned_is_listed_beside_the_others(world):
    small = [make_pool(vmSize="Standard_B2s")]
    await world.put(agentPoolProfiles=small)
    await world.ask("PUT", f"{K1}-two", make_body(dnsPrefix="two", agentPoolProfiles=small))
    odd = world.change_stored(lambda one: one.with_properties(silo={"no": "such"}))
    plans = await containerservice.open_plans(world.around).list_plans()

    assert plans.pop(odd.uid) is None
    assert [plan.uid == uid for uid, plan in plans.items()] == [True]


async def test_one_that_cannot_be_planned_any_more_is_not_told_to_be_well(world):
    async with world.running():
        await world.put()
        await world.wait_state()
    odd = world.change_stored(lambda one: one.with_properties(silo={"no": "such"}))
    await containerservice.open_plans(world.around).list_plans()

    assert odd.is_settled
    assert not world.change_stored(lambda one: one).is_settled


@pytest.mark.parametrize(
    ("given", "shown", "enforced"),
    [({}, "none", False), ({"networkPolicy": "Azure"}, "azure", True), ("calico", "calico", True)],
)
async def test_policies_are_enforced_where_they_are_asked_for(world, given, shown, enforced):
    profile = {"networkPolicy": given} if isinstance(given, str) else given
    async with world.running():
        await world.put(networkProfile=profile)
        made = await world.wait_state()

    assert made["properties"]["networkProfile"]["networkPolicy"] == shown
    assert find_plan(world).policies is enforced


async def test_api_may_be_asked_from_authorised_ranges_alone(world):
    ranges = ["203.0.113.0/24", "198.51.100.7"]
    async with world.running():
        await world.put(apiServerAccessProfile={"authorizedIPRanges": ranges})
        made = await world.wait_state()
        narrow = find_plan(world).api_sources
        await world.put(apiServerAccessProfile={"authorizedIPRanges": []})
        await world.wait_state()

    assert made["properties"]["apiServerAccessProfile"] == {"authorizedIPRanges": ranges}
    assert narrow == ("203.0.113.0/24", "198.51.100.7/32")
    assert find_plan(world).api_sources == ()
