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
        ground = SimpleNamespace(locate=lambda _uid: world.paths_in(folder), networks=NoMembers())
        tending = SimpleNamespace(runs=lambda name: name in self.running)
        plan = replace(world.PLAN, nodes=nodes)
        super().__init__(plan, ground, tending, None, None)

    def note(self, plan, **made_as):
        note = replace(Note.of_plan(plan, None), **made_as)
        node_notes.write_note(self._paths, note)

    async def bring_up(self, plan):
        self.done.append(("up", plan.name, plan.version))

    async def retire(self, names):
        self.done += [("gone", name) for name in names]

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
