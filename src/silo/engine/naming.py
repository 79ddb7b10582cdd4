"""What the parts of an instance's network are called on the machine."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from . import netns


@dataclass(frozen=True, slots=True)
class Naming:
    """The names that everything of one instance carries."""

    instance: str

    @property
    def table(self) -> str:
        """The host's table; the beginning of every namespace's name."""
        return f"silo-{self.instance}"

    @property
    def prefix(self) -> str:
        """What the host's devices begin with; they may be 15 characters long."""
        return f"si{hashlib.sha256(self.instance.encode()).hexdigest()[:6]}"

    def router(self, key: str) -> str:
        """Return the name of a router's namespace."""
        return f"{self.table}-r-{key}"

    def router_path(self, key: str) -> Path:
        """Return where a router's namespace is."""
        return netns.FOLDER / self.router(key)

    def group(self, uid: str) -> str:
        """Return the name of a group's namespace."""
        return f"{self.table}-g-{uid}"

    def group_path(self, uid: str) -> Path:
        """Return where a group's namespace is."""
        return netns.FOLDER / self.group(uid)

    def device(self, number: int) -> str:
        """Return the host's end of a router's way out."""
        return f"{self.prefix}u{number}"
