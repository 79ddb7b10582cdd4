"""Where the names of this instance's domain lead: seen from the machine, and from groups."""

from collections.abc import Sequence
from dataclasses import dataclass

from silo import core, engine, front


@dataclass(frozen=True, slots=True)
class GroupNames:
    """The names of container groups, and the instance's own around them."""

    store: core.Store
    names: front.Names
    doors: str
    """The address of Silo's own doors from where the question comes."""

    def find_group(self, host: str) -> str | None:
        """Return a group's address, nothing when it has none now; None for another kind of name."""
        if not self.names.names_group(host):
            return None
        name = host.partition(":")[0].rstrip(".")
        return self.store.read_now(lambda conn: engine.resolve_name(conn, name))

    def list_addresses(self, name: str) -> Sequence[str] | None:
        """Return the addresses of a name; None for one that is not of the domain."""
        group = self.find_group(name)
        if group is not None:
            return [group] if group else []
        return [self.doors] if self.names.claims(name) else None
