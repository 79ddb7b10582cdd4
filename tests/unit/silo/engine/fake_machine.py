"""A machine of memory alone: containers are rows, and end when a test says so."""

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from silo import engine
from silo.engine.machine import Ground, Ran


class Hands:
    """A clock that a test moves."""

    def __init__(self):
        self.time = datetime(2026, 11, 23, 12, tzinfo=UTC)

    def now(self):
        return self.time

    def monotonic(self):
        return self.time.timestamp()

    def move(self, seconds):
        self.time += timedelta(seconds=seconds)


@dataclass
class Process:
    status: engine.Status
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    exit: engine.Exit | None = None


@dataclass
class FakeMachine:
    """Keeps what was asked in ``done``, in order."""

    clock: Hands
    containers: dict = field(default_factory=dict)
    done: list = field(default_factory=list)
    refused: dict = field(default_factory=dict)
    """Image or container to the error it raises."""
    instant: dict = field(default_factory=dict)
    """Container to the exit code it ends with at once."""
    answers: dict = field(default_factory=dict)
    prepared: set = field(default_factory=set)
    published: tuple = ()

    async def prepare(self, plan):
        self._raise(plan.name)
        self.prepared.add(plan.uid)
        await self.publish(plan)
        return Ground("/run/netns/x", "10.0.0.4", plan.network.public_address or "")

    async def pull(self, image, _credentials):
        self.done.append(("pull", image))
        self._raise(image)
        return engine.Image(image, "sha256:0", "chain")

    async def lay(self, plan, container, image):
        """Nothing can be made ahead here."""

    async def start(self, plan, container, _image, _ground):
        self.done.append(("start", container.name))
        self._raise(container.name)
        made = self.containers[plan.uid, container.name] = Process(engine.Status.RUNNING)
        if container.name in self.instant:
            self._finish(made, self.instant[container.name])

    async def publish(self, plan):
        self.published = tuple(port.number for port in plan.network.ports)

    async def wait(self, uid, name):
        process = self.containers[uid, name]
        await process.ended.wait()
        return process.exit

    async def stop(self, uid, name, grace_s):
        self.done.append(("stop", name))
        process = self.containers.get((uid, name))
        if process is None:
            return None
        if process.exit is None:
            self._finish(process, 137)
        return process.exit

    async def discard(self, uid, name):
        self.containers.pop((uid, name), None)

    async def list_containers(self, uid=""):
        return [
            engine.Found(
                f"{group}-{name}",
                {"silo.group": group, "silo.container": name},
                process.status,
                exit=process.exit,
            )
            for (group, name), process in self.containers.items()
            if uid in {"", group}
        ]

    async def run(self, uid, name, args, timeout_s):
        return Ran(self.answers.get(args, 0), "no such file")

    async def ask(self, uid, question, timeout_s):
        return Ran(self.answers.get(question.path, 200))

    async def release(self, uid):
        self.done.append(("release", uid))
        self.prepared.discard(uid)

    async def forget(self, uid):
        self.done.append(("forget", uid))
        self.prepared.discard(uid)

    async def sweep(self, keep):
        self.done.append(("sweep", frozenset(keep)))

    def end(self, uid, name, code, *, oom=False):
        """End a container as its own program would."""
        self._finish(self.containers[uid, name], code, oom=oom)

    def _finish(self, process, code, *, oom=False):
        process.status = engine.Status.STOPPED
        process.exit = engine.Exit(code, self.clock.now(), oom)
        process.ended.set()

    def _raise(self, what):
        if what in self.refused:
            raise self.refused[what]
