"""How full a share is: counted from its files, for containers write there without asking.

What grows a file asks here first. The count of a moment ago will do while there is room for as
much again; near the end every file is counted anew, one worker after the other.
"""

import contextlib
import fcntl
import os
from collections.abc import Iterator

from silo import core

from .errors import ShareSizeLimitReached
from .shares import GIB, FileShare
from .tree import Tree

FRESH_S = 5.0
MAX_FILE_BYTES = 4 << 40
"""Azure's bound of one file."""


class Quota:
    """Counts for one worker."""

    def __init__(self, tree: Tree, clock: core.Clock) -> None:
        self._tree = tree
        self._clock = clock
        self._counts: dict[str, tuple[float, int]] = {}

    def measure(self, share: FileShare) -> int:
        """Return how many bytes a share holds, at most some seconds ago."""
        moment, count = self._counts.get(share.uid, (-FRESH_S, 0))
        if self._clock.monotonic() - moment > FRESH_S:
            return self._count(share)
        return count

    @contextlib.contextmanager
    def growing(self, share: FileShare, more: int) -> Iterator[None]:
        """Let a share grow by some bytes while this lasts.

        Raises:
            ShareSizeLimitReached: there is no room for them.

        """
        limit = share.quota_gib * GIB
        if more <= 0:
            yield
            return
        if 2 * (self.measure(share) + more) <= limit:
            yield
            self._add(share, more)
            return
        with self._turn(share):
            if self._count(share) + more > limit:
                raise ShareSizeLimitReached
            yield
            self._add(share, more)

    def _add(self, share: FileShare, more: int) -> None:
        moment, count = self._counts.get(share.uid, (0.0, 0))
        self._counts[share.uid] = (moment, count + more)

    def _count(self, share: FileShare) -> int:
        count = self._tree.measure(share)
        if len(self._counts) > 1000:  # noqa: PLR2004 - memory, not correctness
            self._counts.clear()
        self._counts[share.uid] = (self._clock.monotonic(), count)
        return count

    @contextlib.contextmanager
    def _turn(self, share: FileShare) -> Iterator[None]:
        folder = os.open(self._tree.ensure(share), os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fcntl.flock(folder, fcntl.LOCK_EX)
            yield
        finally:
            os.close(folder)
