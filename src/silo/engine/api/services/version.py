"""containerd.services.version.v1 as typed calls; written by tools/engine_api.py, not by hand."""

from google.protobuf import empty_pb2
from grpc import aio

from silo.engine.api import version_pb2


class Version:
    """Calls of containerd.services.version.v1."""

    def __init__(self, channel: aio.Channel) -> None:
        self.version: aio.UnaryUnaryMultiCallable[
            empty_pb2.Empty, version_pb2.VersionResponse
        ] = channel.unary_unary(
            "/containerd.services.version.v1.Version/Version",
            request_serializer=empty_pb2.Empty.SerializeToString,
            response_deserializer=version_pb2.VersionResponse.FromString,
        )
