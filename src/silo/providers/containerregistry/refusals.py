"""What Azure has around a registry and this instance has not yet: said so, never pretended.

Lists are truly empty and items truly missing, so tools that look first go on; making one is
refused with the reason.
"""

from collections.abc import Iterator
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class Refusals:
    """The operations that say what is not there."""

    resources: arm.Resources

    def list_operations(self) -> Iterator[arm.Operation]:
        """Yield each with its reason."""
        for child, what in _CHILDREN.items():
            items = f"{_REGISTRY}/{child}"
            item = f"{items}/{{child}}"
            rows = (
                ("read", "GET", items, self._list_nothing, 200),
                ("read", "GET", item, self._find_nothing, 404),
                ("write", "PUT", item, self._refuse(what), 400),
                ("write", "PATCH", item, self._find_nothing, 404),
                ("delete", "DELETE", item, self._delete_nothing, 204),
            )
            for verb, method, path, handler, status in rows:
                yield arm.Operation(
                    f"{_TYPE}/{child}/{verb}",
                    method,
                    path,
                    handler,
                    statuses=(status,),
                    coverage=_render_coverage(what),
                )
        for action, what in _ACTIONS.items():
            yield arm.Operation(
                f"{_TYPE}/{action}/action",
                "POST",
                f"{_REGISTRY}/{action}",
                self._refuse(what),
                statuses=(400,),
                coverage=_render_coverage(what),
            )

    def _refuse(self, what: str) -> arm.Handler:
        async def refuse(_call: arm.Call, match: arm.Match, _body: Any) -> arm.Reply:
            self._check_registry(match)
            raise NotSupported(what)

        return refuse

    async def _list_nothing(self, _call: arm.Call, match: arm.Match, _body: Any) -> arm.Reply:
        self._check_registry(match)
        return arm.Reply(200, {"value": []})

    async def _find_nothing(self, _call: arm.Call, match: arm.Match, _body: Any) -> arm.Reply:
        self._check_registry(match)
        raise arm.ResourceNotFound(f"The resource '{match.id}' was not found.")

    async def _delete_nothing(self, _call: arm.Call, match: arm.Match, _body: Any) -> arm.Reply:
        self._check_registry(match)
        return arm.Reply(204)

    def _check_registry(self, match: arm.Match) -> None:
        """Refuse what is asked of a registry that does not exist."""
        parent = match.id.parent
        owner = match.id if match.id.type == "registries" or parent is None else parent
        self.resources.store.read_now(lambda conn: self.resources.get(conn, owner))


def _render_coverage(what: str) -> str:
    return f"refused: {what[0].lower()}{what[1:]} is not supported yet"
