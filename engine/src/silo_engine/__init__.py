"""Where the engine's programs are: inside the installed wheel, or built into the user's cache."""

from pathlib import Path

_PACKAGED = Path(__file__).parent / "engine"


def find_folder() -> Path | None:
    """Return the folder with ``bin`` and ``versions.json``, or None where nothing is built."""
    if (_PACKAGED / "bin").is_dir():
        return _PACKAGED
    from . import build  # noqa: PLC0415 - an installed wheel has nothing to build from

    return build.ENGINE.find()
