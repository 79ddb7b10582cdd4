"""``GET /metrics`` on the management host: the present of every group, as Prometheus reads it.

Closed like everything else: who asks shows a token for the management plane (Prometheus gets one
by itself, with ``oauth2`` in its scrape configuration) and sees the groups that it may read.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping, MutableMapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from silo import access, arm, core, engine

from .metric_catalogue import NAMESPACE
from .metric_samples import Latest, list_latest

PATH = "/metrics"
READ = "Microsoft.Insights/Metrics/Read"
_PRESENT = timedelta(minutes=3)
"""What was not measured for so long does not run."""
_LABELS = ("subscription", "resource_group", "container_group")
_GAUGES = {
    "CpuUsage": ("silo_container_cpu_cores", "Cores in use.", 0.001),
    "MemoryUsage": ("silo_container_memory_bytes", "Memory in use.", 1.0),
    "NetworkBytesReceivedPerSecond": (
        "silo_container_group_receive_bytes_per_second",
        "Bytes that the group receives each second.",
        1.0,
    ),
    "NetworkBytesTransmittedPerSecond": (
        "silo_container_group_transmit_bytes_per_second",
        "Bytes that the group sends each second.",
        1.0,
    ),
}

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class _Group:
    resource: arm.Resource
    view: engine.GroupView | None

    @property
    def labels(self) -> tuple[str, str, str]:
        id_ = self.resource.id
        return (id_.subscription, id_.group, id_.name)


@dataclass(frozen=True, slots=True)
class Exposition:
    """An ASGI application before another: it answers one path and hands on all others."""

    behind: Application
    resources: arm.Resources
    monitor: core.Store
    authorizer: access.Authorizer
    authenticate: Callable[[str], access.Principal]

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Answer ``/metrics``."""
        if scope["path"] != PATH:
            await self.behind(scope, receive, send)
            return
        try:
            status, text, headers = 200, await self._answer(scope), {}
        except arm.ArmError as error:
            status, text, headers = error.status, f"{error.code}: {error}\n".encode(), error.headers
            if isinstance(error, arm.AuthenticationFailed):
                headers = {**headers, "www-authenticate": "Bearer"}
        except core.StoreUnavailable as error:
            status, text, headers = 503, f"{error}\n".encode(), {}
        kind = CONTENT_TYPE_LATEST if status == 200 else "text/plain; charset=utf-8"  # noqa: PLR2004 - OK
        told = {"content-type": kind, "content-length": str(len(text)), **headers}
        lines = [
            (name.encode(), value.encode("latin-1", "replace")) for name, value in told.items()
        ]
        await send({"type": "http.response.start", "status": status, "headers": lines})
        body = b"" if scope["method"] == "HEAD" else text
        await send({"type": "http.response.body", "body": body})

    async def _answer(self, scope: Mapping[str, Any]) -> bytes:
        principal = self._check_caller(scope)
        if scope["method"] not in {"GET", "HEAD"}:
            raise _MethodNotAllowed("Only GET and HEAD.", headers={"allow": "GET, HEAD"})
        if not self.authorizer.decide_anywhere(principal, READ).allowed:
            raise arm.AuthorizationFailed(principal.name, principal.object_id, READ, access.ROOT)

        def keep(resource: arm.Resource) -> bool:
            return self.authorizer.decide(principal, READ, resource.id.text).allowed

        groups = self.resources.store.read_now(lambda conn: self._list_groups(conn, keep))
        since = self.resources.clock.now() - _PRESENT
        latest = self.monitor.read_now(lambda conn: list_latest(conn, since))
        return await asyncio.to_thread(_render, groups, latest)

    def _check_caller(self, scope: Mapping[str, Any]) -> access.Principal:
        header = next((v for k, v in scope["headers"] if k == b"authorization"), b"")
        scheme, _, token = header.decode("latin-1").partition(" ")
        if scheme.casefold() != "bearer" or not token.strip():
            raise arm.AuthenticationFailed("Authentication failed. A bearer token is needed.")
        return self.authenticate(token.strip())

    def _list_groups(
        self, conn: core.Connection, keep: Callable[[arm.Resource], bool]
    ) -> dict[str, _Group]:
        every = self.resources.list(conn, arm.parse_resource_id("/"), NAMESPACE)
        return {
            each.uid: _Group(each, engine.read_view(conn, each.uid)) for each in every if keep(each)
        }


class _MethodNotAllowed(arm.ArmError):
    status = 405
    code = "MethodNotAllowed"


@dataclass(frozen=True, slots=True, eq=False)
class _Present:
    """What the library collects when it renders."""

    groups: Mapping[str, _Group]
    latest: list[Latest]

    def collect(self) -> Iterator[Metric]:
        """Yield every family."""
        for metric, (name, text, scale) in _GAUGES.items():
            per_container = metric in {"CpuUsage", "MemoryUsage"}
            labels = (*_LABELS, "container") if per_container else _LABELS
            gauge = GaugeMetricFamily(name, text, labels=labels)
            for each in self.latest:
                group = self.groups.get(each.uid)
                if group is not None and each.metric == metric:
                    own = (*group.labels, each.container) if per_container else group.labels
                    gauge.add_metric(own, each.value * scale)
            yield gauge
        yield from self._collect_states()

    def _collect_states(self) -> Iterator[Metric]:
        states = GaugeMetricFamily(
            "silo_container_group_state", "1 for the state it is in.", labels=(*_LABELS, "state")
        )
        restarts = CounterMetricFamily(
            "silo_container_restarts",
            "Times that a container was started again.",
            labels=(*_LABELS, "container"),
        )
        for group in self.groups.values():
            if group.view is None:
                continue
            for state in engine.GroupState:
                states.add_metric((*group.labels, state.value), float(state is group.view.state))
            for container in group.view.containers:
                restarts.add_metric((*group.labels, container.name), container.restart_count)
        yield states
        yield restarts


def _render(groups: Mapping[str, _Group], latest: list[Latest]) -> bytes:
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Present(groups, latest))
    return generate_latest(registry)
