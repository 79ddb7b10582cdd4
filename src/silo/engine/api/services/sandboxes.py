"""containerd.services.sandbox.v1 as typed calls; written by tools/engine_api.py, not by hand."""

from grpc import aio

from silo.engine.api import sandboxes_pb2


class Store:
    """Calls of containerd.services.sandbox.v1."""

    def __init__(self, channel: aio.Channel) -> None:
        self.create: aio.UnaryUnaryMultiCallable[
            sandboxes_pb2.StoreCreateRequest, sandboxes_pb2.StoreCreateResponse
        ] = channel.unary_unary(
            "/containerd.services.sandbox.v1.Store/Create",
            request_serializer=sandboxes_pb2.StoreCreateRequest.SerializeToString,
            response_deserializer=sandboxes_pb2.StoreCreateResponse.FromString,
        )
        self.update: aio.UnaryUnaryMultiCallable[
            sandboxes_pb2.StoreUpdateRequest, sandboxes_pb2.StoreUpdateResponse
        ] = channel.unary_unary(
            "/containerd.services.sandbox.v1.Store/Update",
            request_serializer=sandboxes_pb2.StoreUpdateRequest.SerializeToString,
            response_deserializer=sandboxes_pb2.StoreUpdateResponse.FromString,
        )
        self.delete: aio.UnaryUnaryMultiCallable[
            sandboxes_pb2.StoreDeleteRequest, sandboxes_pb2.StoreDeleteResponse
        ] = channel.unary_unary(
            "/containerd.services.sandbox.v1.Store/Delete",
            request_serializer=sandboxes_pb2.StoreDeleteRequest.SerializeToString,
            response_deserializer=sandboxes_pb2.StoreDeleteResponse.FromString,
        )
        self.list: aio.UnaryUnaryMultiCallable[
            sandboxes_pb2.StoreListRequest, sandboxes_pb2.StoreListResponse
        ] = channel.unary_unary(
            "/containerd.services.sandbox.v1.Store/List",
            request_serializer=sandboxes_pb2.StoreListRequest.SerializeToString,
            response_deserializer=sandboxes_pb2.StoreListResponse.FromString,
        )
        self.get: aio.UnaryUnaryMultiCallable[
            sandboxes_pb2.StoreGetRequest, sandboxes_pb2.StoreGetResponse
        ] = channel.unary_unary(
            "/containerd.services.sandbox.v1.Store/Get",
            request_serializer=sandboxes_pb2.StoreGetRequest.SerializeToString,
            response_deserializer=sandboxes_pb2.StoreGetResponse.FromString,
        )
