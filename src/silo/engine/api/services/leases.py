"""containerd.services.leases.v1 as typed calls; written by tools/engine_api.py, not by hand."""

from google.protobuf import empty_pb2
from grpc import aio

from silo.engine.api import leases_pb2


class Leases:
    """Calls of containerd.services.leases.v1."""

    def __init__(self, channel: aio.Channel) -> None:
        self.create: aio.UnaryUnaryMultiCallable[
            leases_pb2.CreateRequest, leases_pb2.CreateResponse
        ] = channel.unary_unary(
            "/containerd.services.leases.v1.Leases/Create",
            request_serializer=leases_pb2.CreateRequest.SerializeToString,
            response_deserializer=leases_pb2.CreateResponse.FromString,
        )
        self.delete: aio.UnaryUnaryMultiCallable[
            leases_pb2.DeleteRequest, empty_pb2.Empty
        ] = channel.unary_unary(
            "/containerd.services.leases.v1.Leases/Delete",
            request_serializer=leases_pb2.DeleteRequest.SerializeToString,
            response_deserializer=empty_pb2.Empty.FromString,
        )
        self.list: aio.UnaryUnaryMultiCallable[
            leases_pb2.ListRequest, leases_pb2.ListResponse
        ] = channel.unary_unary(
            "/containerd.services.leases.v1.Leases/List",
            request_serializer=leases_pb2.ListRequest.SerializeToString,
            response_deserializer=leases_pb2.ListResponse.FromString,
        )
        self.add_resource: aio.UnaryUnaryMultiCallable[
            leases_pb2.AddResourceRequest, empty_pb2.Empty
        ] = channel.unary_unary(
            "/containerd.services.leases.v1.Leases/AddResource",
            request_serializer=leases_pb2.AddResourceRequest.SerializeToString,
            response_deserializer=empty_pb2.Empty.FromString,
        )
        self.delete_resource: aio.UnaryUnaryMultiCallable[
            leases_pb2.DeleteResourceRequest, empty_pb2.Empty
        ] = channel.unary_unary(
            "/containerd.services.leases.v1.Leases/DeleteResource",
            request_serializer=leases_pb2.DeleteResourceRequest.SerializeToString,
            response_deserializer=empty_pb2.Empty.FromString,
        )
        self.list_resources: aio.UnaryUnaryMultiCallable[
            leases_pb2.ListResourcesRequest, leases_pb2.ListResourcesResponse
        ] = channel.unary_unary(
            "/containerd.services.leases.v1.Leases/ListResources",
            request_serializer=leases_pb2.ListResourcesRequest.SerializeToString,
            response_deserializer=leases_pb2.ListResourcesResponse.FromString,
        )
