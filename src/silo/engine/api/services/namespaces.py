"""containerd.services.namespaces.v1 as typed calls; written by tools/engine_api.py, not by hand."""

from google.protobuf import empty_pb2
from grpc import aio

from silo.engine.api import namespaces_pb2


class Namespaces:
    """Calls of containerd.services.namespaces.v1."""

    def __init__(self, channel: aio.Channel) -> None:
        self.get: aio.UnaryUnaryMultiCallable[
            namespaces_pb2.GetNamespaceRequest, namespaces_pb2.GetNamespaceResponse
        ] = channel.unary_unary(
            "/containerd.services.namespaces.v1.Namespaces/Get",
            request_serializer=namespaces_pb2.GetNamespaceRequest.SerializeToString,
            response_deserializer=namespaces_pb2.GetNamespaceResponse.FromString,
        )
        self.list: aio.UnaryUnaryMultiCallable[
            namespaces_pb2.ListNamespacesRequest, namespaces_pb2.ListNamespacesResponse
        ] = channel.unary_unary(
            "/containerd.services.namespaces.v1.Namespaces/List",
            request_serializer=namespaces_pb2.ListNamespacesRequest.SerializeToString,
            response_deserializer=namespaces_pb2.ListNamespacesResponse.FromString,
        )
        self.create: aio.UnaryUnaryMultiCallable[
            namespaces_pb2.CreateNamespaceRequest, namespaces_pb2.CreateNamespaceResponse
        ] = channel.unary_unary(
            "/containerd.services.namespaces.v1.Namespaces/Create",
            request_serializer=namespaces_pb2.CreateNamespaceRequest.SerializeToString,
            response_deserializer=namespaces_pb2.CreateNamespaceResponse.FromString,
        )
        self.update: aio.UnaryUnaryMultiCallable[
            namespaces_pb2.UpdateNamespaceRequest, namespaces_pb2.UpdateNamespaceResponse
        ] = channel.unary_unary(
            "/containerd.services.namespaces.v1.Namespaces/Update",
            request_serializer=namespaces_pb2.UpdateNamespaceRequest.SerializeToString,
            response_deserializer=namespaces_pb2.UpdateNamespaceResponse.FromString,
        )
        self.delete: aio.UnaryUnaryMultiCallable[
            namespaces_pb2.DeleteNamespaceRequest, empty_pb2.Empty
        ] = channel.unary_unary(
            "/containerd.services.namespaces.v1.Namespaces/Delete",
            request_serializer=namespaces_pb2.DeleteNamespaceRequest.SerializeToString,
            response_deserializer=empty_pb2.Empty.FromString,
        )
