"""The load generators that are not ours: wrk for small answers, curl for large ones."""

import json
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from .target import Target

WRK_SCRIPT = Path(__file__).with_name("wrk.lua")
WRK_THREADS = 2
WRK_CONNECTIONS = 32


class LoadFailed(Exception):
    """A load generator got an answer that it should not have got; the measure is void."""


@dataclass(frozen=True, slots=True)
class Rate:
    """What one run of small requests gave."""

    per_s: float
    p50_ms: float
    p99_ms: float


def run_wrk(target: Target, path: str, token: str, seconds: float) -> Rate:
    """Ask for one path as fast as 32 connections can.

    Raises:
        LoadFailed: an answer other than 2xx or 3xx, or none.

    """
    command = [
        "wrk", f"-t{WRK_THREADS}", f"-c{WRK_CONNECTIONS}", f"-d{seconds:.0f}s", "--timeout", "10s",
        "-s", str(WRK_SCRIPT), "-H", f"Host: {target.host}",
        "-H", f"Authorization: Bearer {token}", "-H", f"Accept: {MANIFEST_TYPE}, */*",
        f"{target.scheme}://127.0.0.1:{target.port}{path}",
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    line = next(line for line in done.stdout.splitlines() if line.startswith("RESULT "))
    found = json.loads(line.removeprefix("RESULT "))
    if found["failed"] or not found["requests"]:
        raise LoadFailed(f"{target.name}: {path}: {done.stdout}")
    per_s = found["requests"] / found["duration_us"] * 1e6
    return Rate(per_s, found["p50_us"] / 1000, found["p99_us"] / 1000)


MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"


def run_curls(target: Target, path: str, token: str, *, clients: int, size: int) -> float:
    """Download one large file with several curls at once; return MiB/s of them all."""
    name, _, _ = target.host.partition(":")
    command = [
        "curl", "--silent", "--show-error", "--http1.1", "--location", "--output", "/dev/null",
        "--write-out", "%{http_code} %{size_download}", "--noproxy", "*",
        "--connect-to", f"{target.host}:127.0.0.1:{target.port}",
        "--connect-to", f"{name}::127.0.0.1:{target.port}",
        "--header", f"Authorization: Bearer {token}",
        *(("--cacert", str(target.bundle)) if target.bundle else ()),
        f"{target.scheme}://{target.host}{path}",
    ]  # fmt: skip
    start = time.perf_counter()
    running = [
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(clients)
    ]
    outputs = [process.communicate() for process in running]
    elapsed = time.perf_counter() - start
    for output, errors in outputs:
        if output != f"200 {size}":
            raise LoadFailed(f"{target.name}: {path}: {output} {errors}")
    return clients * size / 2**20 / elapsed
