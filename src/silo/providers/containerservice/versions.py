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
            # To another version no cluster can be brought here yet.
            "patchVersions": {patch: {"upgrades": []} for patch in patches},
        }
        for minor, patches in minors.items()
    ]


def count_version(version: str) -> tuple[int, ...]:
    """Return a version as numbers, which are in order."""
    return tuple(map(int, version.split(".")))
