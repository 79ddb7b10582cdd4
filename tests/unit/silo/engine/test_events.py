from silo.engine.api import envelope_pb2, task_events_pb2
from silo.engine.events import read_envelope


def envelope(topic, event):
    made = envelope_pb2.Envelope(namespace="silo", topic=topic)
    made.event.value = event.SerializeToString()
    return made


def test_the_end_of_a_container_is_told():
    event = task_events_pb2.TaskExit(container_id="a", id="a", pid=5, exit_status=137)
    happening = read_envelope(envelope("/tasks/exit", event))

    assert (happening.topic, happening.container_id, happening.exit_code) == ("exit", "a", 137)
    assert happening.exec_id == ""


def test_the_end_of_another_program_names_it():
    event = task_events_pb2.TaskExit(container_id="a", id="x", exit_status=1)

    assert read_envelope(envelope("/tasks/exit", event)).exec_id == "x"


def test_what_is_about_nothing_we_know_is_left_out():
    assert read_envelope(envelope("/tasks/else", task_events_pb2.TaskOOM())) is None
