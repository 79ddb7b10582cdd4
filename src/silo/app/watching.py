"""Hands the engine's logs, events and counters to those who keep them."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from silo import arm, core, engine
from silo.providers import insights, operationalinsights
from silo.settings import Settings

_GROUPS = "Microsoft.ContainerInstance/containerGroups"


@dataclass(frozen=True, slots=True)
class LogFiles:
    """The containers' log files as the collector reads them."""

    locate: Callable[[str, str], Path]
    """Uid of a group and name of a container to the newest file."""

    def read_lines(
        self, uid: str, container: str, position: str, limit: int
    ) -> Sequence[operationalinsights.Line]:
        """Return whole lines after a position; blocks."""
        found = engine.read_tail(self.locate(uid, container), position, limit)
        return [
            operationalinsights.Line(
                each.line.time, each.line.stream, each.line.text, each.position
            )
            for each in found
        ]


@dataclass(frozen=True, slots=True)
class EngineMeter:
    """The engine's counters as the sampler reads them."""

    runtime: engine.Runtime
    networks: engine.Networks

    async def read(self) -> Sequence[insights.Reading]:
        """Return a reading of every running container, and of every group's network."""
        stats = await self.runtime.list_stats()
        if not stats:
            return ()
        found = {each.id: each for each in await self.runtime.list_containers()}
        readings, groups = [], set[str]()
        for container_id, used in stats.items():
            known = found.get(container_id)
            if known is None or not known.group:
                continue
            groups.add(known.group)
            if known.name:
                counters = {"cpu_ns": used.cpu_ns}
                memory = used.memory_bytes
                readings.append(insights.Reading(known.group, known.name, counters, memory))
        for uid in sorted(groups):
            try:
                traffic = await self.networks.counters(uid)
            except (core.SiloError, OSError):
                continue  # it was detached a moment ago
            counters = {"received_bytes": traffic.received, "transmitted_bytes": traffic.sent}
            readings.append(insights.Reading(uid, "", counters))
        return readings


def make_list_subjects(
    resources: arm.Resources,
) -> Callable[[core.Connection], Iterable[operationalinsights.Subject]]:
    """Return what tells whose output goes to which workspace."""

    def list_subjects(conn: core.Connection) -> Iterable[operationalinsights.Subject]:
        for group in resources.list(conn, arm.parse_resource_id("/"), _GROUPS):
            workspace = _find_workspace(group)
            if workspace:
                yield from _list_of_group(conn, group, workspace)

    return list_subjects


def _find_workspace(group: arm.Resource) -> str:
    diagnostics: Mapping[str, Any] = group.properties.get("diagnostics") or {}
    analytics: Mapping[str, Any] = diagnostics.get("logAnalytics") or {}
    return str(analytics.get("workspaceId") or "").lower()


def _list_of_group(
    conn: core.Connection, group: arm.Resource, workspace: str
) -> Iterable[operationalinsights.Subject]:
    view = engine.read_view(conn, group.uid)
    if view is None:
        return

    def make(name: str, image: str, events: Iterable[engine.Event]) -> operationalinsights.Subject:
        source = operationalinsights.Source(
            workspace=workspace,
            uid=group.uid,
            container=name,
            resource_id=group.id.text,
            container_group=group.id.name,
            image=image,
            location=group.location,
            subscription=group.id.subscription,
            resource_group=group.id.group,
        )
        return operationalinsights.Subject(source, tuple(map(_describe, events)))

    yield make("", "", view.events)
    for kind in ("initContainers", "containers"):
        for container in group.properties.get(kind) or ():
            seen = view.find(container["name"])
            image = str(container["properties"].get("image") or "")
            yield make(container["name"], image, seen.events if seen else ())


def _describe(event: engine.Event) -> operationalinsights.Occurrence:
    return operationalinsights.Occurrence(
        event.name, event.type, event.message, event.count, event.first, event.last
    )


def open_collector(
    settings: Settings,
    clock: core.Clock,
    resources: arm.Resources,
    monitor: core.Store,
) -> operationalinsights.Collector:
    """Return what brings logs and events into the workspaces."""
    paths = engine.Paths.of_instance(settings.state, settings.id)
    return operationalinsights.Collector(
        store=resources.store,
        monitor=monitor,
        clock=clock,
        reader=LogFiles(lambda uid, name: engine.locate_log(paths, uid, name)),
        list_subjects=make_list_subjects(resources),
        most_bytes=settings.workspace_bytes,
    )


def open_sampler(
    settings: Settings,
    clock: core.Clock,
    monitor: core.Store,
    runtime: engine.Runtime,
    networks: engine.Networks,
) -> insights.Sampler:
    """Return what measures the containers."""
    return insights.Sampler(
        monitor=monitor,
        clock=clock,
        meter=EngineMeter(runtime, networks),
        period_s=settings.metrics_period_s,
        days=settings.metrics_days,
        most_rows=settings.metrics_rows,
    )
