"""What a group needs of the machine under it, as one interface: containers, network, volumes.

Groups are supervised against this, so that how they live can be tried without root.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from .containers import Credentials, Exit, Found, Image
from .plans import ContainerPlan, GroupPlan, HttpGet


@dataclass(frozen=True, slots=True)
class Ground:
    """What a group stands on once it is made: its network and its volumes."""

    netns: str
    address: str = ""
    public_address: str = ""
    volumes: Mapping[str, Path] | None = None


@dataclass(frozen=True, slots=True)
class Ran:
    """What came of a program that was run in a container, or of a question asked over HTTP."""

    code: int
    output: str = ""


class Machine(Protocol):
    """One machine that holds groups."""

    async def prepare(self, plan: GroupPlan) -> Ground:
        """Make network and volumes of a group, or find them made."""
        ...

    async def pull(self, image: str, credentials: Credentials) -> Image:
        """Return the image, fetched if it is not here; permission is asked either way."""
        ...

    async def lay(self, plan: GroupPlan, container: ContainerPlan, image: Image) -> None:
        """Make what of a container can be made while the group is; only its start needs it."""
        ...

    async def start(
        self, plan: GroupPlan, container: ContainerPlan, image: Image, ground: Ground
    ) -> None:
        """Make a container of the group afresh and start its program."""
        ...

    async def publish(self, plan: GroupPlan) -> None:
        """Let through the ports that the plan names, and no others, from now on."""
        ...

    async def wait(self, uid: str, name: str) -> Exit:
        """Return how a container ended, once it has."""
        ...

    async def stop(self, uid: str, name: str, grace_s: float) -> Exit | None:
        """End a container: asked first, killed after the grace; None when it is not there."""
        ...

    async def discard(self, uid: str, name: str) -> None:
        """Take an ended container away; its log stays. Repeatable."""
        ...

    async def list_containers(self, uid: str = "") -> Sequence[Found]:
        """Return the containers of a group, or of all groups."""
        ...

    async def run(self, uid: str, name: str, args: tuple[str, ...], timeout_s: float) -> Ran:
        """Run a program in a container to its end."""
        ...

    async def ask(self, uid: str, question: HttpGet, timeout_s: float) -> Ran:
        """Ask a port of the group over HTTP; the code is the status, 0 when nobody answers."""
        ...

    async def release(self, uid: str) -> None:
        """Take network and volumes of a group away; its logs stay. Repeatable."""
        ...

    async def forget(self, uid: str) -> None:
        """Take away whatever is left of a group, logs included. Repeatable."""
        ...

    async def sweep(self, keep: Collection[str]) -> None:
        """Take away what a crash left of groups that are no more."""
        ...
