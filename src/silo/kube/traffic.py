"""What pods may send and receive, tended as long as a cluster is."""

import asyncio
from collections.abc import Mapping

import structlog

from . import node_notes
from .api import Api
from .balancing import Balancing
from .errors import StepFailed
from .ground import Ground
from .guarding import Guarding, guard_node
from .plans import ClusterPlan, NodePlan

log = structlog.get_logger()

_RETRY_S = 0.5


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
        """Follow for ever, once the API server answers; while it does not all stays as it is."""
        while True:
            await answers.wait()
            try:
                await self._follow()
            except* StepFailed as problems:
                log.debug("cluster is asked again", cluster=self._plan.uid, why=str(problems))
            except* Exception:
                # A bug of ours, or an object as no API server should have let it in.
                log.exception("network of a cluster is not tended", cluster=self._plan.uid)
            await asyncio.sleep(_RETRY_S)

    async def _follow(self) -> None:
        ground, api = self._ground, Api(self._plan, self._paths)
        try:
            async with asyncio.TaskGroup() as tasks:
                if self._plan.policies:
                    tasks.create_task(self._guarding.run(api))
                if ground.addresses is not None:
                    balancing = Balancing(
                        self._plan,
                        ground.networks,
                        ground.addresses,
                        ground.clock,
                        self._list_members,
                    )
                    tasks.create_task(balancing.run(api))
                await asyncio.Event().wait()
        finally:
            await api.close()

    def _list_members(self) -> Mapping[str, str]:
        """Return every node that is on the network by its name, also one that no plan tells of."""
        notes = node_notes.list_notes(self._paths)
        return {name: f"{self._plan.uid}.{note.place}" for name, note in notes.items() if note}
