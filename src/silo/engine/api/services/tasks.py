"""containerd.services.tasks.v1 as typed calls; written by tools/engine_api.py, not by hand."""

from google.protobuf import empty_pb2
from grpc import aio

from silo.engine.api import tasks_pb2


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
