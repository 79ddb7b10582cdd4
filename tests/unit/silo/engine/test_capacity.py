from silo import engine


def test_a_machine_has_cores_and_memory():
    machine = engine.read_capacity()

    assert machine.cores >= 1
    assert machine.memory_bytes > 1 << 28
