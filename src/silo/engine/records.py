"""The record that containerd keeps of a container beside its own: for an end that nobody saw."""

from google.protobuf import any_pb2

from .api import sandbox_pb2, sandboxes_pb2
from .client import Client, is_present, tolerating
from .levels import Shim

SPEC = "types.containerd.io/opencontainers/runtime-spec/1/Spec"


async def record(client: Client, container_id: str, shim: Shim) -> None:
    """Write the record without which an end that nobody saw is lost."""
    # containerd 2.4.2 falls over one without a runtime.
    made = sandbox_pb2.Sandbox(
        sandbox_id=container_id,
        runtime=sandbox_pb2.Sandbox.Runtime(name=shim[0], options=shim[1]),
        spec=any_pb2.Any(type_url=SPEC, value=b"{}"),
    )
    with tolerating(is_present):
        request = sandboxes_pb2.StoreCreateRequest(sandbox=made)
        await client.call(client.sandboxes.create, request)
