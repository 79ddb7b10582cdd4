"""The one loop that makes the world match the resource table.

It holds no state of its own: what is unsettled in the table is what there is to do, so a crash at
any point resumes by itself. Reconciling and removing are repeatable by contract.
"""

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import structlog

from silo import audit, core

from .documents import read_properties
from .errors import ArmError, NotYet, OperationCanceled
from .gateway import Catalogue
from .provider import ResourceType
from .recorder import CATEGORY
from .removal import forget, mark_below
from .resources import Outcome, Resource, Resources

log = structlog.get_logger()

POLL_S = 0.1
"""How often is looked for wishes that fall due; one that is written is seen at once."""
REST_S = 0.02
"""Between two looks, however much is written; each reads an index of unsettled rows."""
FIRST_PAUSE_S, MAX_PAUSE_S = 0.4, 60.0
"""Between attempts that fail for reasons that may pass; each pause is twice the one before."""
TRIES = 10
"""Unexpected failures in a row until a wish is called failed: about four minutes of pauses."""
AT_ONCE = 32
"""Resources worked on at the same time."""


@dataclass(slots=True)
class _Attempt:
    """What is remembered of one wish between two tries; lost without harm."""

    failures: int = 0
    not_before: float = 0.0
    running: bool = False


class Reconciler:
    """Hands every unsettled resource to the type that owns it."""

    def __init__(self, catalogue: Catalogue, resources: Resources) -> None:
        self._catalogue = catalogue
        self._resources = resources
        self._store = resources.store
        self._clock = resources.clock
        self._attempts: dict[tuple[str, int], _Attempt] = {}

    async def run(self) -> None:
        """Settle resources for ever; cancellation is the only way out.

        One that takes long holds up no other, only newer wishes for itself.
        """
        with contextlib.closing(core.Commits(self._store)) as commits:
            async with asyncio.TaskGroup() as group:
                while True:
                    try:
                        for resource in self._choose():
                            group.create_task(self._attempt(resource))
                    except core.StoreUnavailable:
                        log.exception("cannot look for unsettled resources")
                    await asyncio.sleep(REST_S)
                    await commits.wait(POLL_S)

    async def settle_all(self) -> None:
        """Attempt once everything that is due."""
        async with asyncio.TaskGroup() as group:
            for resource in self._choose():
                group.create_task(self._attempt(resource))

    def _choose(self) -> Sequence[Resource]:
        """Return what is due, marked as running; forget what is settled."""
        unsettled = self._store.read_now(self._resources.list_unsettled)
        wishes = {(resource.uid, resource.generation) for resource in unsettled}
        self._attempts = {
            wish: attempt
            for wish, attempt in self._attempts.items()
            if attempt.running or wish in wishes
        }
        busy = {wish[0] for wish, attempt in self._attempts.items() if attempt.running}
        now = self._clock.monotonic()
        due = []
        for resource in unsettled:
            attempt = self._attempts.setdefault((resource.uid, resource.generation), _Attempt())
            if resource.uid not in busy and attempt.not_before <= now:
                due.append((resource, attempt))
        due = due[: max(0, AT_ONCE - len(busy))]
        for _, attempt in due:
            attempt.running = True
        return [resource for resource, _ in due]

    async def _attempt(self, resource: Resource) -> None:
        attempt = self._attempts[resource.uid, resource.generation]
        try:
            await self._try(resource, attempt)
        except core.StoreUnavailable as error:
            self._postpone(resource, attempt, error)
        finally:
            attempt.running = False

    async def _try(self, resource: Resource, attempt: _Attempt) -> None:
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
            attempt.failures = 0
            attempt.not_before = self._clock.monotonic() + wait.retry_after_s
        except core.StoreUnavailable:
            raise
        except core.SiloError as error:
            code = error.code if isinstance(error, ArmError) else "InternalServerError"
            state = "Canceled" if isinstance(error, OperationCanceled) else "Failed"
            await self._settle(resource, Outcome(state, code, str(error)))
        except Exception as error:
            # The edge of the loop: a network that may come back, or a bug of ours.
            log.exception("reconcile failed", resource=resource.id.text)
            attempt.failures += 1
            if attempt.failures < TRIES:
                self._postpone(resource, attempt, error)
                return
            reason = f"It failed {TRIES} times, last for: {type(error).__name__}."
            await self._settle(resource, Outcome("Failed", "InternalServerError", reason))

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
                self._record(conn, resource, Outcome())

        await self._store.write(forget_it)

    async def _settle(self, resource: Resource, outcome: Outcome) -> None:
        def settle(conn: core.Connection) -> None:
            if self._resources.settle(conn, resource, outcome):
                self._record(conn, resource, outcome)

        await self._store.write(settle)

    def _record(self, conn: core.Connection, resource: Resource, outcome: Outcome) -> None:
        """Log how it ended, under the name and correlation of the one who asked for it."""
        by, verb = resource.changed, "delete" if resource.deleting else "write"
        failure = {"code": outcome.code, "message": outcome.message} if outcome.code else {}
        audit.append(
            conn,
            audit.Record(
                time=self._clock.now(),
                category=CATEGORY,
                operation=f"{resource.id.full_type}/{verb}",
                scope=resource.id.text,
                result=outcome.state,
                caller=by.by,
                caller_object_id=by.by_id,
                correlation_id=by.correlation_id,
                properties=failure,
            ),
        )

    def _postpone(self, resource: Resource, attempt: _Attempt, error: Exception) -> None:
        pause = min(MAX_PAUSE_S, FIRST_PAUSE_S * 2.0 ** max(0, attempt.failures - 1))
        attempt.not_before = self._clock.monotonic() + pause
        log.warning(
            "will try again",
            resource=resource.id.text,
            seconds=pause,
            reason=type(error).__name__,
        )
