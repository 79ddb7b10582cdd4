from silo.engine.cgroups import count_oom_kills


def test_both_generations_tell_of_killed_processes(tmp_path):
    (tmp_path / "memory" / "silo" / "a").mkdir(parents=True)
    (tmp_path / "memory/silo/a/memory.oom_control").write_text("under_oom 0\noom_kill 2\n")
    (tmp_path / "silo" / "b").mkdir(parents=True)
    (tmp_path / "silo/b/memory.events").write_text("max 9\noom 4\noom_kill 3\n")

    assert count_oom_kills("/silo/a", tmp_path) == 2
    assert count_oom_kills("/silo/b", tmp_path) == 3
    assert count_oom_kills("/silo/gone", tmp_path) == 0
