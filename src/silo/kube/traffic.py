"""What pods may send and receive, tended as long as a cluster is."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from functools import partial

from . import following, node_notes
from .api import Api
from .balancing import Addresses, Balancing
from .ground import Ground
from .guarding import Guarding, guard_node
from .plans import ClusterPlan, NodePlan


class Traffic:
    """Follows what a cluster's API says of its network."""

    def __init__(self, plan: ClusterPlan, ground: Ground) -> None:
        self._plan = plan
        self._ground = ground
        self._paths = ground.locate(plan.uid)
        self._guarding = Guarding(ground.networks, self._list_members)

    async def prepare(self, node: NodePlan) -> None:
        """Make a node ready before its first pod: close it until policies are known, if ever."""
        member = self._plan.name_member(node)
        if self._plan.policies:
            await self._guarding.close(node.name, member)
        else:
            await guard_node(self._ground.networks, member, None)

    async def tend(self, answers: asyncio.Event) -> None:
        """Follow for ever, once the API server answers; while it does not all stays as it is.

        What stops policies does not stop balancing, nor the other way round.
        """
        async with asyncio.TaskGroup() as tasks:
            if self._plan.policies:
                tasks.create_task(self._follow(answers, self._guarding.run))
            if self._ground.addresses is not None:
                tasks.create_task(
                    self._follow(answers, partial(self._balance, self._ground.addresses))
                )
            await asyncio.Event().wait()

    async def _follow(self, answers: asyncio.Event, look: Callable[[Api], Awaitable[None]]) -> None:
        await following.follow(self._plan, self._paths, answers, look)

    async def _balance(self, addresses: Addresses, api: Api) -> None:
        ground = self._ground
        await Balancing(
            self._plan, ground.networks, addresses, ground.clock, self._list_members
        ).run(api)

    def _list_members(self) -> Mapping[str, str]:
        """Return every node that is on the network by its name, also one that no plan tells of."""
        notes = node_notes.list_notes(self._paths)
        return {name: f"{self._plan.uid}.{note.place}" for name, note in notes.items() if note}
