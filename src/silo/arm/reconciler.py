"""The one loop that makes the world match the resource table.

It holds no state of its own: what is unsettled in the table is what there is to do, so a crash at
any point resumes by itself. Reconciling and removing are repeatable by contract.
"""

import asyncio
from typing import Any

import structlog

from silo import core

from .documents import read_properties
from .errors import ArmError, NotYet
from .gateway import Catalogue
from .provider import ResourceType
from .removal import forget, mark_below
from .resources import Outcome, Resource, Resources

log = structlog.get_logger()

POLL_S = 0.1
"""How soon a wish written by another process is seen; a poll is one look into shared memory."""
MAX_PAUSE_S = 60.0
"""The longest pause between attempts that fail for reasons that may pass."""


class Reconciler:
    """Hands every unsettled resource to the type that owns it."""

    def __init__(self, catalogue: Catalogue, resources: Resources) -> None:
        self._catalogue = catalogue
        self._resources = resources
        self._store = resources.store
        self._attempts: dict[str, int] = {}
        self._not_before: dict[str, float] = {}

    async def run(self) -> None:
        """Settle resources for ever; cancellation is the only way out."""
        while True:
            await self.settle_all()
            await asyncio.sleep(POLL_S)

    async def settle_all(self) -> None:
        """Attempt once everything that is due."""
        unsettled = self._store.read_now(self._resources.list_unsettled)
        now = self._resources.clock.monotonic()
        async with asyncio.TaskGroup() as group:
            for resource in unsettled:
                if self._not_before.get(resource.uid, 0.0) <= now:
                    group.create_task(self._attempt(resource))
        gone = self._not_before.keys() - {resource.uid for resource in unsettled}
        for uid in gone:
            self._not_before.pop(uid, None)
            self._attempts.pop(uid, None)

    async def _attempt(self, resource: Resource) -> None:
        type_ = self._catalogue.find_type(resource.id.full_type)
        if type_ is None:
            error = f"Nothing here serves the type '{resource.id.full_type}'."
            await self._settle(resource, Outcome("Failed", "InvalidResourceType", error))
            return
        try:
            if resource.deleting:
                await self._remove(resource, type_)
            else:
                await self._reconcile(resource, type_)
        except NotYet as wait:
            self._not_before[resource.uid] = self._resources.clock.monotonic() + wait.retry_after_s
        except core.StoreUnavailable as error:
            self._postpone(resource, error)
        except core.SiloError as error:
            code = error.code if isinstance(error, ArmError) else "InternalServerError"
            await self._settle(resource, Outcome("Failed", code, str(error)))
        except Exception as error:
            log.exception("reconcile failed", resource=resource.id.text)
            self._postpone(resource, error)

    async def _reconcile(self, resource: Resource, type_: ResourceType[Any]) -> None:
        if type_.reconcile is not None:
            await type_.reconcile(resource, read_properties(type_, resource.document))
        await self._settle(resource, Outcome())

    async def _remove(self, resource: Resource, type_: ResourceType[Any]) -> None:
        find_type = self._catalogue.find_type
        waiting = await self._store.write(
            lambda conn: mark_below(conn, self._resources, find_type, resource)
        )
        if waiting:
            raise NotYet("what is below must go first")
        if type_.remove is not None:
            await type_.remove(resource)

        def forget_it(conn: core.Connection) -> None:
            current = self._resources.find_by_uid(conn, resource.uid)
            if current is not None and current.generation == resource.generation:
                forget(conn, self._resources, find_type, current)

        await self._store.write(forget_it)

    async def _settle(self, resource: Resource, outcome: Outcome) -> None:
        await self._store.write(lambda conn: self._resources.settle(conn, resource, outcome))

    def _postpone(self, resource: Resource, error: Exception) -> None:
        attempts = self._attempts.get(resource.uid, 0) + 1
        self._attempts[resource.uid] = attempts
        pause = min(MAX_PAUSE_S, 0.2 * 2**attempts)
        self._not_before[resource.uid] = self._resources.clock.monotonic() + pause
        log.warning(
            "will try again",
            resource=resource.id.text,
            seconds=pause,
            reason=type(error).__name__,
        )
