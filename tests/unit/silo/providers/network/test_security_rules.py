from ipaddress import IPv4Network

import pytest

from silo.providers.network import errors, security_rules
from silo.providers.network.properties import SecurityRule

from .network_world import rule

SPACE = [IPv4Network("10.0.0.0/16")]
MEANING = security_rules.Meaning(
    SPACE, [IPv4Network("100.64.0.1/32")], [IPv4Network("100.65.0.0/24")]
)


def compile_one(**parts):
    made = SecurityRule.model_validate(rule(**parts))
    return security_rules.compile_rules([("x", made)], made.direction, MEANING)[0]


def test_azures_rules_come_last():
    found = security_rules.compile_rules([], "Inbound", MEANING)

    assert [(each.priority, each.allow) for each in found] == [
        (65000, True),
        (65001, True),
        (65500, False),
    ]
    assert found[0].sources == found[0].destinations == ("10.0.0.0/16",)
    assert found[-1].sources is None


def test_the_internet_is_what_is_not_the_virtual_network():
    found = compile_one(sourceAddressPrefix="Internet").sources

    assert found is not None
    networks = [IPv4Network(each) for each in found if ":" not in each]
    assert not any(each.overlaps(SPACE[0]) for each in networks)
    assert sum(each.num_addresses for each in networks) == 2**32 - 2**16


def test_lists_and_ranges_are_joined():
    found = compile_one(
        sourceAddressPrefix=None,
        sourceAddressPrefixes=["10.0.0.0/25", "10.0.0.128/25", "192.168.1.1"],
        destinationPortRange=None,
        destinationPortRanges=["80", "8000-8080"],
    )

    assert found.sources == ("10.0.0.0/24", "192.168.1.1/32")
    assert found.destination_ports == ((80, 80), (8000, 8080))
    assert found.source_ports is None


def test_words_are_read_in_any_case():
    found = compile_one(protocol="TCP", access="deny", sourceAddressPrefix="virtualnetwork")

    assert (found.protocol, found.allow, found.sources) == ("tcp", False, ("10.0.0.0/16",))


@pytest.mark.parametrize(
    ("tag", "prefixes"),
    [
        ("AzureContainerRegistry", ("100.64.0.1/32",)),
        ("AzureContainerRegistry.WestEurope", ("100.64.0.1/32",)),
        ("storage", ("100.64.0.1/32",)),
        ("AzureActiveDirectory", ("100.64.0.1/32",)),
        ("AzureResourceManager", ("100.64.0.1/32",)),
        ("AzureMonitor", ("100.64.0.1/32",)),
        ("AzureCloud", ("100.64.0.1/32", "100.65.0.0/24")),
        ("AzureCloud.westeurope", ("100.64.0.1/32", "100.65.0.0/24")),
    ],
)
def test_the_tags_of_what_silo_is_are_its_own_addresses(tag, prefixes):
    found = compile_one(direction="Outbound", destinationAddressPrefix=tag)

    assert found.destinations == prefixes


@pytest.mark.parametrize(
    "tag",
    ["Sql", "AzureMonitor.WestEurope", "Internet.x", "Storage.", "VirtualNetwork.x", "fe80::%1"],
)
def test_a_tag_that_means_nothing_here_is_refused(tag):
    made = SecurityRule.model_validate(rule(destinationAddressPrefix=tag))

    with pytest.raises(errors.RuleAddressInvalid, match="no other tag"):
        security_rules.check_rule("x", made)
