from silo.engine.cgroups import count_oom_kills, remove_group


def test_both_generations_tell_of_killed_processes(tmp_path):
    (tmp_path / "memory" / "silo" / "a").mkdir(parents=True)
    (tmp_path / "memory/silo/a/memory.oom_control").write_text("under_oom 0\noom_kill 2\n")
    (tmp_path / "silo" / "b").mkdir(parents=True)
    (tmp_path / "silo/b/memory.events").write_text("max 9\noom 4\noom_kill 3\n")

    assert count_oom_kills("/silo/a", tmp_path) == 2
    assert count_oom_kills("/silo/b", tmp_path) == 3
    assert count_oom_kills("/silo/gone", tmp_path) == 0


def test_empty_control_groups_are_removed_in_both_generations(tmp_path):
    for folder in ("memory/silo/i/g/a", "silo/i/g/b", "cpu/silo/i/other"):
        (tmp_path / folder).mkdir(parents=True)
    remove_group("/silo/i/g", tmp_path)

    assert not (tmp_path / "memory/silo/i/g").exists()
    assert not (tmp_path / "silo/i/g").exists()
    assert (tmp_path / "cpu/silo/i/other").exists()


def test_no_control_group_is_nothing_to_remove(tmp_path):
    remove_group("/silo/i/g", tmp_path)

    assert list(tmp_path.iterdir()) == []
