"""What a group's sandbox may use, and what the group is told of it."""

from dataclasses import replace

import pytest

from silo import engine
from silo.engine import boosts, cgroups, sandboxes
from silo.engine.containers import Image
from silo.engine.specs import Place, build_spec

IMAGE = Image("one.azurecr.io/a:1", "sha256:0", "sha256:1", ("/bin/a",))
MIB = 1 << 20
SPEC = build_spec(
    engine.ContainerPlan("one", IMAGE.reference),
    IMAGE,
    Place(
        *("instance", "group", "group-one", engine.Level.SANDBOX, "/netns"),
        cpu=0.02,
        memory_bytes=100 * MIB,
    ),
)


def test_a_sandbox_has_memory_of_its_own_and_comes_up_with_a_core() -> None:
    resources = sandboxes.render_sandbox(SPEC, "group", "instance")["linux"]["resources"]

    assert resources["memory"] == {"limit": 164 * MIB, "swap": 164 * MIB}
    assert resources["cpu"]["quota"] == resources["cpu"]["period"] == 100_000
    assert resources["cpu"]["shares"] == 20


def test_a_virtual_machine_is_as_large_as_its_group_and_counts_nothing_twice() -> None:
    made = sandboxes.render_sandbox(SPEC, "group", "instance", engine.Level.HYPERVISOR)

    assert set(made["linux"]["resources"]) == {"devices", "pids"}
    assert made["annotations"] == {
        "io.kubernetes.cri.container-type": "sandbox",
        "io.kubernetes.cri.sandbox-id": "group-sandbox",
        "io.kubernetes.cri.sandbox-cpu-period": "100000",
        "io.kubernetes.cri.sandbox-cpu-quota": "2000",
        "io.kubernetes.cri.sandbox-cpu-shares": "20",
        "io.kubernetes.cri.sandbox-memory": str(100 * MIB),
    }


def test_its_share_is_in_force_between_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[tuple[str, int]] = []
    monkeypatch.setattr(
        cgroups, "set_quota", lambda path, quota, _period: written.append((path, quota))
    )
    held = boosts.Boosts()
    path = sandboxes.get_cgroup("group", "instance")

    held.begin("one", path, sandboxes.read_limits(SPEC))
    held.end("one")
    held.end("one")
    held.begin("two", path, {"cpu": {"quota": 200_000}})
    held.end("two")

    assert written == [(path, 100_000), (path, 2000)]


@pytest.mark.parametrize(
    ("level", "names", "limit", "told"),
    [
        (engine.Level.SANDBOX, "ab", 10, True),
        (engine.Level.SANDBOX, "ab", None, False),
        (engine.Level.SANDBOX, "a", 10, False),
        (engine.Level.PROCESS, "ab", 10, False),
    ],
)
def test_a_group_is_told_when_limits_of_its_containers_are_not_enforced(
    level: engine.Level, names: str, limit: int | None, told: bool
) -> None:
    containers = tuple(
        engine.ContainerPlan(name, IMAGE.reference, memory_limit_bytes=limit) for name in names
    )
    plan = engine.GroupPlan("uid", 1, "group", level, engine.Restart.NEVER, (), containers)

    assert bool(sandboxes.describe_sharing(plan)) is told
    assert not sandboxes.describe_sharing(replace(plan, containers=containers[:1]))
