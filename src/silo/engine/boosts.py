"""Processor time that a sandbox gets while something is starting in it, beyond its group's share.

A kernel in user space needs a quarter of a second of a core to come up. Under the quota of a small
group that would take ten seconds; so its quota is a whole core until its program has started.
"""

from typing import Any

from . import cgroups
from .specs import PERIOD_US

START_US = PERIOD_US
"""What each sandbox has in each period at least while it starts."""


class Boosts:
    """The sandboxes that have more than their share at present."""

    def __init__(self) -> None:
        self._held: dict[str, tuple[str, int]] = {}

    def begin(self, container_id: str, path: str, limits: dict[str, Any]) -> None:
        """Give the control group of a sandbox what a start needs; the container is about to."""
        quota = limits.get("cpu", {}).get("quota", START_US)
        if quota < START_US:
            self._held[container_id] = path, quota
            cgroups.set_quota(path, START_US, PERIOD_US)

    def end(self, container_id: str) -> None:
        """Put the quota in force: the container has started, or will not. Repeatable."""
        if container_id in self._held:
            path, quota = self._held.pop(container_id)
            cgroups.set_quota(path, quota, PERIOD_US)
