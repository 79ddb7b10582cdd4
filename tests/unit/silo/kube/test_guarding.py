import asyncio
import threading

import pytest
from tests.unit.silo.kube import kube_world as world

from silo import engine
from silo.kube import guarding

POD = {
    "metadata": {"uid": "p", "namespace": "x", "name": "a", "labels": {}},
    "spec": {"nodeName": world.NODE.name, "containers": []},
    "status": {"podIPs": [{"ip": "10.244.0.2"}]},
}


def policy(uid, **entry):
    spec = {"podSelector": {}, "policyTypes": ["Ingress"], "ingress": [entry]}
    return {"metadata": {"uid": uid, "namespace": "x", "name": uid}, "spec": spec}


class Api:
    def __init__(self, *policies):
        self.items = {"networkpolicies": policies, "pods": [POD]}

    async def pages(self, path):
        yield self.items.get(path.rpartition("/")[2], []), "1"

    async def watch(self, _path, _version):
        await asyncio.Event().wait()
        yield "BOOKMARK", {}


async def guard(monkeypatch, *policies):
    """Return what a node is told once it is told."""
    monkeypatch.setattr(guarding, "_GATHER_S", 0)
    told = asyncio.get_running_loop().create_future()

    async def note(_networks, _member, guarded):
        told.set_result(guarded)

    monkeypatch.setattr(guarding, "guard_node", note)
    made = guarding.Guarding(None, lambda: {world.NODE.name: f"{world.UID}.4"})
    async with asyncio.TaskGroup() as tasks, asyncio.timeout(20):
        running = tasks.create_task(made.run(Api(*policies)))
        guarded = await told
        running.cancel()
    return guarded


@pytest.mark.parametrize(
    "block",
    [
        {"cidr": "010.0.0.0/8"},
        {"cidr": "10.0.0.0/8", "except": ["10.01.0.0/16"]},
    ],
)
async def test_policy_that_cannot_be_read_allows_nothing_and_holds_up_no_other(monkeypatch, block):
    odd = policy("odd", **{"from": [{"ipBlock": block}]})

    (alone,) = (await guard(monkeypatch, odd)).guards
    assert alone == engine.Guard("10.244.0.2", inbound=())
    (both,) = (await guard(monkeypatch, odd, policy("plain", ports=[{"port": 80}]))).guards
    assert [rule.destination_ports for rule in both.inbound] == [((80, 80),)]


async def test_guards_are_made_where_nobody_waits_for_them(monkeypatch):
    threads = []

    def compile_guards(*_):
        threads.append(threading.current_thread())
        return engine.GuardSet()

    monkeypatch.setattr(guarding, "compile_guards", compile_guards)
    await guard(monkeypatch)

    assert threads
    assert threading.main_thread() not in threads
