"""Puts the built programs into the wheel."""

import sys
import sysconfig
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

HERE = Path(__file__).parent
# How programs are built from Go modules is the engine's to know; both are built in a checkout.
sys.path.insert(0, str(HERE / "src"))
sys.path.insert(0, str(HERE.parent / "engine" / "src"))

from silo_engine import modules
from silo_kubernetes import build


class KubernetesHook(BuildHookInterface):
    """Builds every version for a real wheel and nothing for an editable one."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build, and name what belongs into the wheel."""
        if version == "editable":
            return
        go = Path(sysconfig.get_path("purelib")) / "go" / "bin" / "go"
        build_data["pure_python"] = False
        build_data["tag"] = f"py3-none-{modules.PLATFORM_TAG}"
        for number, kit in build.KITS.items():
            build_data["force_include"][str(kit.build(go))] = f"silo_kubernetes/kits/{number}"
