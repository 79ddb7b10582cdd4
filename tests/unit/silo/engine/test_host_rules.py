from silo import engine
from silo.engine import host_rules

POOLS = engine.split_pools("10.77.0.0/17", "10.77.128.0/17")


def render(*, closed=(), pools=POOLS):
    doors = engine.Doors("127.0.0.1", 8443)
    return host_rules.render_host("silo-x", "si1234", pools, doors, closed=closed)


def list_rules(commands, chain):
    found = [each["add"]["rule"] for each in commands if "rule" in each.get("add", {})]
    return [rule["expr"] for rule in found if rule["chain"] == chain]


def test_the_table_is_replaced_as_a_whole():
    commands = render()

    assert [next(iter(each)) for each in commands[:3]] == ["add", "delete", "add"]
    assert {next(iter(next(iter(each.values())).values()))["table"] for each in commands[3:]} == {
        "silo-x"
    }


def test_groups_reach_silos_doors_alone():
    *_, last = list_rules(render(), "input")
    ((redirect),) = list_rules(render(), "prerouting")

    assert last[-1] == {"drop": None}
    assert redirect[1]["match"]["right"] == "10.77.0.1"
    assert redirect[2]["match"]["right"] == {"set": [443, 8443]}
    assert redirect[3] == {"dnat": {"family": "ip", "addr": "127.0.0.1", "port": 8443}}


def test_a_machine_that_routed_for_nobody_does_not_begin_to():
    before, after = (list_rules(render(closed=each), "forward") for each in (("eth0",), ()))

    assert after == before[: len(after)]
    assert before[-1][-1] == {"drop": None}
    assert before[-1][0]["match"]["right"] == {"set": ["eth0"]}


def test_public_addresses_of_the_world_are_not_hidden():
    routed = engine.split_pools("10.77.0.0/17", "8.8.8.0/24")
    hidden = [list_rules(render(pools=each), "postrouting")[0][2] for each in (POOLS, routed)]

    assert [item["match"]["right"] for item in hidden] == [
        {"set": [{"prefix": {"addr": "10.77.0.0", "len": 16}}]},
        {"set": [{"prefix": {"addr": "10.77.0.0", "len": 17}}]},
    ]
