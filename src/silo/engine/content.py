"""containerd's content store: where archives, manifests and configurations lie by their digest."""

from collections.abc import AsyncIterator, Callable, Mapping
from uuid import uuid4

from grpc import aio

from .api import content_pb2, descriptor_pb2, leases_pb2
from .client import Client, is_missing, is_present, render_metadata


async def find_size(client: Client, digest: str, lease: str) -> int | None:
    """Return how many bytes are here already, and kept by the lease; None if they are not."""
    # Held first and looked for afterwards: containerd's clean-up comes not between the two.
    held = leases_pb2.Resource(id=digest, type="content")
    add = leases_pb2.AddResourceRequest(id=lease, resource=held)
    await client.call(client.leases.add_resource, add)
    try:
        answer = await client.call(client.content.info, content_pb2.InfoRequest(digest=digest))
    except aio.AioRpcError as error:
        if is_missing(error):
            return None
        raise
    return int(answer.info.size)


async def write(
    client: Client,
    chunks: AsyncIterator[bytes],
    blob: descriptor_pb2.Descriptor,
    lease: str,
    *,
    labels: Mapping[str, str] | None = None,
    count: Callable[[int], None] = lambda _count: None,
) -> None:
    """Store bytes; containerd checks size and digest at the end.

    Raises:
        aio.AioRpcError: they are not what the descriptor says.

    """
    request = content_pb2.WriteContentRequest
    stream = client.content.write(None, metadata=render_metadata(lease))
    ref = f"silo-{uuid4().hex}"
    offset = 0
    try:
        async for chunk in chunks:
            await stream.write(
                request(
                    action=content_pb2.WRITE,
                    ref=ref,
                    total=blob.size,
                    offset=offset,
                    expected=blob.digest,
                    data=chunk,
                )
            )
            await stream.read()
            offset += len(chunk)
            if offset > blob.size:
                break
            count(len(chunk))
        await stream.write(
            request(
                action=content_pb2.COMMIT,
                ref=ref,
                total=blob.size,
                offset=offset,
                expected=blob.digest,
                labels=labels,
            )
        )
        await stream.read()
        await stream.done_writing()
    except aio.AioRpcError as error:
        if not is_present(error):
            raise
