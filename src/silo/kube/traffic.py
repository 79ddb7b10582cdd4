"""What pods may send and receive, tended as long as a cluster is."""

import asyncio

import structlog

from silo import core, engine

from .api import Api
from .guarding import Guarding, prepare_node
from .paths import ClusterPaths
from .plans import ClusterPlan, NodePlan

log = structlog.get_logger()

_RETRY_S = 0.5


class Traffic:
    """Follows what a cluster's API says of its network."""

    def __init__(self, plan: ClusterPlan, paths: ClusterPaths, networks: engine.Networks) -> None:
        self._plan = plan
        self._paths = paths
        self._networks = networks

    async def prepare(self, node: NodePlan) -> None:
        """Make a node ready before its first pod."""
        await prepare_node(self._networks, self._plan, node)

    async def tend(self, answers: asyncio.Event) -> None:
        """Follow for ever, once the API server answers; while it does not all stays as it is."""
        while True:
            await answers.wait()
            try:
                await self._follow()
            except* core.SiloError as problems:
                log.debug("cluster is asked again", cluster=self._plan.uid, why=str(problems))
            except* Exception:
                # A bug of ours, or an object as no API server should have let it in.
                log.exception("network of a cluster is not tended", cluster=self._plan.uid)
            await asyncio.sleep(_RETRY_S)

    async def _follow(self) -> None:
        api = Api(self._plan, self._paths)
        try:
            async with asyncio.TaskGroup() as tasks:
                if self._plan.policies:
                    tasks.create_task(Guarding(self._plan, self._networks).run(api))
                await asyncio.Event().wait()
        finally:
            await api.close()
