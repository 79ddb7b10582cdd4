import json

import pytest

from silo.engine.errors import ContainerRefused
from silo.engine.seccomp import render_seccomp


def names(profile):
    return {
        name
        for rule in profile["syscalls"]
        if rule["action"] == "SCMP_ACT_ALLOW"
        for name in rule["names"]
    }


def test_everything_is_refused_that_is_not_listed():
    profile = render_seccomp((), machine="x86_64")

    assert profile["defaultAction"] == "SCMP_ACT_ERRNO"
    assert not {"mount", "unshare", "setns", "bpf", "kexec_load", "add_key"} & names(profile)
    assert {"read", "openat", "execve"} <= names(profile)


def test_a_capability_brings_its_calls():
    assert "mount" in names(render_seccomp(("CAP_SYS_ADMIN",), machine="x86_64"))


def test_each_architecture_has_its_calls():
    assert "arch_prctl" in names(render_seccomp((), machine="x86_64"))
    assert "arch_prctl" not in names(render_seccomp((), machine="aarch64"))


def test_clone3_does_not_exist_so_that_clone_is_asked():
    rules = render_seccomp((), machine="x86_64")["syscalls"]
    (rule,) = [rule for rule in rules if "clone3" in rule["names"]]

    assert rule["errnoRet"] == 38


def test_a_customers_profile_takes_away():
    denied = {
        "defaultAction": "SCMP_ACT_ALLOW",
        "syscalls": [{"names": ["chmod"], "action": "SCMP_ACT_ERRNO"}],
    }
    profile = render_seccomp((), json.dumps(denied), "x86_64")

    assert "chmod" not in names(profile)
    assert "fchmod" in names(profile)


def test_a_customers_profile_gives_nothing():
    wide = json.dumps({"defaultAction": "SCMP_ACT_ALLOW"})
    listed = {
        "defaultAction": "SCMP_ACT_ERRNO",
        "syscalls": [{"name": "mount", "action": "SCMP_ACT_ALLOW"}],
    }

    assert "mount" not in names(render_seccomp((), wide, "x86_64"))
    assert names(render_seccomp((), json.dumps(listed), "x86_64")) == set()


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"defaultAction": "x"}', '{"defaultAction": []}', "[" * 100_000]
)
def test_an_unreadable_profile_is_refused(text):
    with pytest.raises(ContainerRefused):
        render_seccomp((), text, "x86_64")
