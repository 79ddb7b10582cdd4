import pytest

from silo import kube
from silo.kube import machine_files


@pytest.fixture
def processors(tmp_path):
    path = tmp_path / "cpuinfo"
    path.write_text("".join(f"processor\t: {number}\nflags\t: a\n\n" for number in range(4)))
    return path


@pytest.mark.parametrize(
    ("cores", "shown", "online"), [(1.0, 1, "0\n"), (1.5, 2, "0-1\n"), (4.0, 4, "0-3\n")]
)
def test_node_is_shown_its_cores(processors, cores, shown, online):
    files = machine_files.describe(kube.Size(cores, 1 << 30), processors)

    assert files["cpuinfo"].count("processor") == shown
    assert files["online"] == online


def test_node_is_shown_its_memory_and_no_swap(processors):
    shown = machine_files.describe(kube.Size(1.0, 3 << 30), processors)["meminfo"]

    values = {line.split()[0]: line.split()[1:] for line in shown.splitlines()}
    assert values["MemTotal:"] == [str(3 << 20), "kB"]
    assert values["SwapTotal:"] == ["0", "kB"]
