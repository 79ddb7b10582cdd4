"""Pushes many blobs over several connections, each in a process of its own, as docker does.

A blob is three requests: POST (open the upload), PATCH (its bytes, chunked as docker sends them),
PUT (its digest). Bodies and digests are made before the clock starts, so that on a machine of few
cores the servers are measured and not this client.
"""

import hashlib
import multiprocessing
import os
import socket
import statistics
import time
from dataclasses import dataclass
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Barrier
from urllib.parse import urlsplit

from .caller import open_socket
from .clients import LoadFailed, Rate
from .target import Target

CHUNK_BYTES = 32 * 1024
"""What Go's io.Copy, and so docker, puts in one chunk."""
TAIL_BYTES = 32
CREATED, ACCEPTED = 201, 202


@dataclass(frozen=True, slots=True)
class Push:
    """What one client pushes."""

    target: Target
    repository: str
    token: str
    size: int
    count: int


def run_pushes(target: Target, repository: str, *, size: int, clients: int, count: int) -> Rate:
    """Push ``clients x count`` different blobs; return blobs a second and the times of one push.

    Raises:
        LoadFailed: an answer other than the one that the specification has for success.

    """
    token = target.sign_in(repository, "pull,push")
    job = Push(target, repository, token, size, count)
    context = multiprocessing.get_context("fork")
    gate, results = context.Barrier(clients), context.Queue()
    processes = [context.Process(target=_client, args=(job, gate, results)) for _ in range(clients)]
    for process in processes:
        process.start()
    found = [results.get() for _ in processes]
    for process in processes:
        process.join()
    for problem in found:
        if isinstance(problem, str):
            raise LoadFailed(f"{target.name}: {problem}")
    start, end = min(one[0] for one in found), max(one[1] for one in found)
    times = sorted(time_s for one in found for time_s in one[2])
    quantiles = statistics.quantiles(times, n=100)
    return Rate(clients * count / (end - start), quantiles[49] * 1000, quantiles[98] * 1000)


def _client(job: Push, gate: Barrier, results: "Queue[object]") -> None:
    try:
        results.put(_push_all(job, gate))
    except Exception as error:  # noqa: BLE001 - told to the parent
        gate.abort()
        results.put(f"{type(error).__name__}: {error}")


def _push_all(job: Push, gate: Barrier) -> tuple[float, float, list[float]]:
    common = os.urandom(job.size - TAIL_BYTES)
    hashed = hashlib.sha256(common)
    tails = [os.urandom(TAIL_BYTES) for _ in range(job.count)]
    digests = []
    for tail in tails:
        one = hashed.copy()
        one.update(tail)
        digests.append(f"sha256:{one.hexdigest()}")
    opening = common[: (job.size - TAIL_BYTES) // CHUNK_BYTES * CHUNK_BYTES]
    frames = b"".join(
        _frame(opening[i : i + CHUNK_BYTES]) for i in range(0, len(opening), CHUNK_BYTES)
    )
    rest = common[len(opening) :]
    connection = Wire(job)
    times = []
    gate.wait()
    start = time.perf_counter()
    for tail, digest in zip(tails, digests, strict=True):
        before = time.perf_counter()
        connection.push((frames, _frame(rest + tail), b"0\r\n\r\n"), digest)
        times.append(time.perf_counter() - before)
    return start, time.perf_counter(), times


def _frame(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


class Wire:
    """One kept-alive connection, spoken to in bytes."""

    def __init__(self, job: Push) -> None:
        self._socket: socket.socket = open_socket(
            job.target.port, job.target.host, job.target.bundle
        )
        self._repository = job.repository
        self._fields = (
            f"Host: {job.target.host}\r\nAuthorization: Bearer {job.token}\r\n"
            "User-Agent: docker/28.2\r\n"
        ).encode()

    def push(self, frames: tuple[bytes, ...], digest: str) -> None:
        """Push one blob whose body is already framed."""
        place = self._ask(
            "POST", f"/v2/{self._repository}/blobs/uploads/", b"Content-Length: 0\r\n", (), ACCEPTED
        )
        fields = b"Content-Type: application/octet-stream\r\nTransfer-Encoding: chunked\r\n"
        place = self._ask("PATCH", place, fields, frames, ACCEPTED)
        place += f"{'&' if '?' in place else '?'}digest={digest}"
        self._ask("PUT", place, b"Content-Length: 0\r\n", (), CREATED)

    def _ask(
        self, method: str, path: str, fields: bytes, body: tuple[bytes, ...], wanted: int
    ) -> str:
        head = f"{method} {path} HTTP/1.1\r\n".encode() + self._fields + fields + b"\r\n"
        self._socket.sendall(b"".join((head, *body)))
        answer = b""
        while b"\r\n\r\n" not in answer:
            part = self._socket.recv(65536)
            if not part:
                raise LoadFailed(f"{method} {path}: the connection was closed")
            answer += part
        lines, _, left = answer.partition(b"\r\n\r\n")
        status, *rest = lines.decode("latin-1").split("\r\n")
        headers = {
            name.lower(): value for name, _, value in (line.partition(": ") for line in rest)
        }
        length = int(headers.get("content-length", "0"))
        while len(left) < length:
            left += self._socket.recv(65536)
        if int(status.split()[1]) != wanted:
            raise LoadFailed(f"{method} {path}: {status} {left[:500]!r}")
        parts = urlsplit(headers.get("location", ""))
        return parts.path + (f"?{parts.query}" if parts.query else "")
