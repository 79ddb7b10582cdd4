"""One group on the machine: does what ``supervision.decide`` says, and tells what came of it.

It begins by looking at what is there, so it may be cancelled or die at any point and begin again.
"""

import asyncio
from dataclasses import replace

import structlog

from silo import core

from . import supervision, tables
from .adoption import adopt, open_boxes
from .containers import Credentials, Exit, Image
from .errors import ContainerRefused, EngineError, EngineUnavailable, ImageInaccessible
from .fetching import Fetching
from .git import GitFailed, GitRefused
from .machine import Ground, Machine
from .mounts import MountFailed
from .plans import ContainerPlan, GroupPlan, Port
from .sandboxes import describe_sharing
from .supervision import Phase
from .views import Event, EventType, GroupState, GroupView
from .volumes import VolumeRefused
from .watching import Looked, Watch

log = structlog.get_logger()

GRACE_S = 10.0
"""Between asking a program to end and killing it; as docker does."""
FINAL = frozenset({GroupState.SUCCEEDED, GroupState.FAILED, GroupState.STOPPED})
FIRST_PAUSE_S, MAX_PAUSE_S = 0.5, 30.0
"""Between attempts after failures of the engine's own."""
INIT_TRIES = 3
"""Failures of an init container until the deployment is called failed: ten seconds."""
TRIES = 6
"""Unexpected failures in a row until a group that never came up is called failed."""


_MOUNTING = (MountFailed, VolumeRefused, GitFailed, GitRefused)


class GroupFailing(EngineError):
    """The group does not come up."""


class Runner:
    """Tends one group as one generation of its plan wants it."""

    def __init__(
        self,
        plan: GroupPlan,
        credentials: Credentials,
        machine: Machine,
        store: core.Store,
        clock: core.Clock,
    ) -> None:
        self.plan = plan
        self.settled = asyncio.Event()
        """It runs, has ended, is stopped, or ``failure`` says why not."""
        self.failure: core.SiloError | None = None
        self._credentials = credentials
        self._machine = machine
        self._store = store
        self._clock = clock
        self._boxes = open_boxes(plan)
        self._events: tuple[Event, ...] = ()
        self._ground = Ground("")
        self._images: dict[str, Image] = {}
        self._written: GroupView | None = None
        self._open: tuple[Port, ...] = ()
        """The ports that are published now."""

    async def run(self) -> None:
        """Tend the group until nothing is left to happen by itself."""
        pause, tries = FIRST_PAUSE_S, 0
        failure: core.SiloError | None = None
        while True:
            try:
                await (self._attempt() if failure is None else self._give_up(failure))
            except (EngineUnavailable, core.StoreUnavailable) as error:
                log.warning("group waits for its engine", group=self.plan.uid, why=str(error))
            except core.SiloError as error:
                if not self.settled.is_set():
                    failure = error
                    continue
                # It has come up before: what runs is not ended for a moment's trouble.
                log.warning("group is taken up again", group=self.plan.uid, why=str(error))
            except Exception as error:
                # The edge: a bug of ours, or a machine in trouble, must end neither this group
                # nor, through the task group that all of them run in, every other.
                log.exception("group failed", group=self.plan.uid, error=type(error).__name__)
                tries += 1
                if tries >= TRIES and not self.settled.is_set():
                    failure = EngineUnavailable("The engine failed; its log says how.")
                    continue
            else:
                return
            await asyncio.sleep(pause)
            pause = min(MAX_PAUSE_S, pause * 2)

    async def _attempt(self) -> None:
        try:
            async with asyncio.TaskGroup() as tasks:
                watch = Watch(self._machine, self.plan.uid, self._clock, tasks)
                await self._tend(watch, Fetching(self._machine, self._credentials, tasks))
                watch.close()
        except BaseExceptionGroup as problems:
            first: BaseException = problems
            while isinstance(first, BaseExceptionGroup):
                first = first.exceptions[0]
            raise first from problems

    async def _tend(self, watch: Watch, fetching: Fetching) -> None:
        if await self._begin(fetching):
            return
        for name, box in self._boxes.items():
            if box.phase is Phase.RUNNING:
                watch.begin(self._find(name))
        while True:
            await self._publish()
            step = supervision.decide(self.plan, self._boxes, self._clock.now())
            if step.start:
                # What is seen is written before what takes long.
                await self._write(step.state)
                for name in step.start:
                    if await self._start(name, fetching):
                        watch.begin(self._find(name))
                continue
            await self._write(step.state)
            self._settle(step)
            if step.finished:
                return
            await self._next(step, watch)

    def _settle(self, step: supervision.Step) -> None:
        """Tell whoever waits that the group has come up, or that it keeps failing to.

        It is tried on all the same: as in Azure, a failed deployment is not a stopped group.
        """
        if step.finished or step.state is GroupState.RUNNING:
            self.failure = None
            self.settled.set()
        for container in self.plan.init:
            if not self.settled.is_set() and self._boxes[container.name].failures >= INIT_TRIES:
                self.failure = GroupFailing(
                    f"The init container '{container.name}' keeps failing; its events and logs "
                    "say why."
                )
                self.settled.set()

    async def _begin(self, fetching: Fetching) -> bool:
        """Find out what is there and make what is missing; tell whether that was all."""
        uid, now = self.plan.uid, self._clock.now()
        seen = await self._store.read(lambda conn: tables.read_seen(conn, uid))
        found = {one.name: one for one in await self._machine.list_containers(uid)}
        if self.plan.wanted == "stopped":
            await self._stop_all(seen.view if seen else None, set(found))
            return True
        if seen is not None and seen.generation == self.plan.generation:
            self._written = seen.view
            self._events = seen.view.events
            if seen.view.state in FINAL:
                self._boxes = open_boxes(self.plan, seen.view)
                for name in found:
                    await self._machine.discard(uid, name)
                self.settled.set()
                return True
            adopted = adopt(self.plan, seen.view, found, now)
            self._boxes = adopted.boxes
            discard = adopted.discard
        else:
            self._boxes = open_boxes(self.plan)
            self._events = ()
            await self._end(set(found))
            discard = ()
        for name in discard:
            await self._machine.discard(uid, name)
        if told := describe_sharing(self.plan):
            self._events = supervision.merge_event(
                self._events, "LimitsShared", "Warning", told, now
            )
        for name in supervision.decide(self.plan, self._boxes, now).start:
            if (container := self._find(name)).image not in self._images:
                fetching.lay(self.plan, container)
        self._open = supervision.list_open_ports(self.plan, self._boxes)
        self._ground = await self._machine.prepare(self._read_plan())
        address = self._ground.public_address or self._ground.address
        await self._store.write(lambda conn: tables.point_names(conn, uid, address))
        return False

    async def _start(self, name: str, fetching: Fetching) -> bool:
        """Start a container; tell whether it runs."""
        container = self._find(name)
        image = await self._pull(container, fetching)
        if image is None:
            return False
        await fetching.wait_laid(name)
        # Before, not after: whatever it says is said later.
        began = self._clock.now()
        try:
            await self._machine.start(self._read_plan(), container, image, self._ground)
        except ContainerRefused as error:
            reason = f"Error: Failed to start container {name}, Error response: {error}"
            self._boxes[name] = supervision.note_failure(
                self._boxes[name], reason, self.plan.restart, self._clock.now()
            )
            return False
        self._boxes[name] = supervision.note_start(self._boxes[name], began)
        return True

    def _read_plan(self) -> GroupPlan:
        """Return the plan with the ports that are published now."""
        return replace(self.plan, network=replace(self.plan.network, ports=self._open))

    async def _publish(self) -> None:
        """Let nobody in to a container before it is ready."""
        ports = supervision.list_open_ports(self.plan, self._boxes)
        if ports != self._open:
            self._open = ports
            await self._machine.publish(self._read_plan())

    async def _pull(self, container: ContainerPlan, fetching: Fetching) -> Image | None:
        """Return the image; None when it cannot be had now but may be later."""
        name, box = container.name, self._boxes[container.name]
        if box.phase is Phase.ABSENT:
            self._note(name, "Pulling", f'pulling image "{container.image}"')
        try:
            image = self._images.get(container.image) or await fetching.take(container.image)
        except ImageInaccessible as error:
            reason = f'Failed to pull image "{container.image}": {error.reason}'
            self._note(name, "Failed", reason, warning=True)
            if self._boxes[name].phase is Phase.ABSENT:
                raise
            # It ran before: the registry may come back.
            self._boxes[name] = replace(
                self._boxes[name], not_before=self._clock.now() + supervision.FIRST_PAUSE
            )
            return None
        if box.phase is Phase.ABSENT:
            self._note(name, "Pulled", f'Successfully pulled image "{container.image}"')
        self._images[container.image] = image
        return image

    async def _next(self, step: supervision.Step, watch: Watch) -> None:
        """Wait for something to happen, or for the time of the next step."""
        wait_s = None
        if step.wake is not None:
            wait_s = max(0.0, (step.wake - self._clock.now()).total_seconds())
        item = await watch.next(wait_s)
        if item is None:
            return
        if isinstance(item, Looked):
            await self._handle_finding(item, watch)
            return
        watch.stop_probing(item.name)
        # The end is written before the container goes that alone could tell of it; what comes of it
        # for the group, when all that the container said has come to its log as well.
        self._boxes[item.name] = supervision.note_exit(
            self._boxes[item.name], item.exit, self.plan.restart, self._clock.now()
        )
        await self._write(self._written.state if self._written else GroupState.RUNNING)
        await self._machine.discard(self.plan.uid, item.name)

    async def _handle_finding(self, item: Looked, watch: Watch) -> None:
        finding, box = item.finding, self._boxes[item.name]
        if item.kind == "Readiness" and finding.over:
            self._boxes[item.name] = replace(box, view=replace(box.view, ready=finding.well))
        if finding.well:
            return
        self._note(
            item.name, "Unhealthy", f"{item.kind} probe failed: {finding.message}", warning=True
        )
        if item.kind != "Liveness" or not finding.over:
            return
        watch.stop_probing(item.name)
        self._note(
            item.name,
            "Killing",
            f"Container {item.name} failed liveness probe, will be restarted",
        )
        await self._machine.stop(self.plan.uid, item.name, GRACE_S)

    async def _stop_all(self, view: GroupView | None, running: set[str]) -> None:
        """Bring a group to rest: nothing runs, its address and its volumes are given back."""
        uid = self.plan.uid
        self._boxes = open_boxes(self.plan, view)
        self._events = view.events if view else ()
        exits = await self._end(running)
        now = self._clock.now()
        self._boxes = {
            name: supervision.note_stop(box, exits.get(name), now)
            for name, box in self._boxes.items()
        }
        await self._machine.release(uid)
        self._ground = Ground("")
        await self._store.write(lambda conn: tables.point_names(conn, uid, ""))
        await self._write(GroupState.STOPPED)
        self.settled.set()

    async def _end(self, names: set[str]) -> dict[str, Exit]:
        """End containers, all at once, and take them away."""
        exits: dict[str, Exit] = {}

        async def end(name: str) -> None:
            exit_ = await self._machine.stop(self.plan.uid, name, GRACE_S)
            if exit_ is not None:
                exits[name] = exit_
            await self._machine.discard(self.plan.uid, name)

        async with asyncio.TaskGroup() as group:
            for name in names:
                group.create_task(end(name))
        return exits

    async def _give_up(self, failure: core.SiloError) -> None:
        """Tell that the group will not come to run, and why; to be repeated until it is written."""
        now = self._clock.now()
        if self.failure is None:
            self.failure = failure
            name = "FailedMount" if isinstance(failure, _MOUNTING) else "Failed"
            self._events = supervision.merge_event(
                self._events, name, "Warning", str(failure)[:1000], now
            )
        running = {name for name, box in self._boxes.items() if box.phase is Phase.RUNNING}
        try:
            # Those too that were only laid ahead of their start: their secrets lie there.
            found = await self._machine.list_containers(self.plan.uid)
            exits = await self._end(running | {one.name for one in found})
            self._boxes = {
                name: supervision.note_stop(box, exits.get(name), now)
                for name, box in self._boxes.items()
            }
            await self._write(GroupState.FAILED)
        finally:
            # Whoever waits is told, also when the machine does not let go at once.
            self.settled.set()

    async def _write(self, state: GroupState) -> None:
        view = GroupView(
            state=state,
            containers=tuple(self._boxes[one.name].view for one in self.plan.containers),
            init=tuple(self._boxes[one.name].view for one in self.plan.init),
            events=self._events,
            address=self._ground.address or None,
            public_address=self._ground.public_address or None,
            level=self.plan.level,
        )
        if view == self._written:
            return
        seen = tables.Seen(self.plan.uid, self.plan.generation, view)
        now = self._clock.now()
        await self._store.write(lambda conn: tables.write_seen(conn, seen, now))
        self._written = view

    def _note(self, name: str, event: str, message: str, *, warning: bool = False) -> None:
        box, now = self._boxes[name], self._clock.now()
        kind: EventType = "Warning" if warning else "Normal"
        view = supervision.add_event(box.view, event, kind, message, now)
        self._boxes[name] = replace(box, view=view)

    def _find(self, name: str) -> ContainerPlan:
        every = (*self.plan.init, *self.plan.containers)
        return next(one for one in every if one.name == name)
