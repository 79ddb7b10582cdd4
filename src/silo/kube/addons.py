"""What is in every cluster from the beginning: images on its nodes, and objects in its API."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from . import metering, name_server
from .binaries import Kit
from .certificates import Pair
from .nodes import PAUSE_IMAGE
from .paths import ClusterPaths
from .plans import ClusterPlan


def list_images(kit: Kit) -> tuple[tuple[Path, str], ...]:
    """Return the programs that are images here, and the names of these."""
    return (
        (kit.pause, PAUSE_IMAGE),
        (kit.coredns, name_server.IMAGE),
        (kit.metrics_server, metering.IMAGE),
    )


def list_objects(plan: ClusterPlan, paths: ClusterPaths) -> dict[str, Mapping[str, Any]]:
    """Return the objects by their paths, in the order in which they are made."""
    return {
        **name_server.list_objects(plan),
        **metering.list_objects(Pair(paths.pki, metering.SERVICE), Pair(paths.pki, "ca")),
    }
