"""What is kept of a node for as long as anything of it is on the machine."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from silo import core

from .paths import ClusterPaths
from .plans import NodePlan


@dataclass(frozen=True, slots=True)
class Note:
    """A node that was begun, also when nobody plans it any more."""

    name: str
    place: int
    version: str
    image: str
    drain_s: float
    born_with: tuple[str, ...] = ()
    """The taints that it registers with; later ones are the API's, and restart no kubelet."""
    joined: bool = False
    """Whether it took pods once."""
    folder: str = ""
    """Where the programs are that it was made from."""

    @classmethod
    def of_plan(cls, plan: NodePlan, before: "Note | None", folder: str = "") -> "Note":
        """Return what is to be noted of a planned node."""
        taints = plan.taints if before is None else before.born_with
        joined = before is not None and before.joined
        return cls(plan.name, plan.place, *plan.model, plan.drain_s, taints, joined, folder)

    @property
    def model(self) -> tuple[str, str]:
        """What it was made as."""
        return self.version, self.image


def write_note(paths: ClusterPaths, note: Note) -> None:
    """Note a node, before anything of it is made."""
    path = _locate(paths, note.name)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    core.write_private(path, json.dumps(asdict(note)).encode())


def list_notes(paths: ClusterPaths) -> dict[str, Note | None]:
    """Return every node that is here by name; None is one of which little is left."""
    folder = paths.state / "nodes"
    names = sorted(each.name for each in folder.iterdir()) if folder.is_dir() else []
    return {name: _read(_locate(paths, name)) for name in names}


def list_images(paths: ClusterPaths) -> dict[str, str]:
    """Return what each node that is here was made from."""
    return {name: note.image for name, note in list_notes(paths).items() if note is not None}


def _read(path: Path) -> Note | None:
    try:
        found = json.loads(path.read_text())
        return Note(**{**found, "born_with": tuple(found.get("born_with") or ())})
    except (FileNotFoundError, ValueError, TypeError):
        return None


def _locate(paths: ClusterPaths, name: str) -> Path:
    return paths.state / "nodes" / name / "node.json"
