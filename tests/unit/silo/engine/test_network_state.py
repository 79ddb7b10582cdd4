from silo import engine
from silo.engine import network_state
from silo.engine.routers import Member, Router


def test_what_is_noted_is_what_is_read(tmp_path):
    rules = engine.RuleSet(
        ("10.0.0.0/16",),
        (
            engine.SubnetRules(
                ("10.0.0.0/24",),
                (engine.Rule("a", 1, allow=True, sources=("10.0.0.0/8",), source_ports=((1, 2),)),),
                None,
            ),
        ),
        (engine.Peer("other", ("10.1.0.0/16",)),),
    )
    ports = (engine.Port("TCP", 80),)
    member = Member("uid", "10.0.0.4", "10.0.0.0/24", "10.9.0.1", ports, ("10.244.0.0/24",))
    router = Router(
        "vnet", 2, "10.8.0.2", (member,), rules, (engine.Balanced("10.9.0.2", ports, ("uid",)),)
    )
    state = network_state.State({"vnet": router}, 7)

    network_state.save_state(tmp_path / "notes.json", state)

    assert network_state.load_state(tmp_path / "notes.json") == state


def test_without_notes_nothing_is_known(tmp_path):
    assert network_state.load_state(tmp_path / "none.json") == network_state.State()


def test_owner_of_several_members_has_them_all():
    names = ("group", "cluster.control", "cluster.4", "clusters.4")
    members = tuple(Member(name, "10.0.0.4", "10.0.0.0/24") for name in names)
    state = network_state.State({"r": Router("r", 2, "10.8.0.2", members)})

    assert state.list_owned("cluster") == ["cluster.control", "cluster.4"]
    assert state.list_owned("group") == ["group"]
