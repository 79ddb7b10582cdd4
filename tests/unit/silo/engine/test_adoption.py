from datetime import UTC, datetime, timedelta

from silo.engine import ContainerPlan, Exit, Found, GroupPlan, GroupView, Restart, Status
from silo.engine.adoption import adopt, open_boxes
from silo.engine.supervision import Phase, decide, note_exit, note_start

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
PLAN = GroupPlan("uid", 1, "g", restart=Restart.ON_FAILURE, containers=(ContainerPlan("web", "i"),))


def seen(box):
    return GroupView(containers=(box.view,))


def find(status, exit_=None, made=None):
    labels = {"silo.group": "uid", "silo.container": "web"}
    return {"web": Found("id", labels, status, exit=exit_, made=made)}


def test_a_running_container_is_taken_up_as_it_is():
    box = note_start(open_boxes(PLAN)["web"], NOON)

    adopted = adopt(PLAN, seen(box), find(Status.RUNNING), NOON)

    assert adopted.boxes["web"].view == box.view
    assert adopted.discard == ()


def test_an_exit_that_nobody_saw_is_not_lost():
    box = note_start(open_boxes(PLAN)["web"], NOON)

    adopted = adopt(PLAN, seen(box), find(Status.STOPPED, Exit(7, NOON)), NOON)

    assert adopted.boxes["web"].view.current.exit_code == 7
    assert adopted.discard == ("web",)
    assert decide(PLAN, adopted.boxes, NOON).start == ("web",)


def test_a_container_started_just_before_the_crash_is_not_started_twice():
    adopted = adopt(PLAN, seen(open_boxes(PLAN)["web"]), find(Status.RUNNING), NOON)

    assert adopted.boxes["web"].phase is Phase.RUNNING
    assert decide(PLAN, adopted.boxes, NOON).start == ()


def test_a_start_that_nobody_saw_was_when_the_container_was_made():
    before = NOON - timedelta(minutes=5)

    adopted = adopt(PLAN, seen(open_boxes(PLAN)["web"]), find(Status.RUNNING, made=before), NOON)

    assert adopted.boxes["web"].view.log_start == before


def test_an_exit_of_a_start_that_nobody_saw_is_not_lost():
    box = note_exit(note_start(open_boxes(PLAN)["web"], NOON), Exit(1, NOON), PLAN.restart, NOON)
    made = NOON + timedelta(seconds=1)
    ended = Exit(9, made)

    kept = adopt(PLAN, seen(box), find(Status.STOPPED, Exit(1, NOON), NOON), made)
    told = adopt(PLAN, seen(box), find(Status.STOPPED, ended, made), made)

    assert kept.boxes["web"].view == box.view
    assert told.boxes["web"].view.restart_count == 1
    assert told.boxes["web"].view.current.exit_code == 9


def test_a_container_made_and_never_started_is_made_again():
    adopted = adopt(PLAN, seen(open_boxes(PLAN)["web"]), find(Status.CREATED), NOON)

    assert adopted.discard == ("web",)
    assert decide(PLAN, adopted.boxes, NOON).start == ("web",)


def test_a_container_that_is_gone_has_ended_for_the_restart_policy():
    box = note_start(open_boxes(PLAN)["web"], NOON)

    adopted = adopt(PLAN, seen(box), {}, NOON)

    assert adopted.boxes["web"].view.current.exit_code == 137
    assert decide(PLAN, adopted.boxes, NOON).start == ("web",)


def test_a_pause_between_restarts_goes_on_after_the_crash():
    box = open_boxes(PLAN)["web"]
    for _ in range(3):
        box = note_exit(note_start(box, NOON), Exit(1, NOON), PLAN.restart, NOON)

    adopted = adopt(PLAN, seen(box), {}, NOON)

    assert adopted.boxes["web"].not_before == box.not_before
    assert decide(PLAN, adopted.boxes, NOON).start == ()


def test_a_container_of_another_plan_is_thrown_away():
    other = {"old": Found("id", {"silo.container": "old"}, Status.STOPPED)}

    adopted = adopt(PLAN, seen(open_boxes(PLAN)["web"]), other, NOON)

    assert adopted.discard == ("old",)
