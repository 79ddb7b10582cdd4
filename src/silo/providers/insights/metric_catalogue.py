"""The metrics of container groups, as Azure names and describes them.

Source: https://learn.microsoft.com/azure/azure-monitor/reference/supported-metrics/
microsoft-containerinstance-containergroups-metrics
"""

from dataclasses import dataclass
from typing import Any

NAMESPACE = "Microsoft.ContainerInstance/containerGroups"
DIMENSION = "containerName"
AGGREGATIONS = ("Average", "Minimum", "Maximum", "Total", "Count")
GRAINS = {
    "PT1M": 1,
    "PT5M": 5,
    "PT15M": 15,
    "PT30M": 30,
    "PT1H": 60,
    "PT6H": 360,
    "PT12H": 720,
    "P1D": 1440,
}
"""Intervals in minutes."""


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric."""

    name: str
    title: str
    description: str
    unit: str
    per_container: bool


METRICS = {
    each.name.casefold(): each
    for each in (
        Metric("CpuUsage", "CPU Usage", "CPU usage on all cores in millicores.", "Count", True),
        Metric("MemoryUsage", "Memory Usage", "Total memory usage in byte.", "Bytes", True),
        Metric(
            "NetworkBytesReceivedPerSecond",
            "Network Bytes Received Per Second",
            "The network bytes received per second.",
            "Bytes",
            False,
        ),
        Metric(
            "NetworkBytesTransmittedPerSecond",
            "Network Bytes Transmitted Per Second",
            "The network bytes transmitted per second.",
            "Bytes",
            False,
        ),
    )
}


def render_definition(metric: Metric, resource_id: str, days: int) -> dict[str, Any]:
    """Return the definition of a metric for one resource."""
    definition: dict[str, Any] = {
        "id": f"{resource_id}/providers/Microsoft.Insights/metricDefinitions/{metric.name}",
        "resourceId": resource_id,
        "namespace": NAMESPACE,
        "name": {"value": metric.name, "localizedValue": metric.title},
        "displayDescription": metric.description,
        "isDimensionRequired": False,
        "unit": metric.unit,
        "primaryAggregationType": "Average",
        "supportedAggregationTypes": list(AGGREGATIONS),
        "metricAvailabilities": [
            {"timeGrain": grain, "retention": f"P{days}D"} for grain in GRAINS
        ],
    }
    if metric.per_container:
        definition["dimensions"] = [{"value": DIMENSION, "localizedValue": DIMENSION}]
    return definition
