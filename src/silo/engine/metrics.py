"""What containers use, from containerd's metrics; the kernel's two generations look different."""

from .api import cgroup1_pb2, cgroup2_pb2, metric_pb2
from .containers import Stats

_UNLIMITED = 2**62
"""The first generation says 'no limit' with the largest number of pages."""


def read_metric(metric: metric_pb2.Metric) -> Stats:
    """Return one container's usage."""
    if metric.data.type_url.rpartition("/")[2] == "io.containerd.cgroups.v2.Metrics":
        return _read_second(cgroup2_pb2.Metrics.FromString(metric.data.value))
    return _read_first(cgroup1_pb2.Metrics.FromString(metric.data.value))


def _read_first(found: cgroup1_pb2.Metrics) -> Stats:
    memory = found.memory
    return Stats(
        cpu_ns=found.cpu.usage.total,
        memory_bytes=max(0, memory.usage.usage - memory.total_inactive_file),
        memory_limit_bytes=_limit(memory.usage.limit),
        processes=found.pids.current,
        throttled_ns=found.cpu.throttling.throttled_time,
    )


def _read_second(found: cgroup2_pb2.Metrics) -> Stats:
    return Stats(
        cpu_ns=found.cpu.usage_usec * 1000,
        memory_bytes=max(0, found.memory.usage - found.memory.inactive_file),
        memory_limit_bytes=_limit(found.memory.usage_limit),
        processes=found.pids.current,
        throttled_ns=found.cpu.throttled_usec * 1000,
    )


def _limit(value: int) -> int | None:
    return value if 0 < value < _UNLIMITED else None
