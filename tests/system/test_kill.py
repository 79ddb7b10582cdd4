"""``kill -9`` of any process, at any moment: what was acknowledged stays, nothing is torn.

``make test`` runs a few short rounds; ``SILO_KILL_ROUNDS=20`` the full twenty, a thousand pushes
and a thousand ARM writes in each. The machine itself keeps running, so this says nothing of what
a power cut does to the page cache; that is what fsync before the answer is for.
"""

import contextlib
import os
import random
import signal
import time
from pathlib import Path

from bench.processes import wait_until
from tests.system.ledger import Ledger, Writer, check_files, check_ledger

ROUNDS = int(os.environ.get("SILO_KILL_ROUNDS", "5"))
FULL = "SILO_KILL_ROUNDS" in os.environ
WRITES = 2000 if FULL else 100
WRITERS = 4
KILLS = 3 if FULL else 2
VICTIMS = ("silo-worker", "silo-control", "silo-doors", "silo", "everything")
START_LIMIT_S = 10.0
CALM_S = 0.5


def test_no_acknowledged_write_is_lost_when_any_process_is_killed(open_silo, registry_of):
    silo = open_silo()
    target = registry_of(silo)
    chance = random.Random(os.urandom(8))
    everything = Ledger()
    starts = []
    for number in range(ROUNDS):
        victims = [VICTIMS[(number + kill) % len(VICTIMS)] for kill in range(KILLS)]
        ledger = Ledger()
        writers = [
            Writer(silo, target, ledger, f"r{number}w{writer}", WRITES // WRITERS)
            for writer in range(WRITERS)
        ]
        for writer in writers:
            writer.start()
        for kill, victim in enumerate(victims, start=1):
            aim = int(WRITES * (kill - chance.random()) / (KILLS + 1)) + 1
            _wait_for_writes(ledger, writers, aim)
            _kill(silo, victim, chance)
            if not silo.alive:
                starts.append(silo.start())
        for writer in writers:
            writer.join()
        wrong = check_ledger(silo, target, ledger) + check_files(silo)
        print(f"round {number + 1}: killed {victims}, {ledger.count} writes, wrong: {wrong}")

        assert wrong == []
        assert ledger.refused == []
        assert ledger.count == WRITES
        everything.blobs |= ledger.blobs
        everything.tags |= ledger.tags
        everything.groups |= ledger.groups
    wrong = check_ledger(silo, target, everything)
    verified = silo.silo("audit", "verify", "--json").json
    print(f"starts after kill: {[round(one, 2) for one in starts]}; audit: {verified}")

    assert wrong == []
    assert verified["firstBroken"] is None
    assert max(starts, default=0) < START_LIMIT_S
    assert '"unhandled"' not in silo.log.read_text()


def test_every_process_holds_its_locks_on_the_database(open_silo):
    """Without them, whoever opens the database next takes it for its own and makes it anew."""
    silo = open_silo()
    silo.sign_in()

    def look():
        """Return who has the index of the log open, and who holds a lock on it."""
        index = silo.settings.database.with_name(f"{silo.settings.database.name}-shm")
        inode = index.stat().st_ino
        locks = [line.split() for line in Path("/proc/locks").read_text().splitlines()]
        return (
            {pid for pid in silo.list_processes() if _has_open(pid, index)},
            {int(words[-4]) for words in locks if words[-3].endswith(f":{inode}")},
        )

    def settled():
        users, holders = look()
        return users and users == holders

    # Each worker has looked for its listener by then.
    time.sleep(CALM_S)
    wait_until(settled, 20, "the locks")
    workers = {pid for pid, name in silo.list_processes().items() if name == "silo-worker"}
    _kill(silo, "silo-control", random.Random())
    wait_until(lambda: "silo-control" in silo.list_processes().values(), 20, "another control")
    for _ in range(20):
        silo.sign_in()

    wait_until(settled, 20, "the locks")
    assert workers <= silo.list_processes().keys()


def _has_open(pid: int, path: Path) -> bool:
    with contextlib.suppress(OSError):
        return any(place.resolve() == path for place in Path(f"/proc/{pid}/fd").iterdir())
    return False


def _wait_for_writes(ledger: Ledger, writers: list[Writer], count: int) -> None:
    wait_until(
        lambda: ledger.count >= count or not any(writer.is_alive() for writer in writers),
        300,
        f"write number {count}",
    )


def _kill(silo, victim: str, chance: random.Random) -> None:
    """Kill one process by what it is, or all of them at once."""
    time.sleep(chance.random() * 0.05)
    if victim == "everything":
        silo.kill()
        return
    found = [pid for pid, name in silo.list_processes().items() if name == victim]
    if not found:  # the one killed before has not been replaced yet
        time.sleep(CALM_S)
        found = [pid for pid, name in silo.list_processes().items() if name == victim]
    os.kill(chance.choice(found), signal.SIGKILL)
    if victim == "silo":
        silo.process.wait()
