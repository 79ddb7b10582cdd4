"""What Azure has around a registry and this instance has not yet: said so, never pretended.

Lists are truly empty and items truly missing, so tools that look first go on; making one is
refused with the reason.
"""

from collections.abc import Iterator
from typing import Any

from silo import arm

from .errors import NotSupported

_REGISTRY = (
    "/subscriptions/{subscription}/resourceGroups/{group}"
    "/providers/Microsoft.ContainerRegistry/registries/{name}"
)
_TYPE = "Microsoft.ContainerRegistry/registries"
_CHILDREN = {
    "agentPools": "An agent pool",
    "archives": "An archive",
    "cacheRules": "A cache rule",
    "connectedRegistries": "A connected registry",
    "credentialSets": "A credential set",
    "exportPipelines": "An export pipeline",
    "importPipelines": "An import pipeline",
    "pipelineRuns": "A pipeline run",
    "privateEndpointConnections": "A private endpoint",
    "replications": "Geo-replication",
    "runs": "A task run",
    "scopeMaps": "A scope map",
    "taskRuns": "A task run",
    "tasks": "A task",
    "tokens": "A repository-scoped token",
    "webhooks": "A webhook",
}
_ACTIONS = {
    "generateCredentials": "A repository-scoped token",
    "importImage": "Importing an image",
    "listBuildSourceUploadUrl": "Building an image",
    "scheduleRun": "Running a task",
}


def list_refusals() -> Iterator[arm.Operation]:
    """Yield the operations that say what is not there."""
    for child, what in _CHILDREN.items():
        coverage = f"refused: {what[0].lower()}{what[1:]} is not supported yet"
        items = f"{_REGISTRY}/{child}"
        item = f"{items}/{{child}}"
        rows = (
            ("read", "GET", items, _list_nothing, 200),
            ("read", "GET", item, _find_nothing, 404),
            ("write", "PUT", item, _refuse(what), 400),
            ("write", "PATCH", item, _find_nothing, 404),
            ("delete", "DELETE", item, _delete_nothing, 204),
        )
        for verb, method, path, handler, status in rows:
            yield arm.Operation(
                f"{_TYPE}/{child}/{verb}",
                method,
                path,
                handler,
                statuses=(status,),
                coverage=coverage,
            )
    for action, what in _ACTIONS.items():
        yield arm.Operation(
            f"{_TYPE}/{action}/action",
            "POST",
            f"{_REGISTRY}/{action}",
            _refuse(what),
            statuses=(400,),
            coverage=f"refused: {what[0].lower()}{what[1:]} is not supported yet",
        )


def _refuse(what: str) -> arm.Handler:
    async def refuse(_call: arm.Call, _match: arm.Match, _body: Any) -> arm.Reply:
        raise NotSupported(what)

    return refuse


async def _list_nothing(_call: arm.Call, _match: arm.Match, _body: Any) -> arm.Reply:
    return arm.Reply(200, {"value": []})


async def _find_nothing(_call: arm.Call, match: arm.Match, _body: Any) -> arm.Reply:
    raise arm.ResourceNotFound(f"The resource '{match.id}' was not found.")


async def _delete_nothing(_call: arm.Call, _match: arm.Match, _body: Any) -> arm.Reply:
    return arm.Reply(204)
