"""``runCommand``: a command line runs in a cluster with the rights of whoever gives it."""

import base64
import binascii
import re
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from silo import arm, kube

from . import errors
from .surroundings import Surroundings
from .wish import plan_cluster, read_cluster, read_wish

_CREDENTIAL = "Microsoft.ContainerService/managedClusters/listClusterUserCredential/action"
_LINE_CHARACTERS = 64 << 10
_FILES_BYTES = 640 << 10
"""A secret of Kubernetes' holds a mebibyte at the most, line and kubeconfig included."""
_RETRY = {"x-ms-retry-after-ms": "500"}
_NAME = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class Commands:
    """The handlers of ``runCommand`` and ``commandResults``."""

    around: Surroundings

    async def run(self, call: arm.Call, resource: arm.Resource, body: Any) -> arm.Reply:
        """Begin a command; where its result will be is in ``Location``."""
        given = arm.require_object(body)
        if not read_wish(resource).reached:
            raise errors.ClusterNotReady(resource.id.name)
        kubeconfig = self._sign_in(call, resource, str(given.get("clusterToken") or ""))
        command = kube.Command(_read_line(given), _read_files(given), kubeconfig)
        name = uuid.uuid4().hex
        async with self._open(resource) as api:
            # It does something: that it was given is on record before.
            await self.around.resources.store.write(
                lambda conn: call.record(conn, 202, command=name)
            )
            await kube.begin_command(api, name, command, call.now)
        return arm.Reply(202, None, self._point(call, resource, name))

    async def show(self, call: arm.Call, match: arm.Match, _body: Any) -> arm.Reply:
        """Answer the result of a command, 202 while there is none yet."""
        cluster, name = match.id.parent or match.id, match["command"]
        resources = self.around.resources
        resource = resources.store.read_now(lambda conn: resources.get(conn, cluster))
        if not _NAME.fullmatch(name):
            raise errors.CommandNotFound(name)
        async with self._open(resource) as api:
            result = await kube.find_command(api, name)
        if result is None:
            raise errors.CommandNotFound(name)
        if not result.ended:
            # Clients look at the body for the state, also while there is no result.
            running = {"id": name, "properties": {"provisioningState": "Running"}}
            return arm.Reply(202, running, self._point(call, resource, name))
        return arm.Reply(200, {"id": name, "properties": _render(result)})

    def _sign_in(self, call: arm.Call, resource: arm.Resource, token: str) -> str:
        """Return a kubeconfig with the caller's own rights."""
        cluster, user = (
            read_cluster(resource),
            f"clusterUser_{resource.id.group}_{resource.id.name}",
        )
        paths, within = self.around.locate(resource.uid), plan_cluster(resource).api_service
        if cluster.aad_profile is not None:
            if not token:
                raise errors.ClusterTokenRequired
            text = kube.render_token(paths, within, resource.id.name, user, token)
        else:
            # There it is the certificate that anybody gets who may ask for it, and nobody else.
            if not call.allows(_CREDENTIAL, resource.id.text):
                raise call.refusal(_CREDENTIAL, resource.id.text)
            text = kube.render_brief_admin(
                paths, within, resource.id.name, user, now=call.now, life=kube.COMMAND_LIFE
            )
        if text is None:
            raise errors.ClusterNotReady(resource.id.name)
        return text

    @asynccontextmanager
    async def _open(self, resource: arm.Resource) -> AsyncIterator[kube.Api]:
        reason = self.around.unavailable()
        if reason:
            raise errors.KubernetesUnavailable(reason)
        if not read_wish(resource).running:
            raise errors.ClusterStopped
        try:
            api = kube.Api(plan_cluster(resource), self.around.locate(resource.uid))
        except OSError:
            raise errors.ClusterNotReady(resource.id.name) from None
        try:
            yield api
        except kube.KubeError as error:
            raise errors.CommandFailed(str(error)) from error
        finally:
            await api.close()

    def _point(self, call: arm.Call, resource: arm.Resource, name: str) -> dict[str, str]:
        place = f"{call.urls.resource_manager}{resource.id.text}/commandResults/{name}"
        return {"location": f"{place}?api-version={call.api_version}", **_RETRY}


def _read_line(given: Any) -> str:
    line = given.get("command")
    if not isinstance(line, str) or not line.strip() or len(line) > _LINE_CHARACTERS:
        raise errors.CommandInvalid("command", "it has to be a command line of at most 64 KiB")
    return line


def _read_files(given: Any) -> str:
    text = given.get("context") or ""
    if not isinstance(text, str):
        raise errors.CommandInvalid("context", "it has to be a zip archive in base64")
    try:
        # Clients break the lines.
        found = base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        raise errors.CommandInvalid("context", "it has to be a zip archive in base64") from None
    if len(found) > _FILES_BYTES:
        raise errors.CommandInvalid("context", "attached files may come to 640 KiB, packed")
    return base64.b64encode(found).decode()


def _render(result: kube.CommandResult) -> dict[str, Any]:
    if result.exit_code is None:
        return {"provisioningState": "Failed", "reason": result.reason}
    return {
        "provisioningState": "Succeeded",
        "exitCode": result.exit_code,
        "startedAt": result.started,
        "finishedAt": result.finished,
        "logs": result.log,
    }
