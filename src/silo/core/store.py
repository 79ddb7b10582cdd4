"""The database: short transactions written as plain functions.

A transaction is a function of a connection, so it cannot await the outside world (decision 0002).
Reads run where they are called: an indexed look-up in SQLite takes microseconds, a thread hop more.
Writes queue for one thread per process, which commits many of them with one fsync.
"""

import asyncio
import contextlib
import fcntl
import os
import queue
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, OperationalError

from .errors import StoreFull, StoreUnavailable

T = TypeVar("T")
Connection = sa.Connection
metadata = sa.MetaData()
"""Every room declares its tables here; ``Store.create_tables`` makes them."""

generation = sa.Table("generation", metadata, sa.Column("value", sa.Integer, nullable=False))

BUSY_TIMEOUT_MS = 20_000
"""How long a writer waits for another process; no transaction is as long, no client as patient."""
BATCH = 256
"""Writes committed together at the most; bounds how long the first of them waits."""


@dataclass(slots=True)
class _Job:
    work: Callable[[Connection], Any]
    done: Future[Any] = field(default_factory=Future)


class Store:
    """One SQLite database, shared by every process of an instance."""

    def __init__(self, path: Path) -> None:
        self.turns = path.with_name(f"{path.name}-turn")
        """Held by whoever writes; let go of after each commit."""
        self._local = threading.local()
        self._engine = sa.create_engine(
            f"sqlite:///{path}", isolation_level="AUTOCOMMIT", poolclass=sa.pool.NullPool
        )
        sa.event.listen(self._engine, "connect", _configure)
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._writer: threading.Thread | None = None

    def create_tables(self) -> None:
        """Make the tables that are missing, and the one row of ``generation``."""

        def create(conn: Connection) -> None:
            metadata.create_all(conn)
            if conn.scalar(sa.select(generation.c.value)) is None:
                conn.execute(generation.insert().values(value=1))

        self.write_now(create)

    def read_now(self, work: Callable[[Connection], T]) -> T:
        """Run a read-only transaction on this thread and return its result.

        A read within a read joins it: whoever is listing may have to ask for a fresh policy.
        """
        conn = self._connection()
        if self._local.driver.in_transaction:
            return work(conn)
        try:
            conn.exec_driver_sql("BEGIN")
            try:
                return work(conn)
            finally:
                conn.exec_driver_sql("COMMIT")
        except DBAPIError as error:
            raise _translate(error) from error

    async def read(self, work: Callable[[Connection], T]) -> T:
        """Run a read-only transaction and return its result."""
        return self.read_now(work)

    def find_row(self, statement: str, values: Sequence[Any]) -> tuple[Any, ...] | None:
        """Return the first row of one SELECT, or None; by the bare driver.

        For the few look-ups that every pull pays for: a tenth of what ``read_now`` costs.
        """
        if getattr(self._local, "conn", None) is None:
            self._connection()
        try:
            row: tuple[Any, ...] | None = self._local.driver.execute(statement, values).fetchone()
        except sqlite3.Error as error:
            raise StoreUnavailable(f"The database cannot be used: {error}.") from error
        return row

    def write_now(self, work: Callable[[Connection], T]) -> T:
        """Run a write transaction on this thread; for start-up and the command line."""
        job = _Job(work)
        with self._take_turn():
            _commit(self._connection(), [job])
        self._local.version = -1  # ``data_version`` does not count one's own commits
        result: T = job.done.result()
        return result

    async def write(self, work: Callable[[Connection], T]) -> T:
        """Run a write transaction; return its result once it is on disk.

        Raises:
            StoreFull: the disk is full. StoreUnavailable: the database cannot be written.
            Whatever ``work`` raises: then nothing of it was written.

        """
        if self._writer is None:
            self._writer = threading.Thread(target=self._run_writer, name="store", daemon=True)
            self._writer.start()
        job = _Job(work)
        self._jobs.put(job)
        result: T = await asyncio.wrap_future(job.done)
        return result

    def get_generation(self) -> int:
        """Return the generation of directory and policy; cached answers of another one are stale.

        Costs a few microseconds: SQLite says whether any other connection has committed
        (``PRAGMA data_version``), and only then is the row read.
        """
        local = self._local
        if getattr(local, "conn", None) is None:
            self._connection()
        # The bare driver: every request of every plane pays for this line.
        version: int = local.driver.execute("PRAGMA data_version").fetchone()[0]
        if version != local.version:
            row = local.driver.execute("SELECT value FROM generation").fetchone()
            local.generation, local.version = int(row[0]), version
        generation: int = local.generation
        return generation

    def close(self) -> None:
        """Finish queued writes and let go of this thread's connection."""
        if self._writer is not None:
            self._jobs.put(None)
            self._writer.join()
            self._writer = None
        conn: Connection | None = getattr(self._local, "conn", None)
        if conn is not None:
            conn.close()
            del self._local.conn, self._local.driver
        self._engine.dispose()

    def _connection(self) -> Connection:
        conn: Connection | None = getattr(self._local, "conn", None)
        if conn is None:
            conn = self._local.conn = self._engine.connect()
            self._local.driver = conn.connection.dbapi_connection
            self._local.version = -1
        return conn

    def _run_writer(self) -> None:
        conn = self._engine.connect()
        with contextlib.closing(conn):
            while (first := self._jobs.get()) is not None:
                batch, stop = [first], False
                while len(batch) < BATCH and not self._jobs.empty():
                    job = self._jobs.get()
                    if job is None:
                        stop = True
                        break
                    batch.append(job)
                # From here on a caller that went away can no longer cancel what is being written.
                batch = [job for job in batch if job.done.set_running_or_notify_cancel()]
                with self._take_turn():
                    _commit(conn, batch)
                if stop:
                    return

    @contextlib.contextmanager
    def _take_turn(self) -> Iterator[None]:
        """Wait for the other processes' writes in a queue of the kernel's.

        SQLite alone would have a writer sleep and look again, for up to 100 ms at a time.
        """
        descriptor = os.open(self.turns, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)


def bump_generation(conn: Connection) -> None:
    """Make every cached answer about principals and permissions stale, in this transaction."""
    conn.execute(generation.update().values(value=generation.c.value + 1))


def _configure(dbapi: Any, _record: object) -> None:
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        f"busy_timeout={BUSY_TIMEOUT_MS}",
        "foreign_keys=ON",
        "cache_size=-8192",
    ):
        dbapi.execute(f"PRAGMA {pragma}")


def _commit(conn: Connection, batch: list[_Job]) -> None:
    """Run each job in a savepoint, commit all at once, then tell each how it went."""
    outcomes: list[tuple[_Job, Any, BaseException | None]] = []
    try:
        conn.exec_driver_sql("BEGIN IMMEDIATE")
        outcomes.extend((job, *_run(conn, job)) for job in batch)
        conn.exec_driver_sql("COMMIT")
    except DBAPIError as error:
        with contextlib.suppress(DBAPIError):
            conn.exec_driver_sql("ROLLBACK")
        for job in batch:
            job.done.set_exception(_translate(error))
        return
    for job, result, failure in outcomes:
        if failure is None:
            job.done.set_result(result)
        else:
            job.done.set_exception(failure)


def _run(conn: Connection, job: _Job) -> tuple[Any, BaseException | None]:
    conn.exec_driver_sql("SAVEPOINT job")
    try:
        result = job.work(conn)
    except OperationalError:
        raise
    except Exception as error:  # noqa: BLE001 - handed to the caller who asked for the work
        conn.exec_driver_sql("ROLLBACK TO job")
        conn.exec_driver_sql("RELEASE job")
        return None, error
    conn.exec_driver_sql("RELEASE job")
    return result, None


def _translate(error: DBAPIError) -> StoreUnavailable:
    text = str(error.orig)
    if "disk is full" in text:
        return StoreFull("The disk is full; nothing was written.")
    return StoreUnavailable(f"The database cannot be used: {text}.")
