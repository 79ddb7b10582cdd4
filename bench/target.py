"""A registry as the load generators see it: where it is and how to get a token for it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from .instance import Instance


@dataclass(frozen=True, slots=True)
class Target:
    """One of the two registries, with TLS or without."""

    name: str
    host: str
    """What ``Host`` says, port included."""
    port: int
    bundle: Path | None
    """Authorities to check its certificate with; None means no TLS."""
    sign_in: Callable[[str, str], str]
    """Repository and comma-separated actions → bearer token."""
    sum_pss_bytes: Callable[[], int]

    @property
    def scheme(self) -> str:
        return "https" if self.bundle else "http"


def target_of(silo: Instance, registry: str) -> Target:
    """Return one registry of a Silo."""

    def sign_in(repositories: str, actions: str) -> str:
        scopes = [f"repository:{name}:{actions}" for name in repositories.split()]
        return silo.registry_token(registry, *scopes)

    return Target(
        "silo", silo.registry_host(registry), silo.port, silo.bundle, sign_in, silo.sum_pss_bytes
    )
