from silo import engine
from silo.engine.probes import Count, judge, look

from .fake_machine import FakeMachine, Hands


def test_failures_in_a_row_reach_the_threshold_and_begin_again():
    probe = engine.Probe(command=("check",), failure_threshold=2)

    count, over = judge(probe, Count(), well=False)
    assert not over
    count, over = judge(probe, count, well=True)
    count, over = judge(probe, count, well=False)
    assert not over
    count, over = judge(probe, count, well=False)
    assert over
    assert count == Count()


async def test_a_probe_that_takes_too_long_is_bad_news():
    machine = FakeMachine(Hands())

    async def hang(*_):
        raise TimeoutError

    machine.run = hang

    ran = await look(machine, "uid", "web", engine.Probe(command=("check",), timeout_s=1))

    assert ran.code == -1
    assert "1s" in ran.output


async def test_a_probe_that_cannot_be_made_is_bad_news():
    machine = FakeMachine(Hands())

    async def refuse(*_):
        raise engine.ContainerMissing("gone")

    machine.run = refuse

    assert (await look(machine, "uid", "web", engine.Probe(command=("check",)))).code == -1
