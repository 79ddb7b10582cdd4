"""What containers are told to be, judged by runtime-tools and by runtime-spec's own schema."""

import json
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from tools import strangers

from silo.engine import ContainerPlan, Level, Mount, Security
from silo.engine.containers import Image
from silo.engine.specs import Place, build_spec, with_secrets

IMAGE = Image("one.azurecr.io/a:1", "sha256:" + "0" * 64, "sha256:" + "1" * 64, ("/bin/probe",))
PLAIN = ContainerPlan("one", IMAGE.reference, cpu=0.5, memory_bytes=256 << 20)
PLANS = {
    "plain": PLAIN,
    "bounded": replace(PLAIN, cpu_limit=1.0, memory_limit_bytes=512 << 20),
    "volumes": replace(PLAIN, mounts=(Mount("a", "/mnt/a"), Mount("a", "/mnt/a/b", True))),
    "closed": replace(
        PLAIN,
        security=Security(1000, 1000, read_only_root=True, dropped_capabilities=("ALL",)),
    ),
    "wide": replace(
        PLAIN,
        security=Security(allow_privilege_escalation=True, added_capabilities=("SYS_PTRACE",)),
    ),
    "environment": replace(
        PLAIN, command=("/bin/probe", "echo", "ü", ""), environment=(("A", "b=c"), ("B", ""))
    ),
}


@pytest.mark.parametrize("level", [Level.PROCESS, Level.SANDBOX])
@pytest.mark.parametrize("name", PLANS)
@pytest.mark.parametrize("secret", [False, True], ids=["", "secret"])
def test_every_spec_is_as_the_open_container_initiative_says(
    tmp_path: Path, level: Level, name: str, secret: bool
) -> None:
    place = Place(
        *("instance", "group", "group-one", level),
        netns="/run/netns/group",
        hostname="group",
        files={"/etc/hosts": "/run/hosts"},
        volumes={"a": "/srv/a"},
        cpu=1.0,
        memory_bytes=1 << 30,
        first_id=0 if level is Level.SANDBOX else 1 << 20,
    )
    spec = build_spec(PLANS[name], IMAGE, place)
    if secret:
        spec = with_secrets(spec, "/opt/init", "/run/secrets")
    (tmp_path / "rootfs").mkdir()
    (tmp_path / "config.json").write_text(json.dumps(spec))

    program = strangers.specs_path()
    schema = program.parent / "schema"
    judged = subprocess.run(
        [program, schema, tmp_path], capture_output=True, text=True, check=False
    )

    assert (judged.returncode, judged.stdout) == (0, ""), judged.stderr


def test_what_is_wrong_is_told(tmp_path: Path) -> None:
    spec = build_spec(PLAIN, IMAGE, Place("instance", "group", "one", Level.PROCESS, netns="/n"))
    spec["process"] = {**spec["process"], "cwd": "here", "args": []}
    (tmp_path / "config.json").write_text(json.dumps(spec))

    program = strangers.specs_path()
    judge = [program, program.parent / "schema", tmp_path]
    judged = subprocess.run(judge, capture_output=True, text=True, check=False)

    assert judged.returncode == 1
    assert "cwd" in judged.stdout
