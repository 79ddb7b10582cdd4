"""The handlers of POST actions, of logs, and of what a location has to tell."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from silo import arm, core, engine, workload

from . import errors, quotas
from .checks_container import MIN_CPU
from .surroundings import Surroundings
from .wish import Wish, read_wish
from .writing import Writing, store_wish

SETTLE_S = 60.0
"""How long stop and restart wait for the deed before they answer: as long as clients poll."""
_LOOK_S = 0.02
_TAIL = 4_000_000
"""As many lines as a log can have."""


@dataclass(frozen=True, slots=True)
class Operations:
    """What is done with groups beyond their verbs."""

    around: Surroundings
    writing: Writing
    tickets: workload.ExecTickets

    async def start(self, call: arm.Call, resource: arm.Resource, _body: Any) -> arm.Reply:
        """Run a stopped or ended group again; 204 when it runs already."""

        def begin(conn: core.Connection, current: arm.Resource) -> Wish | None:
            wish, view = read_wish(current), engine.read_view(conn, current.uid)
            running = view is not None and view.state in {
                engine.GroupState.RUNNING,
                engine.GroupState.PENDING,
            }
            if wish.wanted == "running" and running:
                return None
            return self.writing.start(conn, current)

        written = await self._write(call, resource, begin, status=202)
        if written is None:
            return arm.Reply(204)
        return arm.Reply(202, None, arm.render_headers(call, written))

    async def stop(self, call: arm.Call, resource: arm.Resource, _body: Any) -> arm.Reply:
        """Stop a group; 204 once nothing of it runs."""

        def begin(_conn: core.Connection, current: arm.Resource) -> Wish | None:
            wish = read_wish(current)
            return None if wish.wanted == "stopped" else replace(wish, wanted="stopped")

        return await self._settle(await self._write(call, resource, begin, status=204))

    async def restart(self, call: arm.Call, resource: arm.Resource, _body: Any) -> arm.Reply:
        """Restart every container of a group; 204 once they run afresh."""

        def begin(conn: core.Connection, current: arm.Resource) -> Wish | None:
            if read_wish(current).wanted == "stopped":
                raise errors.ContainerGroupStopped(current.id.name)
            return self.writing.start(conn, current)

        return await self._settle(await self._write(call, resource, begin, status=204))

    async def read_log(self, call: arm.Call, match: arm.Match, _body: Any) -> arm.Reply:
        """Answer what the program that runs in a container, or ran last, has written."""
        resource, name = self._find(match)
        tail = _read_tail(call)
        stamped = call.query.get("timestamps", "").casefold() == "true"
        if self.around.read_log is None:
            raise errors.ContainerEngineUnavailable(
                self.around.unavailable() or "no logs are kept."
            )
        view = self.around.resources.store.read_now(
            lambda conn: engine.read_view(conn, resource.uid)
        )
        seen = view.find(name) if view else None
        if seen is None or seen.log_start is None:
            return arm.Reply(200, {"content": ""})
        since = seen.log_start
        content = await self.around.read_log(resource.uid, name, since, tail, stamped)
        return arm.Reply(200, {"content": content})

    async def exec(self, call: arm.Call, match: arm.Match, body: Any) -> arm.Reply:
        """Answer where, and with which password, a program can be run in a container."""
        resource, name = self._find(match)

        def issue(conn: core.Connection) -> dict[str, str]:
            _check_running(conn, resource, name)
            answer = self.tickets.answer(conn, call, resource, name, body)
            call.record(conn, 200, container=name)
            return answer

        return arm.Reply(200, await self.around.resources.store.write(issue))

    async def attach(self, call: arm.Call, match: arm.Match, _body: Any) -> arm.Reply:
        """Answer where, and with which password, a container's output can be watched."""
        resource, name = self._find(match)

        def issue(conn: core.Connection) -> dict[str, str]:
            _check_running(conn, resource, name)
            answer = self.tickets.answer_attach(conn, call, resource, name)
            call.record(conn, 200, container=name)
            return answer

        return arm.Reply(200, await self.around.resources.store.write(issue))

    async def list_dependencies(self, _call: arm.Call, match: arm.Match, _body: Any) -> arm.Reply:
        """Answer the addresses outside that a group needs: none, all of it runs here."""
        self.around.resources.store.read_now(lambda conn: self.around.resources.get(conn, match.id))
        return arm.Reply(200, [])

    async def list_usages(self, _call: arm.Call, match: arm.Match, _body: Any) -> arm.Reply:
        """Answer how much of its quota a subscription has used."""
        subscription = match["subscription"]
        held = self.around.resources.store.read_now(
            lambda conn: self.writing.measure(conn, f"/subscriptions/{subscription}")
        )
        return arm.Reply(
            200,
            {
                "value": quotas.render_usages(
                    subscription, match["location"], self.around.quota, held
                )
            },
        )

    async def list_capabilities(self, _call: arm.Call, match: arm.Match, _body: Any) -> arm.Reply:
        """Answer the largest group that this machine takes."""
        machine = self.around.promise.machine
        value = [
            {
                "resourceType": "containerGroups",
                "osType": "Linux",
                "location": match["location"],
                "ipAddressType": kind,
                "gpu": "None",
                "capabilities": {
                    "maxMemoryInGB": round(machine.memory_bytes / quotas.GIB, 1),
                    "maxCpu": max(MIN_CPU, machine.cores),
                    "maxGpuCount": 0,
                },
            }
            for kind in ("Public", "Private")
        ]
        return arm.Reply(200, {"value": value if not self.around.unavailable() else []})

    async def list_cached_images(self, _call: arm.Call, _match: arm.Match, _body: Any) -> arm.Reply:
        """Answer the images that are kept ready for everybody: none, each pull asks permission."""
        return arm.Reply(200, {"value": []})

    def _find(self, match: arm.Match) -> tuple[arm.Resource, str]:
        """Return the group and the name of one of its containers."""
        resources = self.around.resources
        group = match.id if match.id.type == "containerGroups" else match.id.parent or match.id
        resource = resources.store.read_now(lambda conn: resources.get(conn, group))
        name = match["container"]
        properties = resource.properties
        every = (*(properties.get("containers") or ()), *(properties.get("initContainers") or ()))
        if name not in {one["name"] for one in every}:
            raise errors.ContainerNotFound(name[:100], resource.id.name)
        return resource, name

    async def _write(
        self,
        call: arm.Call,
        resource: arm.Resource,
        begin: Callable[[core.Connection, arm.Resource], Wish | None],
        *,
        status: int,
    ) -> arm.Resource | None:
        """Store another wish for how a group is to run; None when there is nothing to change."""
        reason = self.around.unavailable()
        if reason:
            raise errors.ContainerEngineUnavailable(reason)
        resources = self.around.resources

        def write(conn: core.Connection) -> arm.Resource | None:
            current = resources.get(conn, resource.id)
            if current.deleting:
                raise errors.ContainerGroupTransitioning(current.id.name)
            wish = begin(conn, current)
            call.record(conn, status)
            if wish is None:
                return None
            changed = replace(
                store_wish(current, wish),
                generation=current.generation + 1,
                changed=arm.make_stamp(call.now, call.principal, call.correlation_id),
            )
            return resources.put(conn, changed)

        return await resources.store.write(write)

    async def _settle(self, written: arm.Resource | None) -> arm.Reply:
        """Wait until the wish has come true; 204, or why it has not."""
        if written is None:
            return arm.Reply(204)
        resources = self.around.resources
        clock = resources.clock
        deadline = clock.monotonic() + SETTLE_S
        while True:
            found = resources.store.read_now(lambda conn: resources.find_by_uid(conn, written.uid))
            if found is None or found.generation != written.generation:
                return arm.Reply(204)
            if found.is_settled:
                if found.outcome.code:
                    raise errors.ContainerGroupFailed(found.outcome.message)
                return arm.Reply(204)
            if clock.monotonic() > deadline:
                raise errors.ContainerGroupTransitioning(written.id.name)
            await asyncio.sleep(_LOOK_S)


def _check_running(conn: core.Connection, resource: arm.Resource, name: str) -> None:
    view = engine.read_view(conn, resource.uid)
    seen = view.find(name) if view else None
    if seen is None or seen.current.state is not engine.State.RUNNING:
        raise errors.ContainerNotRunning(name, resource.id.name)


def _read_tail(call: arm.Call) -> int | None:
    text = call.query.get("tail", "")
    if not text:
        return None
    readable = len(text) <= len(str(_TAIL)) and text.isascii() and text.isdigit()
    if not readable or not 0 < int(text) <= _TAIL:
        raise arm.InvalidParameter(
            f"The value '{text[:50]}' provided for 'tail' is not valid. It must be a positive "
            "number."
        )
    return int(text)
