from dataclasses import replace

from tests.unit.silo.kube import kube_world as world

from silo.kube import node_notes
from silo.kube.node_notes import Note

TAINTED = replace(world.NODE, taints=("gpu=yes:NoSchedule",))


def test_what_is_noted_of_a_node_is_read_again(tmp_path):
    paths, note = world.paths_in(tmp_path), Note.of_plan(TAINTED, None)
    node_notes.write_note(paths, note)

    assert node_notes.list_notes(paths) == {TAINTED.name: note}
    assert note.model == TAINTED.model


def test_node_keeps_in_mind_what_it_registered_with():
    note = Note.of_plan(TAINTED, None)

    assert Note.of_plan(world.NODE, note).born_with == TAINTED.taints


def test_folder_of_which_little_is_left_is_a_node_all_the_same(tmp_path):
    paths = world.paths_in(tmp_path)
    (paths.state / "nodes" / "left").mkdir(parents=True)
    (paths.state / "nodes" / "torn").mkdir()
    (paths.state / "nodes" / "torn" / "node.json").write_text("{")

    assert node_notes.list_notes(paths) == {"left": None, "torn": None}
