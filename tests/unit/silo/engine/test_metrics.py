from google.protobuf import any_pb2

from silo.engine import Stats
from silo.engine.api import cgroup1_pb2, cgroup2_pb2, metric_pb2
from silo.engine.metrics import read_metric


def pack(version, message):
    data = any_pb2.Any(
        type_url=f"io.containerd.cgroups.v{version}.Metrics", value=message.SerializeToString()
    )
    return metric_pb2.Metric(id="a", data=data)


def test_the_first_generation_is_read():
    found = cgroup1_pb2.Metrics()
    found.cpu.usage.total = 7
    found.memory.usage.usage, found.memory.total_inactive_file = 100, 30
    found.memory.usage.limit = 2**63 - 4096

    assert read_metric(pack(1, found)) == Stats(7, 70)


def test_the_second_generation_is_read():
    found = cgroup2_pb2.Metrics()
    found.cpu.usage_usec, found.cpu.throttled_usec = 7, 2
    found.memory.usage, found.memory.inactive_file, found.memory.usage_limit = 100, 30, 1000
    found.pids.current = 3

    assert read_metric(pack(2, found)) == Stats(7000, 70, 1000, 3, 2000)
