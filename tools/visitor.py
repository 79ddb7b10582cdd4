"""Somebody who asks a web server for ever, and counts who answered and who did not."""

import http.client
import threading
import time
from collections import Counter
from typing import Self

PATIENCE_S = 10.0
"""Of a client on a busy machine; a packet that is lost is sent again long before."""


class Visitor:
    """Asks with a connection of its own each time, while the block lasts."""

    def __init__(self, address: str, pause_s: float = 0.1) -> None:
        self.answers: Counter[str] = Counter()
        """How often each page came."""
        self.failed: list[str] = []
        self._address = address
        self._pause_s = pause_s
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._ask_for_ever)

    @property
    def answered(self) -> int:
        """How many requests were answered."""
        return self.answers.total()

    def __enter__(self) -> Self:
        """Begin."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Finish the request that is under way."""
        self._ended.set()
        self._thread.join()

    def _ask_for_ever(self) -> None:
        while not self._ended.wait(self._pause_s):
            connection = http.client.HTTPConnection(self._address, 80, timeout=PATIENCE_S)
            try:
                connection.request("GET", "/")
                answer = connection.getresponse()
                page = answer.read().decode(errors="replace").strip()
                if answer.status == http.HTTPStatus.OK:
                    self.answers[page] += 1
                else:
                    self.failed.append(f"{time.monotonic():.2f} {answer.status} {page}")
            except (OSError, http.client.HTTPException) as error:
                self.failed.append(f"{time.monotonic():.2f} {error!r}")
            finally:
                connection.close()
