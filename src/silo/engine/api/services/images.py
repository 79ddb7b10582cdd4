"""containerd.services.images.v1 as typed calls; written by tools/engine_api.py, not by hand."""

from google.protobuf import empty_pb2
from grpc import aio

from silo.engine.api import images_pb2


class Images:
    """Calls of containerd.services.images.v1."""

    def __init__(self, channel: aio.Channel) -> None:
        self.get: aio.UnaryUnaryMultiCallable[
            images_pb2.GetImageRequest, images_pb2.GetImageResponse
        ] = channel.unary_unary(
            "/containerd.services.images.v1.Images/Get",
            request_serializer=images_pb2.GetImageRequest.SerializeToString,
            response_deserializer=images_pb2.GetImageResponse.FromString,
        )
        self.list: aio.UnaryUnaryMultiCallable[
            images_pb2.ListImagesRequest, images_pb2.ListImagesResponse
        ] = channel.unary_unary(
            "/containerd.services.images.v1.Images/List",
            request_serializer=images_pb2.ListImagesRequest.SerializeToString,
            response_deserializer=images_pb2.ListImagesResponse.FromString,
        )
        self.create: aio.UnaryUnaryMultiCallable[
            images_pb2.CreateImageRequest, images_pb2.CreateImageResponse
        ] = channel.unary_unary(
            "/containerd.services.images.v1.Images/Create",
            request_serializer=images_pb2.CreateImageRequest.SerializeToString,
            response_deserializer=images_pb2.CreateImageResponse.FromString,
        )
        self.update: aio.UnaryUnaryMultiCallable[
            images_pb2.UpdateImageRequest, images_pb2.UpdateImageResponse
        ] = channel.unary_unary(
            "/containerd.services.images.v1.Images/Update",
            request_serializer=images_pb2.UpdateImageRequest.SerializeToString,
            response_deserializer=images_pb2.UpdateImageResponse.FromString,
        )
        self.delete: aio.UnaryUnaryMultiCallable[
            images_pb2.DeleteImageRequest, empty_pb2.Empty
        ] = channel.unary_unary(
            "/containerd.services.images.v1.Images/Delete",
            request_serializer=images_pb2.DeleteImageRequest.SerializeToString,
            response_deserializer=empty_pb2.Empty.FromString,
        )
