"""The Kubernetes that clusters are tested with: it is there, or set-up has failed."""

import os

import pytest
from silo_kubernetes import build

from silo import kube


def demand_kits() -> dict[str, kube.Kit]:
    """Return every version that there has to be, the newest first; without root skip the file."""
    if os.geteuid() != 0:
        pytest.skip("clusters need root", allow_module_level=True)
    found = kube.find_kits()
    missing = build.KITS.keys() - found.keys()
    assert not missing, f"these versions are not built (make kubernetes): {', '.join(missing)}"
    return found
