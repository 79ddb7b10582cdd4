"""Deleting a group leaves nothing: no namespace, mount, link, rule, cgroup, snapshot, process.

``make test`` makes a few rounds; ``SILO_CLEANUP_ROUNDS=200`` the full two hundred.
"""

import contextlib
import hashlib
import os
import re
import subprocess
import time
from collections import Counter
from pathlib import Path

import pytest
from bench.processes import kill_tree, wait_until
from tests.system.containers import processes_below

ROUNDS = int(os.environ.get("SILO_CLEANUP_ROUNDS", "4"))
SETTLE_S = 60.0
GROWTH_BYTES = 16 << 20
"""Of the second half: what is cached at first is there by then."""
DELEGATION = {
    "name": "groups",
    "properties": {"serviceName": "Microsoft.ContainerInstance/containerGroups"},
}


def say(*words):
    return subprocess.run(words, capture_output=True, text=True, check=False).stdout


def leftovers(silo):
    """Return what ``look`` finds; when something goes while it looks, it looks again."""
    deadline = time.monotonic() + SETTLE_S
    while True:
        try:
            return look(silo)
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def look(silo):
    """Return everything of the machine that a group of this instance may leave behind."""
    instance = silo.settings.id
    run = f"/run/silo/{instance}/"
    # What its networks are called: see silo.engine.network.
    prefix = f"si{hashlib.sha256(instance.encode()).hexdigest()[:6]}"
    names = (prefix, f"silo-{instance}", run, str(silo.state))
    table = say("nft", "list", "table", "inet", f"silo-{instance}")
    tops = [Path("/sys/fs/cgroup"), *Path("/sys/fs/cgroup").iterdir()]
    found = {
        "namespaces": say("ip", "netns").splitlines(),
        "links": re.findall(r"^\d+: ([^:@]+)", say("ip", "-o", "link"), re.MULTILINE),
        "routes": say("ip", "route", "show", "table", "all").splitlines(),
        "mounts": [
            line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()
        ],
        "run": [str(path) for path in Path(run).rglob("*") if not path.is_socket()],
    }
    own = {
        kind: sorted(line for line in lines if any(name in line for name in names))
        for kind, lines in found.items()
    }
    return own | {
        "rules": re.sub(r"counter packets \d+ bytes \d+", "", table).splitlines(),
        "cgroups": sorted(
            str(path)
            for top in tops
            for path in (top / "silo" / instance).rglob("*")
            if path.is_dir()
        ),
        "snapshots": sorted(
            str(path)
            for path in (silo.state / "engine").rglob("snapshots/*")
            if path.is_dir() and path.name.isdigit()
        ),
        "folders": sorted(
            str(path)
            for kind in ("logs", "volumes")
            for path in (silo.state / "engine" / kind).glob("*")
        ),
        "shims": sorted(
            command for command in processes_below("containerd-shim").values() if run in command
        ),
    }


def differences(before, after):
    return {
        kind: sorted(set(after[kind]) - set(before[kind]))
        for kind in before
        if set(after[kind]) - set(before[kind])
    }


def weigh(silo):
    """Return the memory that is each process's own, by name.

    Not what it shares: other instances of the machine, which come and go, share libraries with it.
    """
    weights = Counter()
    for pid, name in silo.list_processes().items():
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            told = Path(f"/proc/{pid}/smaps_rollup").read_text()
            weights[name] += 1024 * int(re.search(r"^Private_Dirty: +(\d+)", told, re.MULTILINE)[1])
    return weights


@pytest.fixture(scope="module")
def subnet(containers):
    properties = {
        "addressSpace": {"addressPrefixes": ["10.70.0.0/16"]},
        "subnets": [
            {
                "name": "apps",
                "properties": {"addressPrefix": "10.70.1.0/24", "delegations": [DELEGATION]},
            }
        ],
    }
    kind = "Microsoft.Network/virtualNetworks"
    return f"{containers.resource(kind, 'clean', properties, '2024-07-01')}/subnets/apps"


def cycle(containers, name, level, subnet):
    """Make a group with a bit of everything, and delete it again; every other one has ended."""
    ports = [{"protocol": "TCP", "port": 80}]
    number = int(name.rpartition("-")[2])
    within = (
        {"subnetIds": [{"id": subnet}], "ipAddress": {"type": "Private", "ports": ports}}
        if number % 2
        else {"ipAddress": {"type": "Public", "ports": ports, "dnsNameLabel": name}}
    )
    command = ["/bin/probe", "http", "80"] if number % 4 < 2 else ["/bin/probe", "exit", "0"]
    containers.make(
        name,
        command,
        level=level,
        volumes=[{"name": "empty", "emptyDir": {}}, {"name": "secret", "secret": {"a": "YQ=="}}],
        container={
            "ports": ports,
            "volumeMounts": [
                {"name": "empty", "mountPath": "/empty"},
                {"name": "secret", "mountPath": "/secret"},
            ],
            "environmentVariables": [{"name": "S", "secureValue": "t"}],
        },
        **within,
    )
    containers.wait(name, "Running", "Succeeded")
    containers.delete(name)


def clean(silo, before):
    def same():
        return differences(before, leftovers(silo)) == {}

    with contextlib.suppress(TimeoutError):
        wait_until(same, SETTLE_S, "the clean-up")
    return differences(before, leftovers(silo))


def test_cycles_leave_nothing(containers, level, subnet):
    silo = containers.silo
    # The first one pulls the image, makes the routers, and warms everything up.
    cycle(containers, f"warm-{level}-0", level, subnet)
    cycle(containers, f"warm-{level}-1", level, subnet)
    before, weights = leftovers(silo), [weigh(silo)]

    for number in range(ROUNDS):
        if number == ROUNDS // 2:
            weights.append(weigh(silo))
        cycle(containers, f"clean-{level}-{number}", level, subnet)

    assert clean(silo, before) == {}
    weights.append(weigh(silo))
    for name in weights[0]:
        grown = [f"{(one[name] - weights[0][name]) / 2**20:.1f}" for one in weights[1:]]
        print(f"{name}: {' and '.join(grown)} MiB more after half and all of {ROUNDS} rounds")
    assert sum(weights[-1].values()) - sum(weights[-2].values()) < GROWTH_BYTES


def test_what_a_crash_leaves_is_swept_at_the_next_start(containers, level, subnet):
    silo = containers.silo
    cycle(containers, f"first-{level}-0", level, subnet)  # what stays for all is there from now on
    before = leftovers(silo)
    names = [f"crash-{level}-{number}" for number in range(3)]
    for name in names:
        containers.make(name, ["/bin/probe", "sleep"], level=level)
        containers.wait(name, "Running")
    run = f"/run/silo/{silo.settings.id}/"
    assert differences(before, leftovers(silo))["shims"]

    # Its processes die with everything else: nobody is there to tell.
    silo.kill()
    for pid, command in processes_below("containerd-shim").items():
        if run in command:
            kill_tree(pid)
    silo.start()
    for name in names:
        containers.delete(name)

    assert clean(silo, before) == {}


def test_a_machine_is_as_before_when_silo_and_its_groups_are_taken_down(containers):
    silo = containers.silo
    names = [f"last-{level}" for level in ("process", "sandbox")]
    for name in names:
        containers.make(name, ["/bin/probe", "sleep"], level=name.removeprefix("last-"))
        containers.wait(name, "Running")

    silo.silo("down", "--groups")
    silo.process.wait()
    found = leftovers(silo)
    # Images are Silo's own, and stay with its state.
    left = {kind: lines for kind, lines in found.items() if lines and kind != "snapshots"}

    assert left == {}
    assert not Path(f"/run/silo/{silo.settings.id}").exists()
    silo.start()
    for name in names:
        containers.wait(name, "Running")
        containers.delete(name)
