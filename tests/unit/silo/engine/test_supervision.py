from datetime import UTC, datetime, timedelta

import pytest

from silo.engine import ContainerPlan, Exit, GroupPlan, GroupState, Restart, State
from silo.engine.adoption import open_boxes
from silo.engine.supervision import (
    EVENTS,
    Phase,
    add_event,
    decide,
    note_exit,
    note_failure,
    note_start,
    note_stop,
)

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def make_plan(*names, init=(), restart=Restart.ALWAYS):
    return GroupPlan(
        "uid",
        1,
        "group",
        restart=restart,
        init=tuple(ContainerPlan(name, "image") for name in init),
        containers=tuple(ContainerPlan(name, "image") for name in names),
    )


def at(seconds):
    return NOON + timedelta(seconds=seconds)


def run(boxes, name, code, plan, now=NOON):
    boxes[name] = note_exit(note_start(boxes[name], now), Exit(code, now), plan.restart, now)


def test_containers_of_a_group_start_together_without_init_containers():
    plan = make_plan("web", "log")

    assert decide(plan, open_boxes(plan), NOON).start == ("web", "log")


def test_init_containers_run_one_after_another_before_the_others():
    plan = make_plan("web", init=("first", "second"))
    boxes = open_boxes(plan)

    assert decide(plan, boxes, NOON).start == ("first",)
    boxes["first"] = note_start(boxes["first"], NOON)
    assert decide(plan, boxes, NOON).start == ()
    run(boxes, "first", 0, plan)
    assert decide(plan, boxes, NOON).start == ("second",)
    run(boxes, "second", 0, plan)
    assert decide(plan, boxes, NOON).start == ("web",)


def test_a_failed_init_container_ends_a_group_that_never_restarts():
    plan = make_plan("web", init=("first",), restart=Restart.NEVER)
    boxes = open_boxes(plan)
    run(boxes, "first", 1, plan)

    step = decide(plan, boxes, NOON)

    assert (step.start, step.state, step.finished) == ((), GroupState.FAILED, True)


@pytest.mark.parametrize(
    ("restart", "code", "again"),
    [
        (Restart.ALWAYS, 0, True),
        (Restart.ALWAYS, 1, True),
        (Restart.ON_FAILURE, 0, False),
        (Restart.ON_FAILURE, 1, True),
        (Restart.NEVER, 0, False),
        (Restart.NEVER, 1, False),
    ],
)
def test_the_restart_policy_decides_who_runs_again(restart, code, again):
    plan = make_plan("web", restart=restart)
    boxes = open_boxes(plan)
    run(boxes, "web", code, plan)

    assert (decide(plan, boxes, NOON).start == ("web",)) is again


@pytest.mark.parametrize(("code", "state"), [(0, GroupState.SUCCEEDED), (3, GroupState.FAILED)])
def test_a_group_that_has_ended_says_how(code, state):
    plan = make_plan("web", "log", restart=Restart.NEVER)
    boxes = open_boxes(plan)
    run(boxes, "web", code, plan)
    run(boxes, "log", 0, plan)

    step = decide(plan, boxes, NOON)

    assert (step.state, step.finished) == (state, True)


def test_pauses_between_restarts_double_from_ten_seconds_to_five_minutes():
    plan = make_plan("web")
    boxes, now, pauses = open_boxes(plan), NOON, []
    for _ in range(9):
        run(boxes, "web", 1, plan, now)
        step = decide(plan, boxes, now)
        pauses.append(0 if step.start else (step.wake - now).total_seconds())
        now = step.wake or now

    assert pauses == [0, 10, 20, 40, 80, 160, 300, 300, 300]
    assert boxes["web"].view.restart_count == 8
    assert boxes["web"].view.current.detail == "CrashLoopBackOff"
    assert boxes["web"].view.previous.exit_code == 1
    assert [event.count for event in boxes["web"].view.events if event.name == "BackOff"] == [8]


def test_ten_calm_minutes_begin_the_count_again():
    plan = make_plan("web")
    boxes = open_boxes(plan)
    for now in (NOON, NOON, at(10)):
        run(boxes, "web", 1, plan, now)
    started = note_start(boxes["web"], at(30))

    boxes["web"] = note_exit(started, Exit(1, at(30 + 600)), plan.restart, at(630))

    assert decide(plan, boxes, at(630)).start == ("web",)


def test_a_container_killed_for_want_of_memory_says_so():
    plan = make_plan("web", restart=Restart.NEVER)
    box = note_start(open_boxes(plan)["web"], NOON)

    current = note_exit(box, Exit(137, NOON, oom=True), plan.restart, NOON).view.current

    assert (current.state, current.exit_code, current.detail) == (
        State.TERMINATED,
        137,
        "OOMKilled",
    )


def test_a_program_that_cannot_be_started_counts_as_one_that_ended():
    plan = make_plan("web", restart=Restart.NEVER)
    boxes = open_boxes(plan)
    boxes["web"] = note_failure(boxes["web"], "Error: no such program", plan.restart, NOON)

    assert boxes["web"].view.current.exit_code == 128
    assert [event.name for event in boxes["web"].view.events] == ["Failed"]
    assert decide(plan, boxes, NOON).state is GroupState.FAILED


def test_a_stopped_container_keeps_its_exit_code_and_tells_who_ended_it():
    plan = make_plan("web")
    box = note_start(open_boxes(plan)["web"], NOON)

    box = note_stop(box, Exit(143, at(1)), at(2))

    assert box.phase is Phase.ENDED
    assert (box.view.current.exit_code, box.view.current.finish) == (143, at(1))
    assert [event.name for event in box.view.events] == ["Started", "Killing"]


def test_events_are_counted_and_the_oldest_forgotten():
    view = open_boxes(make_plan("web"))["web"].view
    for number in range(EVENTS + 5):
        view = add_event(view, "Pulled", "Normal", f"{number}", NOON)
    view = add_event(view, "Pulled", "Normal", "54", at(9))

    assert len(view.events) == EVENTS
    assert (view.events[-1].count, view.events[-1].first, view.events[-1].last) == (2, NOON, at(9))
