"""What is to be made of containers found on the machine, given what was last seen. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from .containers import Exit, Found, Status
from .plans import GroupPlan
from .supervision import (
    FIRST_PAUSE,
    MAX_PAUSE,
    Box,
    Phase,
    has_started,
    note_exit,
    note_start,
)
from .views import ContainerView, GroupView, State

LOST = 137
"""The exit code of a container that is gone without a trace, as the kubelet gives it."""


@dataclass(frozen=True, slots=True)
class Adopted:
    """The containers of a group as they stand."""

    boxes: dict[str, Box]
    discard: tuple[str, ...] = ()
    """Containers that are of no more use."""


def open_boxes(plan: GroupPlan, view: GroupView | None = None) -> dict[str, Box]:
    """Return the containers of a plan as they were last seen."""
    boxes = {}
    for container in (*plan.init, *plan.containers):
        seen = (view.find(container.name) if view else None) or ContainerView(container.name)
        boxes[container.name] = _read_box(seen)
    return boxes


def adopt(plan: GroupPlan, view: GroupView, found: Mapping[str, Found], now: datetime) -> Adopted:
    """Return where each container stands, exits of the time without a watcher included."""
    boxes, discard = {}, []
    for name, box in open_boxes(plan, view).items():
        container = found.get(name)
        if container is not None and container.status is Status.RUNNING:
            running = box.phase is Phase.RUNNING
            boxes[name] = box if running else note_start(box, container.made or now)
            continue
        if container is not None:
            discard.append(name)
        boxes[name] = _read_end(plan, box, container, now)
    discard += [name for name in found if name not in boxes]
    return Adopted(boxes, tuple(discard))


def _read_end(plan: GroupPlan, box: Box, container: Found | None, now: datetime) -> Box:
    ended = container.exit if container is not None else None
    if box.phase is Phase.RUNNING:
        return note_exit(box, ended or Exit(LOST, now), plan.restart, now)
    made = container.made if container is not None else None
    if ended is not None and (not has_started(box) or _is_later(made, box)):
        return note_exit(note_start(box, made or now), ended, plan.restart, now)
    return box


def _is_later(made: datetime | None, box: Box) -> bool:
    """Tell whether a container was made after the end that was seen: then its start was not."""
    last = box.view.previous if box.view.current.finish is None else box.view.current
    seen = last.finish if last else None
    return made is not None and seen is not None and made > seen


def _read_box(view: ContainerView) -> Box:
    state = view.current.state
    if state is State.RUNNING:
        return Box(view, Phase.RUNNING, failures=view.restart_count)
    if state is State.TERMINATED:
        return Box(view, Phase.ENDED, failures=view.restart_count)
    if view.previous is None:
        return Box(view)
    # Held back: the pause is told by how often it was started, and began when it ended.
    pause = min(MAX_PAUSE, FIRST_PAUSE * 2 ** min(10, max(0, view.restart_count - 1)))
    ended = view.previous.finish
    return Box(
        replace(view),
        Phase.ENDED,
        failures=view.restart_count + 1,
        not_before=ended + pause if ended else None,
    )
