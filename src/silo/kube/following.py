"""What follows a cluster's API for as long as the cluster is tended."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import NoReturn

import structlog

from silo import core

from .api import Api
from .paths import ClusterPaths
from .plans import ClusterPlan

log = structlog.get_logger()

_RETRY_S = 0.5


async def follow(
    plan: ClusterPlan,
    paths: ClusterPaths,
    answers: asyncio.Event,
    look: Callable[[Api], Awaitable[None]],
) -> NoReturn:
    """Follow for ever, once the API server answers; while it does not all stays as it is."""
    while True:
        await answers.wait()
        api = Api(plan, paths)
        try:
            await look(api)
        except* core.SiloError as problems:
            log.debug("cluster is asked again", cluster=plan.uid, why=str(problems))
        except* Exception:
            # A bug of ours, or an object as no API server should have let it in.
            log.exception("cluster is not followed", cluster=plan.uid)
        finally:
            await api.close()
        await asyncio.sleep(_RETRY_S)
