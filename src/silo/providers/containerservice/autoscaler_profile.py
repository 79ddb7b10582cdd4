"""How quickly pools grow and shrink by themselves: the cluster's ``autoScalerProfile``. Pure.

Source: https://learn.microsoft.com/azure/aks/cluster-autoscaler#cluster-autoscaler-profile-settings
"""

import re
from collections.abc import Mapping
from typing import Any

from silo import kube

from . import errors

_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_TIME = re.compile(r"(\d+)(ms|s|m|h)?")
_OBEYED: Mapping[str, str] = {
    "scan-interval": "10s",
    "new-pod-scale-up-delay": "0s",
    "scale-down-delay-after-add": "10m",
    "scale-down-unneeded-time": "10m",
    "scale-down-utilization-threshold": "0.5",
    "skip-nodes-with-local-storage": "false",
    "skip-nodes-with-system-pods": "true",
}
"""With AKS's defaults."""
_DEFAULTS: Mapping[str, str] = {
    "balance-similar-node-groups": "false",
    "daemonset-eviction-for-empty-nodes": "false",
    "daemonset-eviction-for-occupied-nodes": "true",
    "expander": "random",
    "ignore-daemonsets-utilization": "false",
    "max-empty-bulk-delete": "10",
    "max-graceful-termination-sec": "600",
    "max-node-provision-time": "15m",
    "max-total-unready-percentage": "45",
    "ok-total-unready-count": "3",
    "scale-down-delay-after-delete": "10s",
    "scale-down-delay-after-failure": "3m",
    "scale-down-unready-time": "20m",
}
"""What can be said, but only as it is without saying."""


def check_profile(given: Mapping[str, Any]) -> None:
    """Refuse what the autoscaler here would pass over."""
    path = "properties.autoScalerProfile"
    for name, value in given.items():
        if value is None:
            continue
        if name in _OBEYED:
            _require(f"{path}.{name}", name, str(value))
        elif _DEFAULTS.get(name) != str(value).lower():
            raise errors.PropertyNotSupported(f"{path}.{name}", str(value))


def read_pace(given: Mapping[str, Any] | None) -> kube.Pace:
    """Return how quickly a cluster's pools are to change."""
    said = {name: str(value) for name, value in (given or {}).items() if value is not None}
    value = {**_OBEYED, **said}
    return kube.Pace(
        scan_s=_read_time(value["scan-interval"]),
        pending_s=_read_time(value["new-pod-scale-up-delay"]),
        after_growth_s=_read_time(value["scale-down-delay-after-add"]),
        unneeded_s=_read_time(value["scale-down-unneeded-time"]),
        threshold=float(value["scale-down-utilization-threshold"]),
        keep_local=value["skip-nodes-with-local-storage"].lower() == "true",
        keep_system=value["skip-nodes-with-system-pods"].lower() == "true",
    )


def _require(path: str, name: str, value: str) -> None:
    if name.startswith("skip-"):
        valid = value.lower() in {"true", "false"}
    elif name.endswith("threshold"):
        valid = re.fullmatch(r"0(\.\d+)?|1(\.0+)?", value) is not None
    else:
        valid = _TIME.fullmatch(value) is not None
    if not valid:
        raise errors.PropertyInvalid(path, f"'{value[:20]}' is no such value")


def _read_time(text: str) -> float:
    found = _TIME.fullmatch(text)
    return float(found[1]) * _SECONDS[found[2] or "s"] if found else 0.0
