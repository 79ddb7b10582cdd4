"""containerd.services.containers.v1 as typed calls; written by tools/engine_api.py, not by hand."""

from google.protobuf import empty_pb2
from grpc import aio

from silo.engine.api import containers_pb2


class Containers:
    """Calls of containerd.services.containers.v1."""

    def __init__(self, channel: aio.Channel) -> None:
        self.get: aio.UnaryUnaryMultiCallable[
            containers_pb2.GetContainerRequest, containers_pb2.GetContainerResponse
        ] = channel.unary_unary(
            "/containerd.services.containers.v1.Containers/Get",
            request_serializer=containers_pb2.GetContainerRequest.SerializeToString,
            response_deserializer=containers_pb2.GetContainerResponse.FromString,
        )
        self.list: aio.UnaryUnaryMultiCallable[
            containers_pb2.ListContainersRequest, containers_pb2.ListContainersResponse
        ] = channel.unary_unary(
            "/containerd.services.containers.v1.Containers/List",
            request_serializer=containers_pb2.ListContainersRequest.SerializeToString,
            response_deserializer=containers_pb2.ListContainersResponse.FromString,
        )
        self.list_stream: aio.UnaryStreamMultiCallable[
            containers_pb2.ListContainersRequest, containers_pb2.ListContainerMessage
        ] = channel.unary_stream(
            "/containerd.services.containers.v1.Containers/ListStream",
            request_serializer=containers_pb2.ListContainersRequest.SerializeToString,
            response_deserializer=containers_pb2.ListContainerMessage.FromString,
        )
        self.create: aio.UnaryUnaryMultiCallable[
            containers_pb2.CreateContainerRequest, containers_pb2.CreateContainerResponse
        ] = channel.unary_unary(
            "/containerd.services.containers.v1.Containers/Create",
            request_serializer=containers_pb2.CreateContainerRequest.SerializeToString,
            response_deserializer=containers_pb2.CreateContainerResponse.FromString,
        )
        self.update: aio.UnaryUnaryMultiCallable[
            containers_pb2.UpdateContainerRequest, containers_pb2.UpdateContainerResponse
        ] = channel.unary_unary(
            "/containerd.services.containers.v1.Containers/Update",
            request_serializer=containers_pb2.UpdateContainerRequest.SerializeToString,
            response_deserializer=containers_pb2.UpdateContainerResponse.FromString,
        )
        self.delete: aio.UnaryUnaryMultiCallable[
            containers_pb2.DeleteContainerRequest, empty_pb2.Empty
        ] = channel.unary_unary(
            "/containerd.services.containers.v1.Containers/Delete",
            request_serializer=containers_pb2.DeleteContainerRequest.SerializeToString,
            response_deserializer=empty_pb2.Empty.FromString,
        )
