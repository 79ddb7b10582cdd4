"""containerd.services.snapshots.v1 as typed calls; written by tools/engine_api.py, not by hand."""

from google.protobuf import empty_pb2
from grpc import aio

from silo.engine.api import snapshots_pb2


class Snapshots:
    """Calls of containerd.services.snapshots.v1."""

    def __init__(self, channel: aio.Channel) -> None:
        self.prepare: aio.UnaryUnaryMultiCallable[
            snapshots_pb2.PrepareSnapshotRequest, snapshots_pb2.PrepareSnapshotResponse
        ] = channel.unary_unary(
            "/containerd.services.snapshots.v1.Snapshots/Prepare",
            request_serializer=snapshots_pb2.PrepareSnapshotRequest.SerializeToString,
            response_deserializer=snapshots_pb2.PrepareSnapshotResponse.FromString,
        )
        self.view: aio.UnaryUnaryMultiCallable[
            snapshots_pb2.ViewSnapshotRequest, snapshots_pb2.ViewSnapshotResponse
        ] = channel.unary_unary(
            "/containerd.services.snapshots.v1.Snapshots/View",
            request_serializer=snapshots_pb2.ViewSnapshotRequest.SerializeToString,
            response_deserializer=snapshots_pb2.ViewSnapshotResponse.FromString,
        )
        self.mounts: aio.UnaryUnaryMultiCallable[
            snapshots_pb2.MountsRequest, snapshots_pb2.MountsResponse
        ] = channel.unary_unary(
            "/containerd.services.snapshots.v1.Snapshots/Mounts",
            request_serializer=snapshots_pb2.MountsRequest.SerializeToString,
            response_deserializer=snapshots_pb2.MountsResponse.FromString,
        )
        self.commit: aio.UnaryUnaryMultiCallable[
            snapshots_pb2.CommitSnapshotRequest, empty_pb2.Empty
        ] = channel.unary_unary(
            "/containerd.services.snapshots.v1.Snapshots/Commit",
            request_serializer=snapshots_pb2.CommitSnapshotRequest.SerializeToString,
            response_deserializer=empty_pb2.Empty.FromString,
        )
        self.remove: aio.UnaryUnaryMultiCallable[
            snapshots_pb2.RemoveSnapshotRequest, empty_pb2.Empty
        ] = channel.unary_unary(
            "/containerd.services.snapshots.v1.Snapshots/Remove",
            request_serializer=snapshots_pb2.RemoveSnapshotRequest.SerializeToString,
            response_deserializer=empty_pb2.Empty.FromString,
        )
        self.stat: aio.UnaryUnaryMultiCallable[
            snapshots_pb2.StatSnapshotRequest, snapshots_pb2.StatSnapshotResponse
        ] = channel.unary_unary(
            "/containerd.services.snapshots.v1.Snapshots/Stat",
            request_serializer=snapshots_pb2.StatSnapshotRequest.SerializeToString,
            response_deserializer=snapshots_pb2.StatSnapshotResponse.FromString,
        )
        self.update: aio.UnaryUnaryMultiCallable[
            snapshots_pb2.UpdateSnapshotRequest, snapshots_pb2.UpdateSnapshotResponse
        ] = channel.unary_unary(
            "/containerd.services.snapshots.v1.Snapshots/Update",
            request_serializer=snapshots_pb2.UpdateSnapshotRequest.SerializeToString,
            response_deserializer=snapshots_pb2.UpdateSnapshotResponse.FromString,
        )
        self.list: aio.UnaryStreamMultiCallable[
            snapshots_pb2.ListSnapshotsRequest, snapshots_pb2.ListSnapshotsResponse
        ] = channel.unary_stream(
            "/containerd.services.snapshots.v1.Snapshots/List",
            request_serializer=snapshots_pb2.ListSnapshotsRequest.SerializeToString,
            response_deserializer=snapshots_pb2.ListSnapshotsResponse.FromString,
        )
        self.usage: aio.UnaryUnaryMultiCallable[
            snapshots_pb2.UsageRequest, snapshots_pb2.UsageResponse
        ] = channel.unary_unary(
            "/containerd.services.snapshots.v1.Snapshots/Usage",
            request_serializer=snapshots_pb2.UsageRequest.SerializeToString,
            response_deserializer=snapshots_pb2.UsageResponse.FromString,
        )
        self.cleanup: aio.UnaryUnaryMultiCallable[
            snapshots_pb2.CleanupRequest, empty_pb2.Empty
        ] = channel.unary_unary(
            "/containerd.services.snapshots.v1.Snapshots/Cleanup",
            request_serializer=snapshots_pb2.CleanupRequest.SerializeToString,
            response_deserializer=empty_pb2.Empty.FromString,
        )
