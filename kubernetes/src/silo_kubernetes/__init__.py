"""Where the programs of a Kubernetes version are: in the installed wheel, or in the cache."""

from pathlib import Path

_PACKAGED = Path(__file__).parent / "kits"


def find_folders() -> dict[str, Path]:
    """Return, by version, the folders with ``bin`` and ``versions.json`` that are here."""
    if _PACKAGED.is_dir():
        return {path.name: path for path in sorted(_PACKAGED.iterdir())}
    from . import build  # noqa: PLC0415 - an installed wheel has nothing to build from

    found = {version: kit.find() for version, kit in build.KITS.items()}
    return {version: path for version, path in found.items() if path is not None}
