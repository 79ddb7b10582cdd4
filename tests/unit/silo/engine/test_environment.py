from silo.engine.environment import render


def test_variables_are_ended_by_nul_as_silo_init_reads_them():
    assert render((("A", "b=c\n"), ("B", ""))) == b"A=b=c\n\0B=\0"
