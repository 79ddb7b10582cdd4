"""What a group of containers is: observed by the engine, read by whoever shows it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal

from silo import core

from .plans import Level


class State(StrEnum):
    """Where one container stands."""

    WAITING = "Waiting"
    RUNNING = "Running"
    TERMINATED = "Terminated"


class GroupState(StrEnum):
    """Where a group stands."""

    PENDING = "Pending"
    RUNNING = "Running"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    STOPPED = "Stopped"


@dataclass(frozen=True, slots=True)
class ContainerState:
    """One stretch of a container's life."""

    state: State = State.WAITING
    start: datetime | None = None
    finish: datetime | None = None
    exit_code: int | None = None
    detail: str = ""
    """Why, in a word: ``CrashLoopBackOff``, ``Completed``, ``Error``, ``OOMKilled``."""


EventType = Literal["Normal", "Warning"]


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened; what happens again is counted, not repeated."""

    name: str
    """``Pulling``, ``Pulled``, ``Started``, ``Killing``, …."""
    type: EventType
    message: str
    count: int
    first: datetime
    last: datetime


@dataclass(frozen=True, slots=True)
class ContainerView:
    """One container."""

    name: str
    restart_count: int = 0
    current: ContainerState = ContainerState()
    previous: ContainerState | None = None
    events: tuple[Event, ...] = ()
    ready: bool = False
    """Its readiness probe says so; of no meaning for one without."""

    @property
    def log_start(self) -> datetime | None:
        """When the program that runs, or that ran last, began: what it said came after."""
        return self.current.start or (self.previous.start if self.previous else None)


@dataclass(frozen=True, slots=True)
class GroupView:
    """One group as it was when the engine last looked."""

    state: GroupState = GroupState.PENDING
    containers: tuple[ContainerView, ...] = ()
    init: tuple[ContainerView, ...] = ()
    events: tuple[Event, ...] = ()
    address: str | None = None
    """The private address."""
    public_address: str | None = None
    level: Level = Level.SANDBOX
    """The level the containers really run at."""

    def find(self, name: str) -> ContainerView | None:
        """Return the container or init container of that name."""
        return next((one for one in (*self.containers, *self.init) if one.name == name), None)

    def to_json(self) -> dict[str, Any]:
        """Return the view as a JSON document that ``from_json`` reads."""
        document: dict[str, Any] = _to_text(asdict(self))
        return document

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "GroupView":
        """Read a view back."""
        return cls(
            state=GroupState(document["state"]),
            containers=tuple(_read_container(one) for one in document["containers"]),
            init=tuple(_read_container(one) for one in document["init"]),
            events=tuple(_read_event(one) for one in document["events"]),
            address=document["address"],
            public_address=document["public_address"],
            level=Level(document["level"]),
        )


def _to_text(value: Any) -> Any:
    """Return a value with its times as text."""
    if isinstance(value, datetime):
        return core.render_time(value)
    if isinstance(value, dict):
        return {name: _to_text(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_to_text(each) for each in value]
    return value


def _read_time(text: str | None) -> datetime | None:
    return core.parse_time(text) if text else None


def _read_state(document: Mapping[str, Any]) -> ContainerState:
    return ContainerState(
        state=State(document["state"]),
        start=_read_time(document["start"]),
        finish=_read_time(document["finish"]),
        exit_code=document["exit_code"],
        detail=document["detail"],
    )


def _read_event(document: Mapping[str, Any]) -> Event:
    return Event(
        name=document["name"],
        type=document["type"],
        message=document["message"],
        count=document["count"],
        first=core.parse_time(document["first"]),
        last=core.parse_time(document["last"]),
    )


def _read_container(document: Mapping[str, Any]) -> ContainerView:
    previous = document["previous"]
    return ContainerView(
        name=document["name"],
        restart_count=document["restart_count"],
        current=_read_state(document["current"]),
        previous=_read_state(previous) if previous else None,
        events=tuple(_read_event(one) for one in document["events"]),
        ready=document.get("ready", False),
    )
