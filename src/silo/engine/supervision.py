"""What to do next with a group, given the plan, what is known of it, and the time. Pure.

Restarts follow the kubelet, as ACI does: the first at once, then after 10 s, 20 s, … up to 5 min;
ten minutes of running begin the count again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from .containers import Exit
from .plans import GroupPlan, Port, Restart
from .views import ContainerState, ContainerView, Event, EventType, GroupState, State

FIRST_PAUSE = timedelta(seconds=10)
MAX_PAUSE = timedelta(minutes=5)
CALM = timedelta(minutes=10)
"""A container that ran so long is no longer in trouble."""
START_FAILED = 128
"""The exit code of a container whose program could not be started, as the kubelet gives it."""
EVENTS = 50
"""Kept of one container; the oldest go first."""


class Phase(StrEnum):
    """Where a container stands for the engine."""

    ABSENT = "absent"
    RUNNING = "running"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Box:
    """What is known of one container."""

    view: ContainerView
    phase: Phase = Phase.ABSENT
    failures: int = 0
    """Restarts in a row that pauses grow by."""
    not_before: datetime | None = None


Boxes = Mapping[str, Box]


@dataclass(frozen=True, slots=True)
class Step:
    """What to do now, and when to look again at the latest."""

    start: tuple[str, ...] = ()
    wake: datetime | None = None
    state: GroupState = GroupState.PENDING
    finished: bool = False
    """Nothing will happen any more by itself."""


def decide(plan: GroupPlan, boxes: Boxes, now: datetime) -> Step:
    """Return the next step of a group that is to run."""
    for container in plan.init:
        box = boxes[container.name]
        if box.phase is Phase.ENDED and box.view.current.exit_code == 0:
            continue
        if box.phase is Phase.RUNNING:
            return Step()
        if box.phase is Phase.ENDED and plan.restart is Restart.NEVER:
            return Step(state=GroupState.FAILED, finished=True)
        if box.not_before is not None and box.not_before > now:
            return Step(wake=box.not_before)
        return Step(start=(container.name,))
    mine = [boxes[container.name] for container in plan.containers]
    again = [box for box in mine if is_to_run(plan.restart, box)]
    due = [box for box in again if box.not_before is None or box.not_before <= now]
    wakes = [box.not_before for box in again if box not in due and box.not_before]
    return Step(
        start=tuple(box.view.name for box in due),
        wake=min(wakes, default=None),
        state=read_state(mine, again),
        finished=not again and not any(box.phase is Phase.RUNNING for box in mine),
    )


def is_to_run(restart: Restart, box: Box) -> bool:
    """Tell whether a container that does not run has to."""
    if box.phase is Phase.RUNNING:
        return False
    if box.phase is Phase.ABSENT or restart is Restart.ALWAYS:
        return True
    return restart is Restart.ON_FAILURE and box.view.current.exit_code != 0


def read_state(boxes: Sequence[Box], again: Sequence[Box]) -> GroupState:
    """Return where a group stands whose init containers are done."""
    if any(not has_started(box) for box in boxes):
        return GroupState.PENDING
    if again or any(box.phase is Phase.RUNNING for box in boxes):
        return GroupState.RUNNING
    failed = any(box.view.current.exit_code != 0 for box in boxes)
    return GroupState.FAILED if failed else GroupState.SUCCEEDED


def has_started(box: Box) -> bool:
    """Tell whether a container has run, or tried to, at least once."""
    return box.phase is not Phase.ABSENT or box.view.previous is not None


def list_open_ports(plan: GroupPlan, boxes: Boxes) -> tuple[Port, ...]:
    """Return what is published now: not the ports of a container that is not ready yet.

    Source: https://learn.microsoft.com/azure/container-instances/container-instances-readiness-probe
    """
    closed = {
        port
        for container in plan.containers
        if container.readiness is not None and not boxes[container.name].view.ready
        for port in container.ports
    }
    return tuple(port for port in plan.network.ports if port not in closed)


def note_start(box: Box, now: datetime) -> Box:
    """Return a container that has just been started."""
    view = box.view
    again = box.phase is Phase.ENDED
    view = replace(
        view,
        restart_count=view.restart_count + (1 if again else 0),
        previous=_last_end(view) if again else view.previous,
        current=ContainerState(State.RUNNING, start=now),
        ready=False,
    )
    view = add_event(view, "Started", "Normal", "Started container", now)
    return replace(box, view=view, phase=Phase.RUNNING, not_before=None)


def note_exit(box: Box, exit_: Exit, restart: Restart, now: datetime) -> Box:
    """Return a container that has ended by itself."""
    ended = ContainerState(
        State.TERMINATED,
        start=box.view.current.start,
        finish=exit_.at or now,
        exit_code=exit_.code,
        detail=_explain(exit_),
    )
    ran = (ended.finish or now) - (ended.start or now)
    failures = 0 if ran >= CALM else box.failures
    box = replace(
        box,
        view=replace(box.view, current=ended, ready=False),
        phase=Phase.ENDED,
        failures=failures,
        not_before=None,
    )
    return _back_off(box, now) if is_to_run(restart, box) else box


def note_failure(box: Box, reason: str, restart: Restart, now: datetime) -> Box:
    """Return a container whose program could not be started."""
    box = note_start(box, now)
    started = [event for event in box.view.events if event.name != "Started"]
    view = add_event(replace(box.view, events=tuple(started)), "Failed", "Warning", reason, now)
    return note_exit(replace(box, view=view), Exit(START_FAILED, now), restart, now)


def note_stop(box: Box, exit_: Exit | None, now: datetime) -> Box:
    """Return a container that was ended because somebody wanted it to."""
    if box.phase is not Phase.RUNNING:
        current = box.view.current
        if current.state is State.WAITING and box.view.previous is not None:
            current = box.view.previous
        return replace(box, view=replace(box.view, current=current), not_before=None)
    view = add_event(box.view, "Killing", "Normal", f"Killing container {box.view.name}", now)
    ended = ContainerState(
        State.TERMINATED,
        start=view.current.start,
        finish=(exit_.at if exit_ else None) or now,
        exit_code=exit_.code if exit_ else None,
        detail=_explain(exit_) if exit_ else "",
    )
    return replace(box, view=replace(view, current=ended), phase=Phase.ENDED, not_before=None)


def add_event(
    view: ContainerView,
    name: str,
    kind: EventType,
    message: str,
    now: datetime,
) -> ContainerView:
    """Return the view with one more event; the same again is counted."""
    return replace(view, events=merge_event(view.events, name, kind, message, now))


def merge_event(
    events: tuple[Event, ...],
    name: str,
    kind: EventType,
    message: str,
    now: datetime,
) -> tuple[Event, ...]:
    """Return events with one more; the same again is counted."""
    for event in events:
        if (event.name, event.message) == (name, message):
            again = replace(event, count=event.count + 1, last=now)
            return (*(one for one in events if one is not event), again)
    return (*events, Event(name, kind, message, 1, now, now))[-EVENTS:]


def _back_off(box: Box, now: datetime) -> Box:
    """Hold the next start back, but the first."""
    if box.failures == 0:
        return replace(box, failures=1)
    pause = min(MAX_PAUSE, FIRST_PAUSE * 2 ** (box.failures - 1))
    view = add_event(box.view, "BackOff", "Warning", "Back-off restarting failed container", now)
    waiting = ContainerState(State.WAITING, exit_code=None, detail="CrashLoopBackOff")
    view = replace(view, previous=view.current, current=waiting)
    return replace(box, view=view, failures=box.failures + 1, not_before=now + pause)


def _last_end(view: ContainerView) -> ContainerState | None:
    return view.current if view.current.state is State.TERMINATED else view.previous


def _explain(exit_: Exit) -> str:
    if exit_.oom:
        return "OOMKilled"
    return "Completed" if exit_.code == 0 else "Error"
