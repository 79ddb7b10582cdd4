"""containerd.services.content.v1 as typed calls; written by tools/engine_api.py, not by hand."""

from google.protobuf import empty_pb2
from grpc import aio

from silo.engine.api import content_pb2


class Content:
    """Calls of containerd.services.content.v1."""

    def __init__(self, channel: aio.Channel) -> None:
        self.info: aio.UnaryUnaryMultiCallable[
            content_pb2.InfoRequest, content_pb2.InfoResponse
        ] = channel.unary_unary(
            "/containerd.services.content.v1.Content/Info",
            request_serializer=content_pb2.InfoRequest.SerializeToString,
            response_deserializer=content_pb2.InfoResponse.FromString,
        )
        self.update: aio.UnaryUnaryMultiCallable[
            content_pb2.UpdateRequest, content_pb2.UpdateResponse
        ] = channel.unary_unary(
            "/containerd.services.content.v1.Content/Update",
            request_serializer=content_pb2.UpdateRequest.SerializeToString,
            response_deserializer=content_pb2.UpdateResponse.FromString,
        )
        self.list: aio.UnaryStreamMultiCallable[
            content_pb2.ListContentRequest, content_pb2.ListContentResponse
        ] = channel.unary_stream(
            "/containerd.services.content.v1.Content/List",
            request_serializer=content_pb2.ListContentRequest.SerializeToString,
            response_deserializer=content_pb2.ListContentResponse.FromString,
        )
        self.delete: aio.UnaryUnaryMultiCallable[
            content_pb2.DeleteContentRequest, empty_pb2.Empty
        ] = channel.unary_unary(
            "/containerd.services.content.v1.Content/Delete",
            request_serializer=content_pb2.DeleteContentRequest.SerializeToString,
            response_deserializer=empty_pb2.Empty.FromString,
        )
        self.read: aio.UnaryStreamMultiCallable[
            content_pb2.ReadContentRequest, content_pb2.ReadContentResponse
        ] = channel.unary_stream(
            "/containerd.services.content.v1.Content/Read",
            request_serializer=content_pb2.ReadContentRequest.SerializeToString,
            response_deserializer=content_pb2.ReadContentResponse.FromString,
        )
        self.status: aio.UnaryUnaryMultiCallable[
            content_pb2.StatusRequest, content_pb2.StatusResponse
        ] = channel.unary_unary(
            "/containerd.services.content.v1.Content/Status",
            request_serializer=content_pb2.StatusRequest.SerializeToString,
            response_deserializer=content_pb2.StatusResponse.FromString,
        )
        self.list_statuses: aio.UnaryUnaryMultiCallable[
            content_pb2.ListStatusesRequest, content_pb2.ListStatusesResponse
        ] = channel.unary_unary(
            "/containerd.services.content.v1.Content/ListStatuses",
            request_serializer=content_pb2.ListStatusesRequest.SerializeToString,
            response_deserializer=content_pb2.ListStatusesResponse.FromString,
        )
        self.write: aio.StreamStreamMultiCallable[
            content_pb2.WriteContentRequest, content_pb2.WriteContentResponse
        ] = channel.stream_stream(
            "/containerd.services.content.v1.Content/Write",
            request_serializer=content_pb2.WriteContentRequest.SerializeToString,
            response_deserializer=content_pb2.WriteContentResponse.FromString,
        )
        self.abort: aio.UnaryUnaryMultiCallable[
            content_pb2.AbortRequest, empty_pb2.Empty
        ] = channel.unary_unary(
            "/containerd.services.content.v1.Content/Abort",
            request_serializer=content_pb2.AbortRequest.SerializeToString,
            response_deserializer=empty_pb2.Empty.FromString,
        )
