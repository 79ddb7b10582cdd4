import json
from datetime import UTC, datetime, timedelta

from silo import engine

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def test_a_view_survives_being_written_down():
    ended = engine.ContainerState(engine.State.TERMINATED, NOON, NOON, 137, "OOMKilled")
    event = engine.Event("Started", "Normal", "Started container", 2, NOON, NOON)
    web = engine.ContainerView("web", 1, engine.ContainerState(), ended, (event,), ready=True)
    view = engine.GroupView(
        engine.GroupState.RUNNING, (web,), (), (event,), "10.0.0.4", None, engine.Level.PROCESS
    )

    assert engine.GroupView.from_json(json.loads(json.dumps(view.to_json()))) == view


def test_a_container_is_found_by_name_among_init_containers_too():
    view = engine.GroupView(init=(engine.ContainerView("first"),))

    assert view.find("first") == engine.ContainerView("first")
    assert view.find("second") is None


def test_a_log_is_of_the_program_that_runs_or_ran_last():
    earlier = engine.ContainerState(engine.State.TERMINATED, NOON - timedelta(hours=1), NOON, 1)
    running = engine.ContainerState(engine.State.RUNNING, NOON)

    assert engine.ContainerView("web").log_start is None
    assert engine.ContainerView("web", 1, running, earlier).log_start == NOON
    assert engine.ContainerView("web", 1, previous=earlier).log_start == earlier.start
