"""Whether clusters are run at all."""

from pathlib import Path

import pytest

from silo.app.clusters import find_reason
from silo.settings import Settings


def test_clusters_are_off_until_their_operator_wants_them():
    assert "silo up --clusters" in find_reason(Settings(Path("/state")), "")


@pytest.mark.parametrize("reason", ["container groups need Silo to run as root"])
def test_what_runs_no_containers_runs_no_clusters(reason):
    assert find_reason(Settings(Path("/state"), run_clusters=True), reason) == reason
