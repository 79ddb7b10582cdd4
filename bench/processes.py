"""What the kernel says of a process and everything below it: who there is, and their memory."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path


def free_port() -> int:
    """Return a loopback port that nobody has just now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def list_tree(root: int) -> dict[int, str]:
    """Return process id → name of a process and its descendants (man 5 proc)."""
    children: dict[int, list[int]] = {}
    names: dict[int, str] = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            head, _, tail = (entry / "stat").read_text().rpartition(")")
        except OSError:
            continue
        if tail.split()[0] == "Z":
            continue
        pid = int(entry.name)
        names[pid] = head.partition("(")[2]
        children.setdefault(int(tail.split()[1]), []).append(pid)
    found: dict[int, str] = {}
    todo = [root]
    while todo:
        pid = todo.pop()
        if pid in names:
            found[pid] = names[pid]
        todo += children.get(pid, [])
    return found


def sum_pss_bytes(root: int) -> int:
    """Return the memory of a tree, pages shared between processes counted once."""
    return sum(pss_bytes(pid) for pid in list_tree(root))


def pss_bytes(pid: int) -> int:
    """Return the memory of one process; 0 for one that is gone."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:")), 0)


def kill_tree(root: int) -> None:
    """Kill -9 a process and its descendants, all of them, at once."""
    for pid in list_tree(root):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue


def stop(process: subprocess.Popen[bytes], grace_s: float = 45.0) -> None:
    """Ask a process to end; kill it when it does not."""
    if process.poll() is not None:
        return
    process.terminate()
    try:
        process.wait(grace_s)
    except subprocess.TimeoutExpired:
        kill_tree(process.pid)
        process.wait()


def wait_until(
    probe: Callable[[], bool], timeout_s: float, what: str, every_s: float = 0.005
) -> float:
    """Return after how many seconds ``probe`` said yes.

    Raises:
        TimeoutError: it did not; the message says what was waited for.

    """
    start = time.perf_counter()
    while not probe():
        if time.perf_counter() - start > timeout_s:
            raise TimeoutError(f"{what} did not happen within {timeout_s:.0f} seconds")
        time.sleep(every_s)
    return time.perf_counter() - start
