from inline_snapshot import snapshot

from silo import engine
from silo.engine import rules


def expressions(rule):
    """Return what one rule becomes, without chain and verdict."""
    commands = rules.compile_chain([rule])
    return [each["add"]["rule"]["expr"][:-1] for each in commands[1:-1]]


def verdicts(*given):
    commands = rules.compile_chain(given)
    return [next(iter(each["add"]["rule"]["expr"][-1])) for each in commands[1:]]


def test_rules_are_read_in_order_of_priority_and_end_with_no():
    late = engine.Rule("late", 4096, allow=True)
    early = engine.Rule("early", 100, allow=False)

    assert verdicts(late, early) == ["drop", "return", "drop"]


def test_a_rule_becomes_conditions():
    rule = engine.Rule(
        "web",
        100,
        allow=True,
        protocol="tcp",
        sources=("10.0.0.0/24", "10.0.1.7/32"),
        destination_ports=((80, 80), (8000, 8080)),
    )

    assert expressions(rule) == snapshot(
        [
            [
                {
                    "match": {
                        "op": "==",
                        "left": {"payload": {"protocol": "ip", "field": "saddr"}},
                        "right": {"set": [{"prefix": {"addr": "10.0.0.0", "len": 24}}, "10.0.1.7"]},
                    }
                },
                {"match": {"op": "==", "left": {"meta": {"key": "l4proto"}}, "right": "tcp"}},
                {
                    "match": {
                        "op": "==",
                        "left": {"payload": {"protocol": "th", "field": "dport"}},
                        "right": {"set": [80, {"range": [8000, 8080]}]},
                    }
                },
            ]
        ]
    )


def test_overlapping_prefixes_and_ports_are_merged():
    rule = engine.Rule(
        "x",
        1,
        allow=True,
        protocol="udp",
        sources=("10.0.0.0/8", "10.1.0.0/16"),
        destination_ports=((1, 10), (5, 20), (21, 21)),
    )

    (found,) = expressions(rule)

    assert found[0]["match"]["right"]["set"] == [{"prefix": {"addr": "10.0.0.0", "len": 8}}]
    assert found[2]["match"]["right"]["set"] == [{"range": [1, 21]}]


def test_ports_without_a_protocol_mean_those_that_have_ports():
    (found,) = expressions(engine.Rule("x", 1, allow=True, destination_ports=((80, 80),)))

    assert found[0]["match"]["right"] == {"set": ["tcp", "udp"]}


def test_every_port_is_no_condition():
    assert expressions(engine.Rule("x", 1, allow=True, destination_ports=((0, 65535),))) == [[]]


def test_a_protocol_without_ports_never_fits_a_port():
    rule = engine.Rule("x", 1, allow=True, protocol="icmp", destination_ports=((80, 80),))

    assert expressions(rule) == []


def test_an_empty_list_fits_nothing():
    assert expressions(engine.Rule("x", 1, allow=True, sources=())) == []


def test_a_subnet_is_found_by_address():
    subnet = engine.SubnetRules(("10.0.1.0/24",))
    found = engine.RuleSet(("10.0.0.0/16",), (engine.SubnetRules(("10.0.0.0/24",)), subnet))

    assert found.find_subnet("10.0.1.4") is subnet
    assert found.find_subnet("10.0.2.4") is None


def test_a_rule_with_addresses_of_both_versions_becomes_one_for_each():
    rule = engine.Rule("x", 1, allow=True, protocol="icmp", sources=("10.0.0.0/8", "fd00::/48"))

    found = [[each["match"] for each in line] for line in expressions(rule)]

    assert [line[0]["left"]["payload"]["protocol"] for line in found] == ["ip", "ip6"]
    assert [line[1]["right"] for line in found] == ["icmp", "ipv6-icmp"]


def test_everything_of_one_version_is_nothing_of_the_other():
    (found,) = expressions(engine.Rule("x", 1, allow=True, sources=("0.0.0.0/0",)))
    assert [each["match"]["right"] for each in found] == ["ipv4"]
    rule = engine.Rule("x", 1, allow=True, sources=("::/0",), destinations=("10.0.0.4/32",))
    assert expressions(rule) == []


def test_icmp_without_addresses_is_that_of_both_versions():
    (found,) = expressions(engine.Rule("x", 1, allow=True, protocol="icmp"))

    assert found[0]["match"]["right"] == {"set": ["icmp", "ipv6-icmp"]}
