"""Which system calls a container may make; the names are data (seccomp.json).

Source: containerd's default profile · runtime-spec, config-linux.md §seccomp.
A customer's own profile may only take away: what the default refuses stays refused.
"""

import json
import platform
from collections.abc import Collection, Iterable, Mapping
from functools import lru_cache
from importlib.resources import files
from typing import Any

from .errors import ContainerRefused

_ALLOW = "SCMP_ACT_ALLOW"
_ERRNO = "SCMP_ACT_ERRNO"
_ENOSYS = 38
_NEW_NAMESPACES = 0x7E020000
"""CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET."""
_SOCKETS = (1, 2, 10, 16, 17)
"""AF_UNIX, INET, INET6, NETLINK, PACKET; the kernel's other families are old and little read."""
_PERSONALITIES = (0x0, 0x8, 0x20000, 0x20008, 0xFFFFFFFF)
_PERMISSIVE = {_ALLOW, "SCMP_ACT_LOG"}
_DENYING = {
    *(_ERRNO, "SCMP_ACT_KILL", "SCMP_ACT_KILL_PROCESS", "SCMP_ACT_KILL_THREAD"),
    *("SCMP_ACT_TRAP", "SCMP_ACT_TRACE"),
}
_ARCHITECTURES = {
    # Without x32, which kernels are built without: a third of the filter, half the time to make it.
    "x86_64": ("amd64", ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86"]),
    "aarch64": ("arm64", ["SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM"]),
}
LONGEST = 256 * 1024
"""Bytes of a customer's profile; Docker's own has 15 000."""


def render_seccomp(
    capabilities: Iterable[str], profile: str | None = None, machine: str = ""
) -> dict[str, Any]:
    """Return ``linux.seccomp`` for a process that may hold these capabilities.

    Raises:
        ContainerRefused: the customer's profile cannot be read.

    """
    name, architectures = _ARCHITECTURES.get(machine or platform.machine(), ("", []))
    rules = _default_rules(set(capabilities), name)
    if profile is not None:
        rules = _restrict(rules, profile)
    return {
        "defaultAction": _ERRNO,
        "defaultErrnoRet": 1,
        "architectures": architectures,
        "syscalls": rules,
    }


def _default_rules(capabilities: Collection[str], architecture: str) -> list[dict[str, Any]]:
    data = _read_data()
    names = {*data["always"], *data["architectures"].get(architecture, ())}
    for capability in capabilities:
        names.update(data["capabilities"].get(capability, ()))
    rules = [
        {"names": sorted(names), "action": _ALLOW},
        *(_when("socket", 0, family) for family in _SOCKETS),
        *(_when("personality", 0, value) for value in _PERSONALITIES),
    ]
    if "CAP_SYS_ADMIN" not in capabilities:
        clone = {"index": 0, "value": _NEW_NAMESPACES, "valueTwo": 0, "op": "SCMP_CMP_MASKED_EQ"}
        rules += [
            {"names": ["clone"], "action": _ALLOW, "args": [clone]},
            # Its flags lie behind a pointer; told that it does not exist, libc falls back to clone.
            {"names": ["clone3"], "action": _ERRNO, "errnoRet": _ENOSYS},
        ]
    return rules


def _when(name: str, index: int, value: int) -> dict[str, Any]:
    argument = {"index": index, "value": value, "op": "SCMP_CMP_EQ"}
    return {"names": [name], "action": _ALLOW, "args": [argument]}


def _restrict(rules: list[dict[str, Any]], text: str) -> list[dict[str, Any]]:
    """Return the default's rules without the calls that the customer's profile does not allow."""
    default, listed = _parse(text)
    allowed = {name for name, action in listed if action in _PERMISSIVE}
    denied = {name for name, action in listed if action in _DENYING}

    def stays(name: str) -> bool:
        return name not in denied if default in _PERMISSIVE else name in allowed

    restricted = [
        {**rule, "names": [name for name in rule["names"] if stays(name)]}
        if rule["action"] == _ALLOW
        else rule
        for rule in rules
    ]
    return [rule for rule in restricted if rule["names"]]


def _parse(text: str) -> tuple[str, list[tuple[str, str]]]:
    if len(text) > LONGEST:
        raise ContainerRefused("The seccomp profile is too long.")
    try:
        document: Mapping[str, Any] = json.loads(text)
        default = str(document["defaultAction"])
        listed = [
            (str(name), str(rule["action"]))
            for rule in document.get("syscalls") or ()
            for name in rule.get("names") or [rule["name"]]
        ]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ContainerRefused("The seccomp profile cannot be read.") from error
    unknown = {default, *(action for _, action in listed)} - _PERMISSIVE - _DENYING
    if unknown:
        raise ContainerRefused(f"The seccomp profile has unknown actions: {sorted(unknown)}.")
    return default, listed


@lru_cache(maxsize=1)
def _read_data() -> dict[str, Any]:
    document: dict[str, Any] = json.loads((files(__package__) / "seccomp.json").read_text())
    return document
