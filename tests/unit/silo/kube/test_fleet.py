from dataclasses import replace
from types import SimpleNamespace

import pytest
from tests.unit.silo.kube import kube_world as world

from silo.kube import balancing, fleet, node_notes, plans
from silo.kube.node_notes import Note

OTHER = replace(world.NODE, name="aks-web-1-vmss000000", place=5)


class NoMembers:
    async def list_members(self, _uid):
        return []


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
