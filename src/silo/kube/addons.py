"""What is in every cluster from the beginning: images on its nodes, and objects in its API."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from . import app_routing, commands, metering, name_server, storage_classes
from .api import Api
from .binaries import Kit
from .certificates import Pair
from .nodes import PAUSE_IMAGE
from .paths import ClusterPaths
from .plans import ClusterPlan


def list_images(kit: Kit, plan: ClusterPlan) -> tuple[tuple[Path, str], ...]:
    """Return the programs that are images of a cluster, and the names of these."""
    return (
        (kit.pause, PAUSE_IMAGE),
        (kit.coredns, name_server.IMAGE),
        (kit.command, commands.IMAGE),
        (kit.metrics_server, metering.IMAGE),
        *(((kit.ingress, app_routing.IMAGE),) if plan.ingress else ()),
    )


async def ensure(api: Api, objects: Mapping[str, Mapping[str, Any] | None]) -> None:
    """Have objects in the API, by their paths, or have none there.

    Some may stay as their owner changed them.
    """
    for path, document in objects.items():
        if document is None:
            await api.delete(path)
            continue
        labels = document["metadata"].get("labels") or {}
        if storage_classes.ENSURE_EXISTS.items() <= labels.items() and await api.find(path):
            continue
        await api.put(path, document)


def list_objects(plan: ClusterPlan, paths: ClusterPaths) -> dict[str, Mapping[str, Any]]:
    """Return the objects by their paths, in the order in which they are made."""
    return {
        **name_server.list_objects(plan),
        **storage_classes.list_objects(),
        **app_routing.list_objects(plan.ingress),
        **metering.list_objects(Pair(paths.pki, metering.SERVICE), Pair(paths.pki, "ca")),
    }
