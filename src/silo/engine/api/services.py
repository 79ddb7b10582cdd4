"""containerd's services as typed calls; written by tools/engine_api.py, not by hand."""

from google.protobuf import empty_pb2
from grpc import aio

from silo.engine.api import containers_pb2
from silo.engine.api import content_pb2
from silo.engine.api import diff_pb2
from silo.engine.api import envelope_pb2
from silo.engine.api import events_pb2
from silo.engine.api import images_pb2
from silo.engine.api import leases_pb2
from silo.engine.api import namespaces_pb2
from silo.engine.api import sandboxes_pb2
from silo.engine.api import snapshots_pb2
from silo.engine.api import tasks_pb2
from silo.engine.api import version_pb2


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


class Tasks:
    """Calls of containerd.services.tasks.v1."""

    def __init__(self, channel: aio.Channel) -> None:
        self.create: aio.UnaryUnaryMultiCallable[
            tasks_pb2.CreateTaskRequest, tasks_pb2.CreateTaskResponse
        ] = channel.unary_unary(
            "/containerd.services.tasks.v1.Tasks/Create",
            request_serializer=tasks_pb2.CreateTaskRequest.SerializeToString,
            response_deserializer=tasks_pb2.CreateTaskResponse.FromString,
        )
        self.start: aio.UnaryUnaryMultiCallable[
            tasks_pb2.StartRequest, tasks_pb2.StartResponse
        ] = channel.unary_unary(
            "/containerd.services.tasks.v1.Tasks/Start",
            request_serializer=tasks_pb2.StartRequest.SerializeToString,
            response_deserializer=tasks_pb2.StartResponse.FromString,
        )
        self.delete: aio.UnaryUnaryMultiCallable[
            tasks_pb2.DeleteTaskRequest, tasks_pb2.DeleteResponse
        ] = channel.unary_unary(
            "/containerd.services.tasks.v1.Tasks/Delete",
            request_serializer=tasks_pb2.DeleteTaskRequest.SerializeToString,
            response_deserializer=tasks_pb2.DeleteResponse.FromString,
        )
        self.delete_process: aio.UnaryUnaryMultiCallable[
            tasks_pb2.DeleteProcessRequest, tasks_pb2.DeleteResponse
        ] = channel.unary_unary(
            "/containerd.services.tasks.v1.Tasks/DeleteProcess",
            request_serializer=tasks_pb2.DeleteProcessRequest.SerializeToString,
            response_deserializer=tasks_pb2.DeleteResponse.FromString,
        )
        self.get: aio.UnaryUnaryMultiCallable[
            tasks_pb2.GetRequest, tasks_pb2.GetResponse
        ] = channel.unary_unary(
            "/containerd.services.tasks.v1.Tasks/Get",
            request_serializer=tasks_pb2.GetRequest.SerializeToString,
            response_deserializer=tasks_pb2.GetResponse.FromString,
        )
        self.list: aio.UnaryUnaryMultiCallable[
            tasks_pb2.ListTasksRequest, tasks_pb2.ListTasksResponse
        ] = channel.unary_unary(
            "/containerd.services.tasks.v1.Tasks/List",
            request_serializer=tasks_pb2.ListTasksRequest.SerializeToString,
            response_deserializer=tasks_pb2.ListTasksResponse.FromString,
        )
        self.kill: aio.UnaryUnaryMultiCallable[
            tasks_pb2.KillRequest, empty_pb2.Empty
        ] = channel.unary_unary(
            "/containerd.services.tasks.v1.Tasks/Kill",
            request_serializer=tasks_pb2.KillRequest.SerializeToString,
            response_deserializer=empty_pb2.Empty.FromString,
        )
        self.exec: aio.UnaryUnaryMultiCallable[
            tasks_pb2.ExecProcessRequest, empty_pb2.Empty
        ] = channel.unary_unary(
            "/containerd.services.tasks.v1.Tasks/Exec",
            request_serializer=tasks_pb2.ExecProcessRequest.SerializeToString,
            response_deserializer=empty_pb2.Empty.FromString,
        )
        self.resize_pty: aio.UnaryUnaryMultiCallable[
            tasks_pb2.ResizePtyRequest, empty_pb2.Empty
        ] = channel.unary_unary(
            "/containerd.services.tasks.v1.Tasks/ResizePty",
            request_serializer=tasks_pb2.ResizePtyRequest.SerializeToString,
            response_deserializer=empty_pb2.Empty.FromString,
        )
        self.close_io: aio.UnaryUnaryMultiCallable[
            tasks_pb2.CloseIORequest, empty_pb2.Empty
        ] = channel.unary_unary(
            "/containerd.services.tasks.v1.Tasks/CloseIO",
            request_serializer=tasks_pb2.CloseIORequest.SerializeToString,
            response_deserializer=empty_pb2.Empty.FromString,
        )
        self.pause: aio.UnaryUnaryMultiCallable[
            tasks_pb2.PauseTaskRequest, empty_pb2.Empty
        ] = channel.unary_unary(
            "/containerd.services.tasks.v1.Tasks/Pause",
            request_serializer=tasks_pb2.PauseTaskRequest.SerializeToString,
            response_deserializer=empty_pb2.Empty.FromString,
        )
        self.resume: aio.UnaryUnaryMultiCallable[
            tasks_pb2.ResumeTaskRequest, empty_pb2.Empty
        ] = channel.unary_unary(
            "/containerd.services.tasks.v1.Tasks/Resume",
            request_serializer=tasks_pb2.ResumeTaskRequest.SerializeToString,
            response_deserializer=empty_pb2.Empty.FromString,
        )
        self.list_pids: aio.UnaryUnaryMultiCallable[
            tasks_pb2.ListPidsRequest, tasks_pb2.ListPidsResponse
        ] = channel.unary_unary(
            "/containerd.services.tasks.v1.Tasks/ListPids",
            request_serializer=tasks_pb2.ListPidsRequest.SerializeToString,
            response_deserializer=tasks_pb2.ListPidsResponse.FromString,
        )
        self.checkpoint: aio.UnaryUnaryMultiCallable[
            tasks_pb2.CheckpointTaskRequest, tasks_pb2.CheckpointTaskResponse
        ] = channel.unary_unary(
            "/containerd.services.tasks.v1.Tasks/Checkpoint",
            request_serializer=tasks_pb2.CheckpointTaskRequest.SerializeToString,
            response_deserializer=tasks_pb2.CheckpointTaskResponse.FromString,
        )
        self.update: aio.UnaryUnaryMultiCallable[
            tasks_pb2.UpdateTaskRequest, empty_pb2.Empty
        ] = channel.unary_unary(
            "/containerd.services.tasks.v1.Tasks/Update",
            request_serializer=tasks_pb2.UpdateTaskRequest.SerializeToString,
            response_deserializer=empty_pb2.Empty.FromString,
        )
        self.metrics: aio.UnaryUnaryMultiCallable[
            tasks_pb2.MetricsRequest, tasks_pb2.MetricsResponse
        ] = channel.unary_unary(
            "/containerd.services.tasks.v1.Tasks/Metrics",
            request_serializer=tasks_pb2.MetricsRequest.SerializeToString,
            response_deserializer=tasks_pb2.MetricsResponse.FromString,
        )
        self.wait: aio.UnaryUnaryMultiCallable[
            tasks_pb2.WaitRequest, tasks_pb2.WaitResponse
        ] = channel.unary_unary(
            "/containerd.services.tasks.v1.Tasks/Wait",
            request_serializer=tasks_pb2.WaitRequest.SerializeToString,
            response_deserializer=tasks_pb2.WaitResponse.FromString,
        )


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
