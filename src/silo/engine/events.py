"""What containerd tells about containers while it happens."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC
from typing import Any

import grpc
from grpc import aio

from .api import envelope_pb2, events_pb2, task_events_pb2
from .client import NAMESPACE, Client, render_metadata, translate
from .containers import Happening

_KINDS: dict[str, type[Any]] = {
    "/tasks/create": task_events_pb2.TaskCreate,
    "/tasks/delete": task_events_pb2.TaskDelete,
    "/tasks/exec-added": task_events_pb2.TaskExecAdded,
    "/tasks/exec-started": task_events_pb2.TaskExecStarted,
    "/tasks/exit": task_events_pb2.TaskExit,
    "/tasks/oom": task_events_pb2.TaskOOM,
    "/tasks/start": task_events_pb2.TaskStart,
}
_AGAIN_S = 0.2


async def watch_events(client: Client) -> AsyncIterator[Happening]:
    """Tell what happens from now on; what happened while containerd was away is not told again."""
    request = events_pb2.SubscribeRequest(filters=[f'namespace=={NAMESPACE},topic~="^/tasks/"'])
    while True:
        try:
            async for envelope in client.events.subscribe(request, metadata=render_metadata()):
                happening = read_envelope(envelope)
                if happening is not None:
                    yield happening
        except aio.AioRpcError as error:
            if error.code() is not grpc.StatusCode.UNAVAILABLE:
                raise translate(error, "events") from error
        await asyncio.sleep(_AGAIN_S)


def read_envelope(envelope: envelope_pb2.Envelope) -> Happening | None:
    """Return an event as ours, or None when it is about nothing we know."""
    kind = _KINDS.get(envelope.topic)
    if kind is None:
        return None
    event = kind.FromString(envelope.event.value)
    process = str(getattr(event, "id", "") or getattr(event, "exec_id", ""))
    code = getattr(event, "exit_status", None)
    return Happening(
        topic=envelope.topic.rpartition("/")[2],
        container_id=event.container_id,
        at=envelope.timestamp.ToDatetime(UTC),
        exit_code=None if code is None else int(code),
        # The container's own first process is named like the container.
        exec_id="" if process == event.container_id else process,
        pid=int(getattr(event, "pid", 0)),
    )
