"""Ways out of a container, tried in every level of isolation: each of them has to fail.

Run by root and unconfined on these machines, four attempts of five succeed; so a refusal is the
container's doing.
"""

import json
import os
import uuid
from pathlib import Path

import pytest

from silo import engine

ALLOWED = {
    "process": set(),
    # The sandbox has a kernel of its own: these are calls of that one, and end with it.
    "sandbox": {
        *("devices-of-machine", "keyring-read", "namespace-mount", "namespace-user", "perf"),
        "proc-forwarding",
    },
}
SMALL_SET = {
    *("chown", "dac_override", "fowner", "fsetid", "kill", "setgid", "setuid", "setpcap"),
    *("net_bind_service", "sys_chroot", "audit_write", "setfcap"),
}
NAMES = {
    0: "chown",
    1: "dac_override",
    3: "fowner",
    4: "fsetid",
    5: "kill",
    6: "setgid",
    7: "setuid",
    8: "setpcap",
    10: "net_bind_service",
    18: "sys_chroot",
    29: "audit_write",
    31: "setfcap",
}
DEVICES = {
    *("null", "zero", "full", "random", "urandom", "tty", "ptmx", "pts", "shm", "mqueue"),
    *("fd", "stdin", "stdout", "stderr", "console", "core"),
    *("char", "fuse", "net"),  # the sandbox's own
}


@pytest.fixture(scope="module")
def facts(containers, level):
    said = containers.run(f"facts-{level}", ["/bin/probe", "facts"], level=level)
    return json.loads(said)


@pytest.fixture
def marker():
    path = Path(f"/etc/silo-marker-{uuid.uuid4()}")
    path.write_text("the machine itself")
    yield path
    path.unlink()


def test_no_attempt_to_get_out_succeeds(containers, level, marker):
    watched = [
        Path(path)
        for path in ("/proc/sys/kernel/core_pattern", "/proc/sys/net/ipv4/ip_forward")
        if os.access(path, os.R_OK)
    ]
    before = [path.read_text() for path in watched]
    command = ["/bin/probe", "escape", "all", f"marker={marker}"]

    said = containers.run(f"escape-{level}", command, level=level)

    told = [json.loads(line) for line in said.splitlines()]
    print(said)
    assert len(told) > 40
    assert [
        one for one in told if not one["refused"] and one["attempt"] not in ALLOWED[level]
    ] == []
    assert "the machine itself" not in said
    assert [path.read_text() for path in watched] == before


def test_few_capabilities_and_no_new_ones(facts):
    for kind in ("CapEff", "CapPrm", "CapBnd", "CapInh", "CapAmb"):
        value = int(facts["status"][kind], 16)
        held = {NAMES.get(bit, f"number {bit}") for bit in range(64) if value >> bit & 1}
        assert held <= SMALL_SET, kind
    assert facts["status"]["NoNewPrivs"] == "1"


def test_root_inside_is_nobody_outside(facts, level):
    if level == "process":
        inside, outside, _ = facts["uidMap"][0].split()
        assert (inside, facts["uid"]) == ("0", 0)
        assert int(outside) >= 65536
        assert facts["status"]["Seccomp"] == "2"
    else:
        assert "gVisor" in facts["kernel"] or facts["kernel"] != Path("/proc/version").read_text()


def test_namespaces_are_its_own(facts, level):
    if level == "sandbox":
        pytest.skip("the sandbox's namespaces are those of its own kernel")
    for kind in ("pid", "mnt", "net", "ipc", "uts", "user", "cgroup"):
        assert facts["namespaces"][kind] != str(Path(f"/proc/self/ns/{kind}").readlink()), kind


def test_only_its_own_processes_devices_and_interfaces_are_seen(facts):
    assert all("probe" in command or "init" in command for command in facts["processes"].values())
    assert set(facts["devices"]) <= DEVICES
    assert "unmasked" not in facts
    assert facts["files"] <= 1 << 20


def test_nothing_of_the_machine_is_mounted(facts):
    sources = [line.split()[3] for line in facts["mounts"]]

    for path in ("/root", "/home", "/etc", "/usr", "/var/lib/docker"):
        assert not [source for source in sources if Path(source).is_relative_to(path)]
    assert "containerd.sock" not in "".join(facts["mounts"])


def test_control_groups_can_be_looked_at_only(containers, level):
    script = (
        "for folder in /sys/fs/cgroup /sys/fs/cgroup/*; do "
        "/bin/busybox mkdir $folder/made-here && echo $folder was written to; "
        "echo > $folder/written-here && echo $folder was written to; done; echo looked"
    )

    said = containers.run(f"groups-{level}", ["/bin/sh", "-c", script], level=level)

    assert "was written to" not in said
    assert "looked" in said


def test_a_process_count_has_an_end(containers, level):
    name = f"pids-{level}"
    containers.make(name, ["/bin/probe", "sleep"], level=level)
    containers.wait(name, "Running")
    instance = containers.silo.settings.id
    tops = [Path("/sys/fs/cgroup"), *Path("/sys/fs/cgroup").iterdir()]
    found = [path for top in tops for path in (top / "silo" / instance).rglob("pids.max")]
    limits = {path.read_text().strip() for path in found}
    containers.delete(name)

    assert any(limit != "max" and int(limit) <= 65536 for limit in limits), limits


def test_a_group_knows_its_level_and_is_never_given_a_weaker_one(containers, level):
    name = f"level-{level}"
    made = containers.make(name, ["/bin/probe", "sleep"], level=level)
    containers.delete(name)

    assert level in json.dumps(made["properties"]["instanceView"]) or level in json.dumps(
        made["tags"]
    )


@pytest.mark.parametrize("wanted", ["none", "hypervisor", "PROCESS "])
def test_a_level_that_is_not_there_is_refused(containers, wanted):
    from tests.system.containers import Refused

    if wanted in engine.list_levels(engine.find_binaries()):
        pytest.skip("this machine has it")
    with pytest.raises(Refused) as caught:
        containers.make("weaker", ["/bin/probe", "sleep"], level=wanted)
    assert "InternalServerError" not in str(caught.value)
    if wanted == "hypervisor":
        assert "/dev/kvm" in str(caught.value) or "Kata" in str(caught.value)
