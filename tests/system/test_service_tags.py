"""Service tags in security rules, with real packets to Silo's doors and to a public address."""

from ipaddress import IPv4Network

import pytest
from tests.system.net_probes import listening
from tests.system.test_network import networks, unused_pools  # noqa: F401 - fixtures
from tests.system.test_private_subnets import in_subnet, reach

from silo import engine
from silo.providers.network import security_rules
from silo.providers.network.properties import SecurityRule

pytestmark = pytest.mark.skipif("os.geteuid() != 0", reason="namespaces need root")
SPACE = "10.0.0.0/16"
DOOR = 18443


def outbound(pools, *rules):
    """Return the rules of a network whose groups may go out as these say: priority, access, tag."""
    meaning = security_rules.Meaning(
        [IPv4Network(SPACE)], [IPv4Network(pools.host)], [pools.public]
    )
    made = [
        SecurityRule.model_validate(
            {
                "priority": priority,
                "direction": "Outbound",
                "access": access,
                "protocol": "*",
                "sourceAddressPrefix": "*",
                "sourcePortRange": "*",
                "destinationAddressPrefix": tag,
                "destinationPortRange": "*",
            }
        )
        for priority, access, tag in rules
    ]
    named = [(f"r{rule.priority}", rule) for rule in made]
    lines = security_rules.compile_rules(named, "Outbound", meaning)
    return engine.RuleSet((SPACE,), (engine.SubnetRules(("10.0.0.0/24",), outbound=lines),))


async def test_a_tag_opens_and_closes_what_it_names(networks):  # noqa: F811
    public, host = str(networks.pools.public[5]), str(networks.pools.host)
    plan = engine.NetworkPlan(public_address=public, ports=(engine.Port("TCP", 80),))
    outside = await networks.attach("outside", plan)
    one = await networks.attach("one", in_subnet("10.0.0.4"))
    closed = (100, "Deny", "AzureCloud")
    seen = []
    with listening(outside.netns_path, 80), listening(None, DOOR, address="127.0.0.1"):
        for rules, expected in (
            ([], (True, True)),
            ([closed], (False, False)),
            ([(90, "Allow", "AzureContainerRegistry"), closed], (True, False)),
            ([(90, "Deny", "AzureResourceManager")], (False, True)),
        ):
            await networks.apply_rules("vnet", outbound(networks.pools, *rules))
            to_door = await reach(one, host, DOOR, expected=expected[0])
            to_group = await reach(one, public, expected=expected[1])
            seen.append(((to_door, to_group), expected))

    assert [found for found, _ in seen] == [expected for _, expected in seen]
