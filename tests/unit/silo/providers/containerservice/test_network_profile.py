from ipaddress import IPv4Network

import pytest

from silo import arm, kube
from silo.providers.containerservice.network_profile import check_free, settle_network
from silo.providers.containerservice.wish import plan_cluster


def settle(before=None, **given):
    return settle_network(given, before).model_dump(mode="json", by_alias=True, exclude_none=True)


def test_network_is_an_overlay_unless_the_plugin_is_named_alone():
    assert settle()["networkPluginMode"] == "overlay"
    assert settle()["podCidr"] == "10.244.0.0/16"
    named = settle(networkPlugin="azure")
    assert {"networkPluginMode", "podCidr", "podCidrs"}.isdisjoint(named)
    assert settle(networkPlugin="Azure", networkPluginMode="Overlay") == settle()


def test_ranges_are_those_that_were_asked_for():
    given = {"podCidr": "10.9.0.0/16", "serviceCidr": "10.8.0.0/20", "dnsServiceIP": "10.8.0.53"}
    found = settle(**given)

    assert {name: found[name] for name in given} == given
    assert (found["podCidrs"], found["serviceCidrs"]) == (["10.9.0.0/16"], ["10.8.0.0/20"])
    assert settle(serviceCidr="10.8.0.0/20")["dnsServiceIP"] == "10.8.0.10"


@pytest.mark.parametrize("given", [{}, {"networkPlugin": "kubenet"}, {"networkPlugin": "azure"}])
def test_what_is_shown_or_not_said_changes_nothing(given):
    before = settle(**given)

    assert settle(before) == before
    assert settle(before, **before) == before


def test_policy_can_be_changed_and_nothing_else():
    before = settle(networkPolicy="azure")

    assert settle(before)["networkPolicy"] == "azure"
    assert settle(before, networkPolicy="none")["networkPolicy"] == "none"
    for name, value in {
        "networkPlugin": "kubenet",
        "podCidr": "10.9.0.0/16",
        "serviceCidr": "10.8.0.0/16",
        "dnsServiceIP": "10.0.0.11",
    }.items():
        with pytest.raises(arm.ArmError) as raised:
            settle(before, **{name: value})
        assert (raised.value.code, name in str(raised.value)) == ("PropertyChangeNotAllowed", True)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"networkPolicy": "cilium"}, "networkPolicy"),
        ({"networkPlugin": "kubenet", "networkPolicy": "azure"}, "kubenet"),
        ({"networkPlugin": "none", "networkPolicy": "calico"}, "none"),
        ({"networkPlugin": "kubenet", "networkPluginMode": "overlay"}, "no modes"),
        ({"networkPlugin": "azure", "podCidr": "10.9.0.0/16"}, "of the subnet"),
        ({"networkDataplane": "cilium"}, "networkDataplane"),
        ({"outboundType": "managedNATGateway"}, "outboundType"),
        ({"outboundType": "none"}, "outboundType"),
        ({"natGatewayProfile": {"idleTimeoutInMinutes": 4}}, "natGatewayProfile"),
        ({"loadBalancerSku": "basic"}, "loadBalancerSku"),
        ({"podCidr": "10.9.0.1/16"}, "no range"),
        ({"podCidr": "fd00::/64"}, "no range"),
        ({"podCidr": "10.9.0.0/24"}, "prefix"),
        ({"podCidrs": ["10.9.0.0/16", "10.10.0.0/16"]}, "one range"),
        ({"podCidr": "10.9.0.0/16", "podCidrs": ["10.10.0.0/16"]}, "the same"),
        ({"podCidr": "10.224.0.0/16"}, "10.224.0.0/16"),
        ({"podCidr": "169.254.0.0/16"}, "169.254.0.0/16"),
        ({"serviceCidr": "172.30.0.0/16"}, "172.30.0.0/16"),
        ({"serviceCidr": "10.0.0.0/12"}, "prefix"),
        ({"serviceCidr": "10.244.0.0/16"}, "overlaps the pods"),
        ({"serviceCidr": "10.8.0.0/16", "dnsServiceIP": "10.0.0.10"}, "none of"),
        ({"dnsServiceIP": "10.0.0.1"}, "none of"),
        ({"dnsServiceIP": "here"}, "no address"),
    ],
)
def test_what_cannot_be_had_is_refused_by_name(given, said):
    with pytest.raises(arm.ArmError) as raised:
        settle(**given)

    assert said in str(raised.value)


def test_what_pods_have_to_reach_is_not_theirs():
    profile = settle_network({"podCidr": "100.64.0.0/16"}, None)

    check_free(profile, [IPv4Network("100.80.0.0/18")])
    with pytest.raises(arm.ArmError, match=r"100\.64\.32\.0/19"):
        check_free(profile, [IPv4Network("100.64.32.0/19")])


@pytest.mark.parametrize(
    ("given", "pods", "networked"),
    [
        ({"podCidr": "10.9.0.0/16"}, IPv4Network("10.9.0.0/16"), True),
        ({"networkPlugin": "azure"}, kube.SUBNET_PODS, True),
        ({"networkPlugin": "none"}, kube.POD_SPACE, False),
    ],
)
async def test_machine_is_told_of_the_network(world, given, pods, networked):
    ranges = {"serviceCidr": "10.8.0.0/20", "dnsServiceIP": "10.8.0.53"}
    await world.put(networkProfile={**given, **ranges})
    plan = plan_cluster(world.change_stored(lambda one: one))

    assert (plan.pods, plan.networked) == (pods, networked)
    assert (plan.services, plan.dns_service) == (IPv4Network("10.8.0.0/20"), "10.8.0.53")
    assert plan.pods.subnet_of(kube.NODE_SPACE) is (given == {"networkPlugin": "azure"})
