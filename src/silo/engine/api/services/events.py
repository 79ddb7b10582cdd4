"""containerd.services.events.v1 as typed calls; written by tools/engine_api.py, not by hand."""

from google.protobuf import empty_pb2
from grpc import aio

from silo.engine.api import envelope_pb2
from silo.engine.api import events_pb2


class Events:
    """Calls of containerd.services.events.v1."""

    def __init__(self, channel: aio.Channel) -> None:
        self.publish: aio.UnaryUnaryMultiCallable[
            events_pb2.PublishRequest, empty_pb2.Empty
        ] = channel.unary_unary(
            "/containerd.services.events.v1.Events/Publish",
            request_serializer=events_pb2.PublishRequest.SerializeToString,
            response_deserializer=empty_pb2.Empty.FromString,
        )
        self.forward: aio.UnaryUnaryMultiCallable[
            events_pb2.ForwardRequest, empty_pb2.Empty
        ] = channel.unary_unary(
            "/containerd.services.events.v1.Events/Forward",
            request_serializer=events_pb2.ForwardRequest.SerializeToString,
            response_deserializer=empty_pb2.Empty.FromString,
        )
        self.subscribe: aio.UnaryStreamMultiCallable[
            events_pb2.SubscribeRequest, envelope_pb2.Envelope
        ] = channel.unary_stream(
            "/containerd.services.events.v1.Events/Subscribe",
            request_serializer=events_pb2.SubscribeRequest.SerializeToString,
            response_deserializer=envelope_pb2.Envelope.FromString,
        )
