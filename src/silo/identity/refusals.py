"""How often one client may show assertions that do not hold.

They cannot be guessed, so nobody is locked out: an assertion is checked however many did not hold.
Whoever shares an address (pods of a cluster, all behind a router) may send rubbish for a client
of somebody else. But refusals are written down: a program in a loop must not fill the disk.
"""

from silo import core

from .errors import TooManyRequests

_PERIOD_S = 60.0
_MOST = 60
"""Refusals of one client from one address in a period; every serving process counts for itself."""
_KEPT = 4096
"""Clients that are remembered; beyond, the oldest are forgotten."""


class Refusals:
    """Counts what was refused of every client."""

    def __init__(self, clock: core.Clock) -> None:
        self._clock = clock
        self._counts: dict[tuple[str, str], tuple[float, int]] = {}

    def note(self, client: str, address: str) -> None:
        """Count a refusal.

        Raises:
            TooManyRequests: too much was refused just now; this one is not written down.

        """
        now = self._clock.monotonic()
        since, count = self._counts.pop((client, address), (now, 0))
        if now - since >= _PERIOD_S:
            since, count = now, 0
        if len(self._counts) >= _KEPT:
            self._counts.pop(next(iter(self._counts)))
        self._counts[client, address] = (since, count + 1)
        if count >= _MOST:
            raise TooManyRequests
