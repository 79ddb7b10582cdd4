"""containerd.services.diff.v1 as typed calls; written by tools/engine_api.py, not by hand."""

from grpc import aio

from silo.engine.api import diff_pb2


class Diff:
    """Calls of containerd.services.diff.v1."""

    def __init__(self, channel: aio.Channel) -> None:
        self.apply: aio.UnaryUnaryMultiCallable[
            diff_pb2.ApplyRequest, diff_pb2.ApplyResponse
        ] = channel.unary_unary(
            "/containerd.services.diff.v1.Diff/Apply",
            request_serializer=diff_pb2.ApplyRequest.SerializeToString,
            response_deserializer=diff_pb2.ApplyResponse.FromString,
        )
        self.diff: aio.UnaryUnaryMultiCallable[
            diff_pb2.DiffRequest, diff_pb2.DiffResponse
        ] = channel.unary_unary(
            "/containerd.services.diff.v1.Diff/Diff",
            request_serializer=diff_pb2.DiffRequest.SerializeToString,
            response_deserializer=diff_pb2.DiffResponse.FromString,
        )
