"""The connection to containerd: its services, its namespace, its leases.

A call that meets a containerd which is just restarting is asked again; the containers run on.
Source: containerd/api 1.12.0 · engine facts: a lease, or the clean-up takes what is half made.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import TypeVar
from uuid import uuid4

import grpc
from grpc import aio

from silo import core

from .api import leases_pb2, services
from .errors import ContainerMissing, EngineError, EngineUnavailable

NAMESPACE = "silo"
SNAPSHOTTER = "overlayfs"
PATIENCE_S = 20.0
"""How long a containerd that does not answer is waited for; it starts in under a second."""
_AGAIN_S = 0.1
_MESSAGE_BYTES = 64 * 1024 * 1024
"""A list of a thousand containers carries their specs."""
_LEASE = timedelta(hours=1)
Request = TypeVar("Request")
Response = TypeVar("Response")


class Client:
    """containerd's services over one channel; opened by the first call, in its event loop."""

    def __init__(self, socket: Path, clock: core.Clock) -> None:
        self._clock = clock
        # We fork before the first call and never after; its handlers would only log about it.
        os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")
        self._channel = aio.insecure_channel(
            f"unix:{socket}",
            options=[
                ("grpc.default_authority", "localhost"),
                ("grpc.max_receive_message_length", _MESSAGE_BYTES),
                # containerd's absence is short and its socket near: look often.
                ("grpc.initial_reconnect_backoff_ms", 100),
                ("grpc.max_reconnect_backoff_ms", 500),
                ("grpc.use_local_subchannel_pool", 1),
            ],
        )
        self.containers = services.Containers(self._channel)
        self.content = services.Content(self._channel)
        self.diff = services.Diff(self._channel)
        self.events = services.Events(self._channel)
        self.images = services.Images(self._channel)
        self.leases = services.Leases(self._channel)
        self.sandboxes = services.Store(self._channel)
        self.snapshots = services.Snapshots(self._channel)
        self.tasks = services.Tasks(self._channel)
        self.version = services.Version(self._channel)

    async def call(
        self,
        method: "aio.UnaryUnaryMultiCallable[Request, Response]",
        request: Request,
        *,
        lease: str = "",
        timeout_s: float | None = 120.0,
    ) -> Response:
        """Call containerd, again while it restarts.

        Raises:
            EngineUnavailable: it did not come back in time.
            aio.AioRpcError: any other refusal; `translate` makes it ours.

        """
        deadline = None
        while True:
            try:
                return await method(request, metadata=render_metadata(lease), timeout=timeout_s)
            except aio.AioRpcError as error:
                if error.code() is not grpc.StatusCode.UNAVAILABLE:
                    raise
                # Counted from the first silence: a wait may have lasted for days before it.
                deadline = deadline or self._clock.monotonic() + PATIENCE_S
                if self._clock.monotonic() > deadline:
                    raise EngineUnavailable("containerd does not answer") from error
            await asyncio.sleep(_AGAIN_S)

    @asynccontextmanager
    async def lease(self) -> AsyncIterator[str]:
        """Keep what is made meanwhile from containerd's clean-up; expires by itself in an hour."""
        name = f"silo-{uuid4().hex}"
        expiry = self._clock.now() + _LEASE
        labels = {"containerd.io/gc.expire": expiry.strftime("%Y-%m-%dT%H:%M:%SZ")}
        await self.call(self.leases.create, leases_pb2.CreateRequest(id=name, labels=labels))
        try:
            yield name
        finally:
            # It expires by itself; what failed or succeeded above must not be hidden by this.
            with suppress(aio.AioRpcError, EngineUnavailable):
                await self.call(self.leases.delete, leases_pb2.DeleteRequest(id=name))

    async def close(self) -> None:
        """Hang up."""
        await self._channel.close(None)


def render_metadata(lease: str = "") -> tuple[tuple[str, str], ...]:
    """Return the headers of a call in our namespace."""
    named = ("containerd-namespace", NAMESPACE)
    return (named, ("containerd-lease", lease)) if lease else (named,)


def is_missing(error: aio.AioRpcError) -> bool:
    """Return whether containerd has no such thing."""
    return error.code() is grpc.StatusCode.NOT_FOUND


def is_present(error: aio.AioRpcError) -> bool:
    """Return whether containerd already has such a thing."""
    return error.code() is grpc.StatusCode.ALREADY_EXISTS


@contextmanager
def tolerating(refusal: Callable[[aio.AioRpcError], bool]) -> Iterator[None]:
    """Take one kind of refusal for success: what was asked for is so already."""
    try:
        yield
    except aio.AioRpcError as error:
        if not refusal(error):
            raise


def translate(error: aio.AioRpcError, subject: str) -> EngineError:
    """Return a refusal of containerd as an error of ours."""
    if is_missing(error):
        return ContainerMissing(f"There is no container {subject}.")
    return EngineError(f"{subject}: {error.details()}")


@contextmanager
def translating(subject: str) -> Iterator[None]:
    """Turn refusals of containerd into errors of ours."""
    try:
        yield
    except aio.AioRpcError as error:
        raise translate(error, subject) from error
