import asyncio
from dataclasses import replace
from types import SimpleNamespace

import pytest
from tests.unit.silo.kube import kube_world as world

from silo import kube
from silo.kube import balancing, fleet, node_notes, plans
from silo.kube.node_notes import Note

OTHER = replace(world.NODE, name="aks-web-1-vmss000000", place=5)


class NoMembers:
    async def list_members(self, _uid):
        return []

    async def detach(self, _member):
        pass


class Noting(fleet.Fleet):
    """A fleet that notes what it would do."""

    def __init__(self, folder, *nodes):
        self.done = []
        self.running = set()
        self.blocked = set()
        self.changed = []
        self.busy = self.most = 0
        ground = SimpleNamespace(
            locate=lambda _uid: world.paths_in(folder),
            networks=NoMembers(),
            kits={world.KIT.version: world.KIT},
        )
        tending = SimpleNamespace(runs=lambda name: name in self.running)
        plan = replace(world.PLAN, nodes=nodes)
        super().__init__(plan, ground, tending, None, None)

    def note(self, plan, **made_as):
        note = replace(Note.of_plan(plan, None), **made_as)
        node_notes.write_note(self._paths, note)

    async def bring_up(self, plan):
        self.done.append(("up", plan.name, plan.version))

    async def retire(self, names, **_pace):
        self.busy += 1
        self.most = max(self.most, self.busy)
        await asyncio.sleep(0)
        self.busy -= 1
        held = self.blocked.intersection(names)
        if held:
            raise ExceptionGroup("tasks", [kube.DrainFailed(f"{held} hold")])
        self.done += [("gone", name) for name in names]

    async def _change(self, name, plan):
        self.changed.append((name, plan.__name__))

    @property
    def surges(self):
        return [
            (what, name.split("-")[1]) for what, name, *_ in self.done if name.endswith("zzzzzz")
        ]


def upgrade(*nodes):
    return [replace(node, version="1.36.3") for node in nodes]


@pytest.mark.parametrize("begun", [world.NODE, OTHER])
async def test_pool_whose_one_node_more_is_there_is_rolled_first(tmp_path, begun):
    noting = Noting(tmp_path, *upgrade(world.NODE, OTHER))
    for node in (world.NODE, OTHER):
        noting.note(node, version="1.35.4")
        noting.running.add(f"kubelet-{node.name}")
    surge = replace(begun, name=fleet.name_surge(begun), place=plans.SURGE_PLACE)
    noting.note(surge, version="1.36.3")
    await noting.follow(lambda _what: None)

    first, second = sorted(["pool", "web"], key=lambda pool: pool not in begun.name)
    expected = [(what, pool) for pool in (first, second) for what in ("up", "gone")]
    assert noting.surges == expected


def test_no_load_balancer_has_the_address_of_that_node():
    assert plans.NODE_SPACE[plans.SURGE_PLACE] not in balancing.INNER_SPACE
    assert plans.SURGE_PLACE != plans.CONTROL_PLACE


async def test_node_that_stood_still_in_an_upgrade_is_brought_back_as_it_was(tmp_path):
    noting = Noting(tmp_path, *upgrade(world.NODE, OTHER))
    for node in (world.NODE, OTHER):
        noting.note(node, version="1.35.4")
    noting.running.add(f"kubelet-{OTHER.name}")
    await noting.follow(lambda _what: None)

    assert noting.done[0] == ("up", world.NODE.name, "1.35.4")
    assert ("up", OTHER.name, "1.35.4") not in noting.done
    assert ("up", world.NODE.name, "1.36.3") in noting.done


async def test_node_that_cannot_come_back_is_replaced_all_the_same(tmp_path, monkeypatch):
    noting = Noting(tmp_path, *upgrade(world.NODE))
    noting.note(world.NODE, version="1.34.0")
    bring_up = noting.bring_up

    async def find_kit(plan):
        if plan.version == "1.34.0":
            raise kube.VersionMissing("not installed")
        await bring_up(plan)

    monkeypatch.setattr(noting, "bring_up", find_kit)
    await noting.follow(lambda _what: None)

    assert ("up", world.NODE.name, "1.36.3") in noting.done


class Pods:
    """An API server that knows a node with one pod, and notes what goes."""

    def __init__(self):
        self.gone = []

    async def list(self, path, fields=""):
        if path == "/api/v1/nodes":
            return [{"metadata": {"name": fields.partition("=")[2]}}], "1"
        return [{"metadata": {"namespace": "shop", "name": "p"}}], "1"

    async def amend(self, _path, _parts):
        return True

    async def delete(self, path):
        self.gone.append(path)

    async def evict(self, _namespace, _pod):
        pytest.fail("nobody there ends a pod")


async def test_node_that_does_not_run_is_not_waited_for_when_it_goes(tmp_path):
    api, ended = Pods(), []

    class Tending:
        def runs(self, _name):
            return False

        async def end(self, names):
            ended.extend(names)
            assert not api.gone

        async def do(self, *_work):
            pass

    ground = SimpleNamespace(
        locate=lambda _uid: world.paths_in(tmp_path), networks=NoMembers(), leave=NoMembers().detach
    )
    node_notes.write_note(world.paths_in(tmp_path), Note.of_plan(world.NODE, None))
    await fleet.Fleet(world.PLAN, ground, Tending(), api, None).retire([world.NODE.name])

    assert f"kubelet-{world.NODE.name}" in ended
    assert api.gone == [
        "/api/v1/namespaces/shop/pods/p?gracePeriodSeconds=0",
        f"/api/v1/nodes/{world.NODE.name}",
    ]


FOUR = [
    replace(world.NODE, name=f"aks-pool-1-vmss00000{index}", place=4 + index) for index in range(4)
]
PACE = kube.Rollout()


def begin_upgrade(folder, rollout=PACE, **made_as):
    """Return a fleet of four old nodes that are to be new ones."""
    noting = Noting(folder, *(replace(node, rollout=rollout) for node in upgrade(*FOUR)))
    for node in FOUR:
        noting.note(node, **{"version": "1.35.4", "joined": True, **made_as})
        noting.running.add(f"kubelet-{node.name}")
    return noting


@pytest.mark.parametrize(
    ("rollout", "more", "at_once"),
    [
        (kube.Rollout(), 1, 1),
        (kube.Rollout(surge=2), 2, 2),
        (kube.Rollout(surge=9), 4, 4),
        (kube.Rollout(surge=0, unavailable=3), 0, 3),
        (kube.Rollout(surge=0), 0, 1),
    ],
)
async def test_nodes_are_replaced_as_many_at_a_time_as_is_wanted(tmp_path, rollout, more, at_once):
    noting = begin_upgrade(tmp_path, rollout)
    await noting.follow(lambda _what: None)

    surges = [name for what, name, *_ in noting.done if what == "up" and fleet.is_surge(name)]
    assert len(set(surges)) == more
    assert noting.most == at_once
    ups = [name for what, name, *_ in noting.done if what == "up" and name not in surges]
    assert sorted(ups) == [node.name for node in FOUR]
    gone = {name for what, name, *_ in noting.done if what == "gone"}
    assert gone == {*surges, *ups}


@pytest.mark.parametrize(
    ("quarantine", "left_as", "stay"), [(False, "uncordon", 0), (True, "quarantine", 1)]
)
async def test_node_that_pods_do_not_leave_holds_up_no_other(tmp_path, quarantine, left_as, stay):
    noting = begin_upgrade(tmp_path, kube.Rollout(surge=2, quarantine=quarantine))
    noting.blocked = {FOUR[1].name}
    with pytest.raises(kube.NodesBlocked, match="hold") as failed:
        await noting.follow(lambda _what: None)

    assert failed.value.nodes == {FOUR[1].name}
    assert noting.changed == [(FOUR[1].name, left_as)]
    ups = {name for what, name, *_ in noting.done if what == "up" and not fleet.is_surge(name)}
    assert ups == {node.name for node in FOUR} - {FOUR[1].name}
    gone = [name for what, name, *_ in noting.done if what == "gone" and fleet.is_surge(name)]
    assert len(gone) == 2 - stay


@pytest.mark.parametrize("quarantine", [False, True])
async def test_blocked_node_is_let_alone_until_somebody_asks_again(tmp_path, quarantine):
    noting = begin_upgrade(tmp_path, kube.Rollout(surge=2, quarantine=quarantine))
    for node in (FOUR[0], FOUR[2], FOUR[3]):
        noting.note(node, version="1.36.3")
    for index in (0, 1):
        surge = replace(FOUR[0], name=fleet.name_surge(FOUR[0], index), place=5 + index)
        noting.note(surge, version="1.36.3")
    await noting.follow(lambda _what: None, {FOUR[1].name})

    gone = [name for what, name, *_ in noting.done if what == "gone"]
    surges = [fleet.name_surge(FOUR[0], index) for index in (0, 1)]
    # The one that stands in for it stays with it.
    assert gone == (surges[1:] if quarantine else sorted(surges))
    ups = [done for done in noting.done if done[1] == FOUR[1].name]
    assert ups == ([] if quarantine else [("up", FOUR[1].name, "1.35.4")])


async def test_nothing_begun_goes_on_in_a_cluster_that_is_held(tmp_path):
    noting = begin_upgrade(tmp_path)
    noting.note(FOUR[2], version="1.36.3", joined=True)
    noting.note(FOUR[3], version="1.36.3", joined=False)
    leaving = replace(FOUR[0], name="aks-pool-1-vmss000009", place=30)
    noting.note(leaving, joined=True)
    await noting.hold(lambda _what: None)

    assert noting.done == [
        ("up", FOUR[0].name, "1.35.4"),
        ("up", FOUR[1].name, "1.35.4"),
        ("up", FOUR[2].name, "1.36.3"),
    ]
    assert (leaving.name, "uncordon") in noting.changed


async def test_nodes_of_another_build_are_replaced_once_it_is_there(tmp_path):
    old, new = "Silo-1.36.3-old", world.KIT.image
    for wanted, replaced in ((new, True), (old, False), ("Silo-1.36.3-gone", False), ("", False)):
        folder = tmp_path / (wanted or "none")
        noting = Noting(folder, replace(world.NODE, version="1.36.3", image=wanted))
        noting.note(world.NODE, version="1.36.3", image=old)
        noting.running.add(f"kubelet-{world.NODE.name}")
        await noting.follow(lambda _what: None)

        assert (("gone", world.NODE.name) in noting.done) is replaced


def test_node_that_is_older_than_a_program_is_given_it_all_the_same(tmp_path):
    old, new = (kube.Kit("1.36.3", tmp_path / name / "bin", {}) for name in ("old", "new"))
    programs = ("pause", "coredns", "command", "metrics-server", "ingress")
    for kit, names in ((old, programs[:-1]), (new, programs)):
        kit.folder.mkdir(parents=True)
        for name in names:
            (kit.folder / name).write_text(kit.build)
    noting = Noting(tmp_path, world.NODE)
    noting._cluster = replace(world.PLAN, ingress="External")
    noting._ground = SimpleNamespace(state=tmp_path, find_kit=lambda _version: new)

    packed = {path.name: path.read_bytes() for path in noting._pack_images(old)}

    assert b"new" in packed["old-ingress.tar"]
    assert b"old" in packed["old-coredns.tar"]
    assert b"new" not in packed["old-coredns.tar"]
