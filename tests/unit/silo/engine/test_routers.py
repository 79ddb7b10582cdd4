from silo import engine
from silo.engine import routers
from silo.engine.routers import Member, Router

WEB = Member("web", "10.0.0.4", "10.0.0.0/24", "10.9.0.1", (engine.Port("TCP", 80),))
QUIET = Member("quiet", "10.0.0.5", "10.0.0.0/24")


def find(commands, kind, name):
    return [
        each["add"][kind]
        for each in commands
        if kind in each["add"]
        and name in {each["add"][kind].get("name"), each["add"][kind].get("chain")}
    ]


def test_a_device_name_fits_into_the_kernels_fifteen_characters():
    assert len(WEB.device) <= 15


def test_only_listed_ports_of_groups_with_a_public_address_are_published():
    commands = routers.render_router(Router("default", 2, "10.8.0.2", (WEB, QUIET)))

    (published,) = find(commands, "map", "published")
    assert published["elem"] == [[{"concat": ["10.9.0.1", "tcp", 80]}, "10.0.0.4"]]


def test_an_address_without_a_subnet_in_the_rules_is_cut_off():
    commands = routers.render_router(Router("vnet", 2, "10.8.0.2", (QUIET,)))

    for way in ("inbound", "outbound"):
        (found,) = find(commands, "map", way)
        assert found["elem"] == [["10.0.0.5", {"drop": None}]]


def test_equal_rules_share_a_chain():
    rules = (engine.Rule("a", 1, allow=True),)
    subnets = (
        engine.SubnetRules(("10.0.0.0/25",), rules, None),
        engine.SubnetRules(("10.0.1.0/24",), rules, None),
    )
    members = (QUIET, Member("far", "10.0.1.4", "10.0.1.0/24"))
    commands = routers.render_router(
        Router("vnet", 2, "10.8.0.2", members, engine.RuleSet(("10.0.0.0/16",), subnets))
    )

    chains = [each["add"]["chain"]["name"] for each in commands if "chain" in each["add"]]
    assert len([name for name in chains if name.startswith("rules-")]) == 1


def test_every_chain_of_a_router_ends_closed():
    commands = routers.render_router(Router("default", 2, "10.8.0.2"))
    policies = {
        each["add"]["chain"]["name"]: each["add"]["chain"]["policy"]
        for each in commands
        if "chain" in each["add"] and each["add"]["chain"].get("type") == "filter"
    }

    assert policies == {"input": "drop", "forward": "drop"}


def test_a_group_more_changes_elements_alone():
    commands = routers.add_member(WEB)

    assert {name: elements for each in commands for name, elements in [named(each)]} == {
        "bound": [{"concat": [WEB.device, "10.0.0.4"]}],
        "itself": [{"concat": ["10.0.0.4", "10.0.0.4"]}],
        "published": [[{"concat": ["10.9.0.1", "tcp", 80]}, "10.0.0.4"]],
        "own": [["10.0.0.4", "10.9.0.1"]],
    }
    assert [named(each)[0] for each in routers.delete_member(QUIET)] == ["bound"]


def test_only_who_has_prefixes_behind_it_speaks_for_more_than_itself():
    node = Member("node", "10.224.0.4", "10.224.0.0/16", routed=("10.244.0.0/24",))
    commands = routers.render_router(Router("vnet", 2, "10.8.0.2", (QUIET, node)))

    allowed, refused = find(commands, "rule", "strangers")
    assert allowed["expr"][0]["match"]["right"] == node.device
    assert allowed["expr"][1]["match"]["right"] == {
        "set": [{"prefix": {"addr": "10.244.0.0", "len": 24}}]
    }
    assert refused["expr"][-1] == {"drop": None}


def named(command):
    ((_, item),) = command.items()
    return item["element"]["name"], item["element"]["elem"]


def test_a_peer_speaks_with_its_own_addresses_alone_and_only_to_groups():
    rules = engine.RuleSet(("10.0.0.0/16",), (), (engine.Peer("other", ("10.1.0.0/16",)),))
    peered = routers.render_router(Router("vnet", 2, "10.8.0.2", (), rules))
    alone = routers.render_router(Router("vnet", 2, "10.8.0.2"))

    dropped = [each["expr"] for each in find(peered, "rule", "forward")][:2]
    assert [expressions[-1] for expressions in dropped] == [{"drop": None}] * 2
    assert Router("other", 3, "").peer_device in str(dropped)
    assert find(alone, "rule", "forward")[0]["expr"][-1] == {"drop": None}
    accepted = [str(each["expr"]) for each in find(peered, "rule", "forward")][-4:]
    assert [("p*" in each, "g*" in each) for each in accepted] == [
        (False, True),
        (True, True),
        (True, True),
        (False, True),
    ]


def test_balanced_address_is_spoken_for_by_who_is_behind_it_and_asked_on_its_ports():
    shared = engine.Balanced("10.9.0.7", (engine.Port("UDP", 53),), (QUIET.uid, "gone"))
    router = Router("vnet", 2, "10.8.0.2", (WEB, QUIET), balanced=(shared,))
    commands = routers.render_router(router)

    (bound,) = find(commands, "set", "bound")
    (asked,) = find(commands, "set", "balanced")
    assert {"concat": [QUIET.device, "10.9.0.7"]} in bound["elem"]
    assert {"concat": [WEB.device, "10.9.0.7"]} not in bound["elem"]
    assert asked["elem"] == [{"concat": ["10.9.0.7", "udp", 53]}]


def test_version_6_passes_only_where_a_group_has_it():
    both = Member("both", "10.0.0.6", "10.0.0.0/24", ipv6="fd00::6")
    rules = engine.RuleSet(("10.0.0.0/16",), (engine.SubnetRules(("10.0.0.0/24",), (), ()),))
    plain, dual = (
        routers.render_router(Router("vnet", 2, "10.8.0.2", members, rules))
        for members in ((QUIET,), (QUIET, both))
    )

    closing = {"match": {"op": "!=", "left": {"meta": {"key": "nfproto"}}, "right": "ipv4"}}
    for commands, hook, closed in (
        (plain, "input", True),
        (plain, "forward", True),
        (dual, "input", True),
        (dual, "forward", False),
    ):
        found = [each["expr"][0] for each in find(commands, "rule", hook)]
        assert (closing in found) is closed
    assert [len(find(each, "rule", "strangers")) for each in (plain, dual)] == [1, 2]
    (bound,) = find(dual, "set", "bound6")
    assert bound["elem"] == [{"concat": [both.device, "fd00::6"]}]
    # Its subnet has no prefix of that version: what is not named lets nothing through.
    for way in ("inbound6", "outbound6"):
        (found,) = find(dual, "map", way)
        assert found["elem"] == [["fd00::6", {"drop": None}]]
