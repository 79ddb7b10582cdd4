"""Puts the built programs into the wheel."""

import sys
import sysconfig
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

sys.path.insert(0, str(Path(__file__).parent / "src"))

from silo_engine import build, modules


class EngineHook(BuildHookInterface):
    """Builds the engine for a real wheel and nothing for an editable one."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build, and name what belongs into the wheel."""
        if version == "editable":
            return
        go = Path(sysconfig.get_path("purelib")) / "go" / "bin" / "go"
        folder = build.ENGINE.build(go)
        build_data["pure_python"] = False
        build_data["tag"] = f"py3-none-{modules.PLATFORM_TAG}"
        build_data["force_include"][str(folder)] = "silo_engine/engine"
