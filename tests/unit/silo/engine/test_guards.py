from silo import engine
from silo.engine import guards

RULES = (engine.Rule("", 0, allow=True, sources=("10.0.0.1/32",)),)
ONE = engine.Guard("10.0.0.2", inbound=RULES, outbound=RULES)
FREE = engine.Guard("10.0.0.3")


def list_rules(commands, chain):
    found = [each["add"]["rule"] for each in commands if "rule" in each.get("add", {})]
    return [rule["expr"] for rule in found if rule["chain"] == chain]


def find_elements(commands, name):
    for each in commands:
        for kind in ("set", "map"):
            if each["add"].get(kind, {}).get("name") == name:
                return each["add"][kind].get("elem", [])
    raise LookupError(name)


def render(*given, closed=True):
    commands = guards.render_guards(engine.GuardSet(given, closed=closed))
    assert [next(iter(each)) for each in commands[:3]] == ["add", "delete", "add"]
    return commands[3:]


def test_only_guarded_addresses_are_led_to_rules_which_equal_ones_share():
    commands = render(ONE, FREE)

    chains = [each["add"]["chain"]["name"] for each in commands if "chain" in each["add"]]
    assert len(chains) == 3
    for way in ("inbound", "outbound"):
        ((address, verdict),) = find_elements(commands, way)
        assert (address, verdict["jump"]["target"]) == (ONE.address, chains[0])


def test_everything_is_in_its_own_table():
    names = {next(iter(each["add"].values()))["table"] for each in render(ONE)}

    assert names == {guards.GUARDS}


def test_closed_one_drops_what_is_not_known_and_an_open_one_does_not():
    for closed in (True, False):
        commands = render(ONE, FREE, closed=closed)
        for chain, ways in (("forward", 2), ("input", 1)):
            text = [str(rule) for rule in list_rules(commands, chain) if "@known" in str(rule)]
            assert len(text) == (ways if closed else 0)
    assert find_elements(commands, "known") == [ONE.address, FREE.address]


def test_forged_senders_are_dropped_before_replies_are_let_through():
    for chain in ("forward", "input"):
        rules = [str(rule) for rule in list_rules(render(closed=False), chain)]
        forged = next(place for place, rule in enumerate(rules) if "'fib'" in rule)
        replies = next(place for place, rule in enumerate(rules) if "established" in rule)
        assert forged < replies
