"""Which versions of Kubernetes there are, and which one a request means. Pure."""

from collections.abc import Iterable
from typing import Any


def sort_versions(versions: Iterable[str]) -> list[str]:
    """Return versions, the newest first."""
    return sorted(versions, key=count_version, reverse=True)


def find_version(wanted: str, known: Iterable[str]) -> str | None:
    """Return the version that is meant: nothing is the newest, a minor its newest patch."""
    ordered = sort_versions(known)
    if not wanted:
        return next(iter(ordered), None)
    fitting = (one for one in ordered if one == wanted or one.startswith(f"{wanted}."))
    return next(fitting, None) if wanted.count(".") >= 1 else None


def list_upgrades(current: str, known: Iterable[str]) -> list[str]:
    """Return what a control plane of this version can be brought to, the newest first."""
    now = count_version(current)
    return [
        one
        for one in sort_versions(known)
        if count_version(one) > now and _is_near(now, count_version(one))
    ]


def render_versions(known: Iterable[str]) -> list[dict[str, Any]]:
    """Return the answer of ``kubernetesVersions``."""
    ordered = sort_versions(known)
    minors: dict[str, list[str]] = {}
    for one in ordered:
        minors.setdefault(one.rpartition(".")[0], []).append(one)
    return [
        {
            "version": minor,
            "isDefault": ordered[0] in patches,
            "isPreview": None,
            "capabilities": {"supportPlan": ["KubernetesOfficial"]},
            "patchVersions": {
                patch: {"upgrades": list_upgrades(patch, ordered)} for patch in patches
            },
        }
        for minor, patches in minors.items()
    ]


def count_version(version: str) -> tuple[int, ...]:
    """Return a version as numbers, which are in order."""
    return tuple(map(int, version.split(".")))


def _is_near(now: tuple[int, ...], then: tuple[int, ...]) -> bool:
    return now[0] == then[0] and then[1] - now[1] <= 1
