import asyncio

from silo.kube.watching import Mirror


async def test_each_page_is_reduced_before_the_next_is_asked_for():
    read, complete = [], asyncio.Event()

    class Api:
        async def pages(self, _path):
            for number in range(3):
                assert read == list(range(number))
                assert not mirror.complete
                yield [{"metadata": {"uid": str(number)}, "number": number}], "7"

        async def watch(self, _path, version):
            assert version == "7"
            await asyncio.Event().wait()
            yield "BOOKMARK", {}

    def reduce(document):
        read.append(document["number"])
        return document["number"]

    mirror = Mirror("/things", reduce)
    async with asyncio.TaskGroup() as tasks, asyncio.timeout(20):
        running = tasks.create_task(mirror.follow(Api(), complete.set))
        await complete.wait()
        running.cancel()

    assert mirror.items == {"0": 0, "1": 1, "2": 2}
