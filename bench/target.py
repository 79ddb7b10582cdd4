"""A registry as the load generators see it: where it is and how to get a token for it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


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
