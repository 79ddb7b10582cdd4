import pytest
from tests.unit.silo.kube import kube_world as world

from silo import kube
from silo.kube import upgrading


@pytest.fixture
def paths(tmp_path):
    found = world.paths_in(tmp_path)
    (found.etcd / "member").mkdir(parents=True)
    store(found, "old")
    upgrading.note(found, "1.35.4")
    return found


def store(paths, text):
    (paths.etcd / "member" / "db").write_text(text)


def read(paths):
    return (paths.etcd / "member" / "db").read_text()


def test_another_version_is_an_upgrade_and_the_same_is_none(paths, tmp_path):
    assert upgrading.is_due(paths, "1.36.3")
    assert not upgrading.is_due(paths, "1.35.4")
    assert not upgrading.is_due(world.paths_in(tmp_path / "new"), "1.36.3")


def test_what_was_stored_comes_back_on_failure(paths):
    upgrading.copy(paths)
    store(paths, "new")
    # Begun again after a crash: the copy is of before still.
    upgrading.copy(paths)
    upgrading.restore(paths)
    upgrading.restore(paths)

    assert read(paths) == "old"
    assert upgrading.is_due(paths, "1.36.3")


def test_restoration_that_was_cut_off_is_finished(paths):
    upgrading.copy(paths)
    paths.etcd.rename(paths.state / "etcd-of-failed-upgrade")
    upgrading.recover(paths)
    upgrading.recover(paths)

    assert read(paths) == "old"


def test_copy_goes_once_the_other_version_is_up(paths):
    upgrading.copy(paths)
    store(paths, "new")
    upgrading.note(paths, "1.36.3")
    upgrading.restore(paths)

    assert read(paths) == "new"
    assert not upgrading.is_due(paths, "1.36.3")
    assert [path.name for path in paths.state.iterdir() if "etcd" in path.name] == ["etcd"]


def test_half_a_copy_is_none(paths):
    part = paths.state / "etcd-before-upgrade.part"
    part.mkdir()
    (part / "rest").touch()
    upgrading.copy(paths)
    upgrading.restore(paths)

    assert read(paths) == "old"
    assert not (paths.etcd / "rest").exists()


class Tending:
    """Nothing runs here; it notes what was to end."""

    def __init__(self):
        self.ended = ()

    async def end(self, names):
        self.ended = names

    async def do(self, work, *args):
        return work(*args)


async def test_upgrade_that_is_left_is_as_if_it_had_not_begun(paths):
    tending = Tending()
    await upgrading.undo(paths, "1.36.3", tending)
    assert tending.ended == ()
    upgrading.copy(paths)
    store(paths, "new")
    await upgrading.undo(paths, "1.36.3", tending)

    assert (read(paths), upgrading.find_version(paths)) == ("old", "1.35.4")
    assert "etcd" in tending.ended


async def test_upgrade_that_is_done_is_not_left(paths):
    upgrading.copy(paths)
    store(paths, "new")
    # As if Silo had ended between the note and the removal of the copy.
    (paths.state / "version").write_text("1.36.3")
    await upgrading.undo(paths, "1.36.3", Tending())

    assert read(paths) == "new"


async def fail_to_upgrade(paths):
    async with upgrading.guard(paths, "1.37.0", Tending()):
        store(paths, "newest")
        raise kube.StepFailed("It does not come up.")


async def test_a_copy_that_was_left_is_not_taken_for_one_of_the_next_upgrade(paths):
    upgrading.copy(paths)
    # As if Silo had ended between the note and the removal of the copy.
    (paths.state / "version").write_text("1.36.3")
    store(paths, "later")
    async with upgrading.guard(paths, "1.36.3", Tending()):
        pass
    with pytest.raises(kube.UpgradeFailed):
        await fail_to_upgrade(paths)

    assert read(paths) == "later"
    assert upgrading.find_version(paths) == "1.36.3"
