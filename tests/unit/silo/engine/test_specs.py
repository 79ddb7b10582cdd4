from dataclasses import replace

import pytest
from inline_snapshot import snapshot

from silo.engine import ContainerPlan, Image, Level, Mount, Place, Security, build_spec
from silo.engine.errors import ContainerRefused
from silo.engine.specs import INIT, SECRETS, build_process, with_most_files, with_secrets

IMAGE = Image(
    "one.azurecr.io/a:1",
    "sha256:1",
    "sha256:2",
    entrypoint=("/bin/app",),
    cmd=("serve",),
    env=(("PATH", "/bin"), ("A", "image")),
    workdir="/srv",
    passwd="root:x:0:0::/:/bin/sh\napp:x:1000:1001::/:/bin/sh\n",
)
PLAN = ContainerPlan("app", IMAGE.reference, cpu=0.5, memory_bytes=1 << 28)
PLACE = Place(
    "i", "g", "g-app", Level.PROCESS, "/run/netns/g", first_id=0x70000000, machine="x86_64"
)


def test_a_container_is_told_this():
    spec = build_spec(PLAN, IMAGE, PLACE)
    spec["linux"]["seccomp"] = "..."

    assert spec["process"] == snapshot(
        {
            "terminal": False,
            "user": {"uid": 0, "gid": 0, "umask": 18, "additionalGids": []},
            "args": ["/bin/app", "serve"],
            "env": ["PATH=/bin", "A=image"],
            "cwd": "/srv",
            "capabilities": {
                "bounding": [
                    "CAP_AUDIT_WRITE",
                    "CAP_CHOWN",
                    "CAP_DAC_OVERRIDE",
                    "CAP_FOWNER",
                    "CAP_FSETID",
                    "CAP_KILL",
                    "CAP_NET_BIND_SERVICE",
                    "CAP_SETFCAP",
                    "CAP_SETGID",
                    "CAP_SETPCAP",
                    "CAP_SETUID",
                    "CAP_SYS_CHROOT",
                ],
                "effective": [
                    "CAP_AUDIT_WRITE",
                    "CAP_CHOWN",
                    "CAP_DAC_OVERRIDE",
                    "CAP_FOWNER",
                    "CAP_FSETID",
                    "CAP_KILL",
                    "CAP_NET_BIND_SERVICE",
                    "CAP_SETFCAP",
                    "CAP_SETGID",
                    "CAP_SETPCAP",
                    "CAP_SETUID",
                    "CAP_SYS_CHROOT",
                ],
                "permitted": [
                    "CAP_AUDIT_WRITE",
                    "CAP_CHOWN",
                    "CAP_DAC_OVERRIDE",
                    "CAP_FOWNER",
                    "CAP_FSETID",
                    "CAP_KILL",
                    "CAP_NET_BIND_SERVICE",
                    "CAP_SETFCAP",
                    "CAP_SETGID",
                    "CAP_SETPCAP",
                    "CAP_SETUID",
                    "CAP_SYS_CHROOT",
                ],
            },
            "noNewPrivileges": True,
            "rlimits": [{"type": "RLIMIT_NOFILE", "hard": 65536, "soft": 65536}],
        }
    )
    assert spec["linux"] == snapshot(
        {
            "namespaces": [
                {"type": "pid"},
                {"type": "ipc"},
                {"type": "uts"},
                {"type": "mount"},
                {"type": "cgroup"},
                {"type": "network", "path": "/run/netns/g"},
                {"type": "user"},
            ],
            "cgroupsPath": "/silo/i/g/g-app",
            "resources": {
                "devices": [{"allow": False, "access": "rwm"}],
                "pids": {"limit": 4096},
                "cpu": {"shares": 512, "period": 100000, "quota": 50000},
                "memory": {"limit": 268435456, "swap": 268435456, "reservation": 268435456},
            },
            "maskedPaths": [
                "/proc/acpi",
                "/proc/asound",
                "/proc/interrupts",
                "/proc/kcore",
                "/proc/keys",
                "/proc/latency_stats",
                "/proc/sched_debug",
                "/proc/scsi",
                "/proc/timer_list",
                "/proc/timer_stats",
                "/sys/devices/system/cpu/cpu0/thermal_throttle",
                "/sys/devices/virtual/powercap",
                "/sys/firmware",
            ],
            "readonlyPaths": [
                "/sys/fs/cgroup",
                "/proc/bus",
                "/proc/fs",
                "/proc/irq",
                "/proc/sys",
                "/proc/sysrq-trigger",
            ],
            "seccomp": "...",
            "uidMappings": [{"containerID": 0, "hostID": 1879048192, "size": 65536}],
            "gidMappings": [{"containerID": 0, "hostID": 1879048192, "size": 65536}],
        }
    )


def test_the_plan_wins_over_the_image():
    plan = replace(PLAN, command=("x",), environment=(("A", "plan"), ("B", "")), working_dir="tmp")
    process = build_spec(plan, IMAGE, PLACE)["process"]

    assert process["args"] == ["x"]
    assert process["env"] == ["PATH=/bin", "A=plan", "B="]
    assert process["cwd"] == "/tmp"


def test_a_user_who_is_not_root_holds_no_capabilities():
    process = build_spec(PLAN, replace(IMAGE, user="app"), PLACE)["process"]

    assert (process["user"]["uid"], process["user"]["gid"]) == (1000, 1001)
    assert process["capabilities"]["effective"] == []
    assert process["capabilities"]["permitted"] == []


def test_a_capability_over_the_machine_is_refused():
    plan = replace(PLAN, security=Security(added_capabilities=("SYS_ADMIN",)))

    with pytest.raises(ContainerRefused, match="CAP_SYS_ADMIN"):
        build_spec(plan, IMAGE, PLACE)


def test_all_capabilities_can_be_dropped():
    plan = replace(PLAN, security=Security(dropped_capabilities=("ALL",)))

    assert build_spec(plan, IMAGE, PLACE)["process"]["capabilities"]["bounding"] == []


def test_an_image_without_a_program_is_refused():
    with pytest.raises(ContainerRefused, match="no program"):
        build_spec(PLAN, replace(IMAGE, entrypoint=(), cmd=()), PLACE)


def test_a_nul_byte_is_refused():
    with pytest.raises(ContainerRefused, match="NUL"):
        build_spec(replace(PLAN, environment=(("A", "\0"),)), IMAGE, PLACE)


def test_an_outer_volume_is_mounted_before_one_inside_it():
    plan = replace(PLAN, mounts=(Mount("b", "/data/in/side"), Mount("a", "/data", read_only=True)))
    place = replace(PLACE, volumes={"a": "/srv/a", "b": "/srv/b"})
    mounts = build_spec(plan, IMAGE, place)["mounts"][-2:]

    assert [mount["destination"] for mount in mounts] == ["/data", "/data/in/side"]
    assert "ro" in mounts[0]["options"]
    assert all("idmap" in mount["options"] for mount in mounts)


def test_a_sandbox_keeps_its_own_users_and_sees_its_own_sys():
    spec = build_spec(PLAN, IMAGE, replace(PLACE, level=Level.SANDBOX, first_id=0))

    assert "uidMappings" not in spec["linux"]
    assert {"sysfs"} <= {mount["type"] for mount in spec["mounts"]}


def test_a_container_without_a_limit_may_use_what_the_group_holds():
    place = replace(PLACE, cpu=2.0, memory_bytes=1 << 30)
    resources = build_spec(PLAN, IMAGE, place)["linux"]["resources"]

    assert resources["cpu"]["quota"] == 200_000
    assert resources["cpu"]["shares"] == 512
    assert resources["memory"] == {"limit": 1 << 30, "swap": 1 << 30, "reservation": 1 << 28}


def test_secrets_are_a_path_and_never_a_value():
    plan = replace(PLAN, secrets=(("KEY", "hidden"),))
    spec = with_secrets(build_spec(plan, IMAGE, PLACE), "/opt/init", "/run/x")

    assert "hidden" not in repr(spec)
    assert spec["process"]["args"][:2] == [INIT, SECRETS]
    assert [mount["source"] for mount in spec["mounts"][-2:]] == ["/opt/init", "/run/x"]


def test_another_program_gets_the_secrets_and_a_terminal_too():
    spec = with_secrets(build_spec(PLAN, IMAGE, PLACE), "/opt/init", "/run/x")
    process = build_process(spec, ("sh",), terminal=True, env=(("A", "b"),))

    assert process["args"] == [INIT, SECRETS, "sh"]
    assert process["env"] == ["PATH=/bin", "A=b", "TERM=xterm-256color"]


def test_no_more_files_than_the_machine_allows():
    limits = with_most_files(build_spec(PLAN, IMAGE, PLACE), 1000)["process"]["rlimits"]

    assert limits == [{"type": "RLIMIT_NOFILE", "hard": 1000, "soft": 1000}]
