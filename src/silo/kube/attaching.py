"""Volumes in nodes: brought to the node that a pod is on, and taken from it again.

A volume is mounted in a node's own view of files and nowhere else: the kernel lets go of it, and
of its loop device, when the node ends, however that comes.
"""

import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from silo import engine

from . import handing, steps

IN_NODE = Path("/mnt/disks")
"""Where nodes see volumes."""
_HANDING = (sys.executable, "-I", "-S", handing.__file__)
_ALONE = ("unshare", "--mount", "--propagation=private", "--")
_MOUNTED = (
    *_ALONE,
    "/bin/sh",
    "-c",
    'mount -t ext4 -o "$1" "$2" /mnt && shift 2 && exec "$@"',
    "/bin/sh",
    engine.IMAGE_OPTIONS,
)
"""In a view of files that ends with the program, in which an image is at ``/mnt``."""
_GROWN = (
    "/bin/sh",
    "-euc",
    'device=$(findmnt -n -o SOURCE /mnt); losetup --set-capacity "$device"; resize2fs "$device"',
)
_INIT = re.compile(r"init-(.+)\.json")


@dataclass(frozen=True, slots=True)
class Source:
    """What a node is given: an image's file system, or a folder."""

    path: Path
    is_image: bool = False
    is_mapped: bool = True
    """Whether its user 0 is to be the node's root."""


def list_nodes(notes: Path) -> Iterator[str]:
    """Yield the nodes that were begun here, by the notes of their first processes."""
    for note in sorted(notes.glob("init-*.json")):
        found = _INIT.fullmatch(note.name)
        if found:
            yield found[1]


def list_attached(pids: Mapping[str, int]) -> dict[str, set[str]]:
    """Return where each volume is, given the nodes' first processes."""
    found: dict[str, set[str]] = {}
    for node, pid in pids.items():
        for name in _read_names(pid):
            found.setdefault(name, set()).add(node)
    return found


def attach(pid: int, name: str, source: Source) -> None:
    """Give a node a volume.

    Raises:
        StepFailed: it does not take it. MountFailed: the machine does not mount it.

    """
    program = (*_HANDING, str(pid))
    place = (str(IN_NODE / name), "mapped" if source.is_mapped else "as-it-is")
    if source.is_image:
        engine.KernelMounts().fit_image(source.path)
        steps.run(*_MOUNTED, str(source.path), *program, "/mnt", *place)
    else:
        steps.run(*program, str(source.path), *place)


def detach(pid: int, name: str) -> None:
    """Take a volume from a node.

    Raises:
        StepFailed: it is in use there, or is not there.

    """
    steps.run(*_HANDING, str(pid), str(IN_NODE / name))


def grow_in_use(image: Path) -> bool:
    """Make an image's file system as large as the image while it is mounted; tell whether it is.

    Without CAP_SYS_RESOURCE the kernel lets nobody do it.
    """
    return steps.is_done(*_MOUNTED, str(image), *_GROWN)


def _read_names(pid: int) -> Iterable[str]:
    try:
        lines = Path(f"/proc/{pid}/mountinfo").read_text(errors="replace").splitlines()
    except OSError:
        return ()
    places = (Path(line.split(" ")[4]) for line in lines)
    return {place.name for place in places if place.parent == IN_NODE}
