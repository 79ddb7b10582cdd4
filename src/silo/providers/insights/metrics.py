"""Metrics of container groups: what there are, and their values over time.

Source: https://learn.microsoft.com/rest/api/monitor/metrics/list (2018-01-01).
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import unquote

from silo import arm, core

from .errors import MetricRequestRefused
from .metric_catalogue import (
    AGGREGATIONS,
    DIMENSION,
    GRAINS,
    METRICS,
    NAMESPACE,
    Metric,
    render_definition,
)
from .metric_samples import Bucket, list_buckets, to_minute

_INSIGHTS = "Microsoft.Insights"
_DEFAULT_SPAN = timedelta(hours=1)
_MOST_POINTS = 50_000
"""Points of one answer; a month by the minute is 44,640."""
_MOST_SERIES = 100
_CLAUSE = rf"\s*{DIMENSION}\s+eq\s+'[^']{{1,100}}'\s*"
_FILTER = re.compile(rf"{_CLAUSE}(?:\bor\b{_CLAUSE}){{0,20}}", re.IGNORECASE)
_VALUE = re.compile(r"'([^']*)'")


@dataclass(frozen=True, slots=True)
class _Question:
    metrics: tuple[Metric, ...]
    since: datetime
    until: datetime
    grain: str
    aggregations: tuple[str, ...]
    keeps: Callable[[str], bool] | None
    """Which containers; None does not tell them apart."""
    most_series: int
    values: bool


@dataclass(frozen=True, slots=True)
class Metrics:
    """The handlers of metrics."""

    store: core.Store
    resources: arm.Resources
    monitor: core.Store
    days: int
    """How far back the values go."""

    def list_operations(self) -> tuple[arm.Operation, ...]:
        """Return the routes."""
        routes = (
            ("Metrics/Read", "metrics", self.list_metrics),
            ("MetricDefinitions/Read", "metricDefinitions", self.list_definitions),
            ("Metricnamespaces/Read", "metricNamespaces", self.list_namespaces),
        )
        return tuple(
            arm.Operation(
                f"{_INSIGHTS}/{name}",
                "GET",
                f"{{scope}}/providers/{_INSIGHTS}/{path}",
                handler,
                permission_scope=lambda match: match.scope,
                coverage="partly: container groups alone",
            )
            for name, path, handler in routes
        )

    async def list_definitions(self, _call: arm.Call, match: arm.Match, _body: Any) -> arm.Reply:
        """List the metrics that a resource has."""
        group = self._get_group(match.scope)
        value = [render_definition(each, group.id.text, self.days) for each in METRICS.values()]
        return arm.Reply(200, {"value": value})

    async def list_namespaces(self, _call: arm.Call, match: arm.Match, _body: Any) -> arm.Reply:
        """List the namespaces of a resource's metrics: the one of its type."""
        group = self._get_group(match.scope)
        namespace = {
            "id": f"{group.id}/providers/{_INSIGHTS}/metricNamespaces/{NAMESPACE}",
            "type": f"{_INSIGHTS}/metricNamespaces",
            "name": NAMESPACE,
            "properties": {"metricNamespaceName": NAMESPACE},
        }
        return arm.Reply(200, {"value": [namespace]})

    async def list_metrics(self, call: arm.Call, match: arm.Match, _body: Any) -> arm.Reply:
        """List the values of some metrics of a resource."""
        group = self._get_group(match.scope)
        question = _read_question(call)

        def read(conn: core.Connection) -> list[dict[str, Any]]:
            return [_render_metric(conn, question, metric, group) for metric in question.metrics]

        minutes = to_minute(question.until) - to_minute(question.since)
        body = {
            "cost": minutes * len(question.metrics),
            "timespan": f"{_render(question.since)}/{_render(question.until)}",
            "interval": question.grain,
            "namespace": NAMESPACE,
            "resourceregion": group.location,
            "value": await self.monitor.read(read),
        }
        return arm.Reply(200, body)

    def _get_group(self, scope: str) -> arm.Resource:
        id_ = arm.parse_resource_id(scope)
        resource = self.store.read_now(lambda conn: self.resources.get(conn, id_))
        if resource.id.full_type.casefold() != NAMESPACE.casefold():
            raise MetricRequestRefused(
                f"{resource.id.full_type} is not a supported platform metric namespace, supported "
                f"ones are {NAMESPACE}"
            )
        return resource


def _render_metric(
    conn: core.Connection, question: _Question, metric: Metric, group: arm.Resource
) -> dict[str, Any]:
    body: dict[str, Any] = {
        "id": f"{group.id}/providers/{_INSIGHTS}/metrics/{metric.name}",
        "type": f"{_INSIGHTS}/metrics",
        "name": {"value": metric.name, "localizedValue": metric.title},
        "displayDescription": metric.description,
        "unit": metric.unit,
        "timeseries": [],
        "errorCode": "Success",
    }
    found = list_buckets(conn, group.uid, metric.name, question.since, question.until)
    if question.keeps is None:
        if found:
            body["timeseries"] = [_render_series(question, found, None)]
        return body
    names = sorted({each.container for each in found if question.keeps(each.container)})
    body["timeseries"] = [
        _render_series(question, [each for each in found if each.container == name], name)
        for name in names[: question.most_series]
    ]
    return body


def _render_series(
    question: _Question, found: Sequence[Bucket], container: str | None
) -> dict[str, Any]:
    label = {"value": DIMENSION.lower(), "localizedValue": DIMENSION.lower()}
    series: dict[str, Any] = {
        "metadatavalues": [] if container is None else [{"name": label, "value": container}]
    }
    if not question.values:
        return series
    grain = timedelta(minutes=GRAINS[question.grain])
    parts: dict[int, list[Bucket]] = {}
    for each in found:
        parts.setdefault((each.start - question.since) // grain, []).append(each)
    data = []
    for number in range(-(-(question.until - question.since) // grain)):
        point: dict[str, Any] = {"timeStamp": _render(question.since + number * grain)}
        if number in parts:
            point.update(_aggregate(parts[number], question.aggregations))
        data.append(point)
    series["data"] = data
    return series


def _aggregate(part: Sequence[Bucket], wanted: Sequence[str]) -> dict[str, float]:
    count, total = sum(each.count for each in part), sum(each.total for each in part)
    values = {
        "Average": total / count,
        "Minimum": min(each.least for each in part),
        "Maximum": max(each.most for each in part),
        "Total": total,
        "Count": float(count),
    }
    return {name.lower(): values[name] for name in wanted}


def _render(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _read_question(call: arm.Call) -> _Question:
    query = call.query
    namespace = unquote(query.get("metricnamespace", "")) or NAMESPACE
    if namespace.casefold() != NAMESPACE.casefold():
        raise MetricRequestRefused(
            f"The metric namespace '{namespace[:100]}' is not available for this resource."
        )
    metrics = _read_metrics(query.get("metricnames", ""))
    grain = _read_grain(query.get("interval", ""))
    since, until = _read_timespan(query.get("timespan", ""), call.now)
    minutes = to_minute(until) - to_minute(since)
    if minutes * len(metrics) > _MOST_POINTS * GRAINS[grain]:
        raise MetricRequestRefused(
            "The timespan has too many points at this interval; ask for a longer interval."
        )
    keeps = _read_filter(query.get("$filter", ""))
    if keeps is not None:
        for each in metrics:
            if not each.per_container:
                raise MetricRequestRefused(
                    f"Metric: {each.name} does not support requested dimension combination: "
                    f"{DIMENSION.lower()}, supported ones are: "
                )
    result = query.get("resulttype", "").casefold()
    if result not in {"", "data", "metadata"}:
        raise MetricRequestRefused("resultType must be Data or Metadata.")
    return _Question(
        metrics,
        since,
        until,
        grain,
        _read_aggregations(query.get("aggregation", "")),
        keeps,
        _read_top(query),
        result != "metadata",
    )


def _read_metrics(text: str) -> tuple[Metric, ...]:
    names = [name.strip() for name in unquote(text).split(",") if name.strip()]
    if not names:
        return (METRICS["cpuusage"],)
    unknown = [name for name in names if name.casefold() not in METRICS]
    if unknown:
        valid = ",".join(each.name for each in METRICS.values())
        raise MetricRequestRefused(
            "Failed to find metric configuration for provider: Microsoft.ContainerInstance, "
            f"resource Type: containerGroups, metric: {unknown[0][:100]}, Valid metrics: {valid}"
        )
    return tuple({name.casefold(): METRICS[name.casefold()] for name in names}.values())


def _read_grain(text: str) -> str:
    grain = unquote(text).strip().upper() or "PT1M"
    grain = {"P0DT1H": "PT1H", "PT60M": "PT1H", "PT24H": "P1D"}.get(grain, grain)
    if grain not in GRAINS:
        raise MetricRequestRefused(
            f"Invalid time grain duration: {text[:50]}, supported ones are: {', '.join(GRAINS)}"
        )
    return grain


def _read_timespan(text: str, now: datetime) -> tuple[datetime, datetime]:
    """Read an interval; az encodes it twice, so it comes here encoded once (azure-wire 7.3)."""
    if not text:
        return (now - _DEFAULT_SPAN).replace(second=0, microsecond=0), now
    first, _, second = unquote(text).strip().partition("/")
    try:
        since, until = core.parse_time(first), core.parse_time(second)
    except ValueError:
        raise MetricRequestRefused(
            f"Detected invalid time interval input: {text[:100]}, supported inputs: start/end of "
            "ISO 8601 times"
        ) from None
    if since >= until:
        raise MetricRequestRefused("The start of the timespan must be before its end.")
    return since.replace(second=0, microsecond=0), until


def _read_aggregations(text: str) -> tuple[str, ...]:
    known = {name.casefold(): name for name in AGGREGATIONS}
    names = [name.strip().casefold() for name in unquote(text).split(",") if name.strip()]
    unknown = [name for name in names if name not in known]
    if unknown:
        raise MetricRequestRefused(
            f"Invalid aggregation: {unknown[0][:50]}, supported ones are: {', '.join(AGGREGATIONS)}"
        )
    return tuple(dict.fromkeys(known[name] for name in names)) or ("Average",)


def _read_filter(text: str) -> Callable[[str], bool] | None:
    if not text.strip():
        return None
    text = unquote(text)
    if _FILTER.fullmatch(text) is None:
        raise MetricRequestRefused(
            f"Invalid filter: {text[:100]}; it must be {DIMENSION} eq '<name>', or several such "
            "with or, or with '*'."
        )
    names = {name.casefold() for name in _VALUE.findall(text)}
    return lambda name: "*" in names or name.casefold() in names


def _read_top(query: Mapping[str, str]) -> int:
    text = query.get("top", "") or query.get("$top", "")
    if not text:
        return _MOST_SERIES
    if not text.isascii() or not text.isdigit() or not int(text[:9]) >= 1:
        raise MetricRequestRefused("top must be a number above zero.")
    return min(int(text[:9]), _MOST_SERIES)
