"""An image is asked for early, and what was answered is told to whoever takes it."""

import asyncio

import pytest
from tests.unit.silo.engine.fake_machine import FakeMachine, Hands

from silo import engine
from silo.engine.errors import ImageInaccessible
from silo.engine.fetching import Fetching


async def nobody(_image):
    return None


async def test_the_question_is_put_before_the_image_is_taken():
    machine = FakeMachine(Hands())
    async with asyncio.TaskGroup() as tasks:
        fetching = Fetching(machine, nobody, tasks)
        fetching.begin("app")
        await asyncio.sleep(0)
        assert machine.done == [("pull", "app")]
        assert await fetching.take("app") == engine.Image("app", "sha256:0", "chain")
    assert machine.done == [("pull", "app")]


async def test_permission_is_asked_anew_for_each_taking():
    machine = FakeMachine(Hands())
    async with asyncio.TaskGroup() as tasks:
        fetching = Fetching(machine, nobody, tasks)
        await fetching.take("app")
        await fetching.take("app")
    assert machine.done == [("pull", "app"), ("pull", "app")]


async def test_a_refusal_ends_nothing_else_and_is_told_to_who_takes_it():
    machine = FakeMachine(Hands(), refused={"app": ImageInaccessible("app", "access was denied")})
    async with asyncio.TaskGroup() as tasks:
        fetching = Fetching(machine, nobody, tasks)
        fetching.begin("app")
        await fetching.take("other")
        with pytest.raises(ImageInaccessible, match="access was denied"):
            await fetching.take("app")
