"""Commands that run in a cluster, each as a pod of its own with the rights of whoever gave it.

What is to be told of one is on its pod, so nothing of it is kept here. The pod's image holds a
shell alone; kubectl is the node's own program, mounted.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from .api import Api
from .errors import StepFailed
from .nodes import KUBERNETES

NAMESPACE = "aks-command"
IMAGE = "localhost/silo/command:1"
COMMAND_LIFE = timedelta(hours=1)
"""How long a command may run, what it signs in with is good, and its pod is kept."""
LOG_BYTES = 512 << 10
"""The most of a log that is told, as on AKS."""
_SECRETS = f"/api/v1/namespaces/{NAMESPACE}/secrets"
_PODS = f"/api/v1/namespaces/{NAMESPACE}/pods"
_GIVEN, _WORK, _KUBERNETES = "/given", "/work", "/kubernetes"
_NOBODY = 65535
_STUCK = frozenset(
    {"ErrImageNeverPull", "CreateContainerConfigError", "CreateContainerError", "RunContainerError"}
)


@dataclass(frozen=True, slots=True)
class Command:
    """What is to be run."""

    line: str
    """For a shell."""
    archive: str
    """A zip with its files, in base64; may be empty."""
    kubeconfig: str


@dataclass(frozen=True, slots=True)
class CommandResult:
    """How far a command is."""

    ended: bool = False
    exit_code: int | None = None
    """None where it never got to run, or was ended."""
    reason: str = ""
    log: str = ""
    started: str = ""
    finished: str = ""


async def begin_command(api: Api, name: str, command: Command, now: datetime) -> None:
    """Have a command run under a name of its own."""
    await api.put(f"/api/v1/namespaces/{NAMESPACE}", _describe_namespace())
    await _sweep(api, now)
    data = {"line": command.line, "kubeconfig": command.kubeconfig}
    files = {"files.zip": command.archive} if command.archive else {}
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name},
        "stringData": data,
        "data": files,
    }
    await api.create(_SECRETS, secret)
    try:
        pod = await api.create(_PODS, _describe_pod(name))
        owner = {"apiVersion": "v1", "kind": "Pod", "name": name, "uid": pod["metadata"]["uid"]}
        # What it signs in with goes when the pod does, whoever takes it away.
        await api.amend(f"{_SECRETS}/{name}", {"metadata": {"ownerReferences": [owner]}})
    except StepFailed:
        # Nobody else would.
        await api.delete(f"{_SECRETS}/{name}")
        raise


async def find_command(api: Api, name: str) -> CommandResult | None:
    """Return how far a command is; None when there is none of that name."""
    found, _ = await api.list(_PODS, f"metadata.name={name}")
    if not found:
        return None
    result = _read(found[0].get("status") or {})
    if not result.ended:
        return result
    await api.delete(f"{_SECRETS}/{name}")
    if result.exit_code is None:
        return result
    try:
        log = await api.read_text(f"{_PODS}/{name}/log", {"limitBytes": str(LOG_BYTES)})
    except StepFailed:
        # Its node does not answer just now; whoever asks again is told.
        return CommandResult()
    return CommandResult(
        True, result.exit_code, result.reason, log, result.started, result.finished
    )


def _read(status: Mapping[str, Any]) -> CommandResult:
    for container in status.get("containerStatuses") or ():
        state = container.get("state") or {}
        ended, waiting = state.get("terminated"), state.get("waiting") or {}
        if ended:
            started, finished = ended.get("startedAt") or "", ended.get("finishedAt") or ""
            return CommandResult(True, ended["exitCode"], "", "", started, finished)
        if waiting.get("reason") in _STUCK:
            return CommandResult(True, None, f"{waiting['reason']}: {waiting.get('message', '')}")
    if status.get("phase") == "Failed":
        return CommandResult(
            True, None, str(status.get("message") or status.get("reason") or "Failed")
        )
    return CommandResult()


async def _sweep(api: Api, now: datetime) -> None:
    """Take away what nobody has asked about for long."""
    found, _ = await api.list(_PODS)
    for pod in found:
        meta = pod["metadata"]
        if now - datetime.fromisoformat(meta["creationTimestamp"]) > COMMAND_LIFE:
            await api.delete(f"{_PODS}/{meta['name']}")


def _describe_namespace() -> dict[str, Any]:
    # Our own pods mount the node's program, which the baseline does not allow: it is we who are
    # exempt (``safeguards``), and nobody else who makes pods here.
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}


def _describe_pod(name: str) -> dict[str, Any]:
    mounts = {"given": _GIVEN, "work": _WORK, "kubernetes": _KUBERNETES}
    volumes = [
        {"name": "given", "secret": {"secretName": name, "defaultMode": 0o440}},
        {"name": "work", "emptyDir": {"sizeLimit": "256Mi"}},
        {
            "name": "kubernetes",
            "hostPath": {"path": str(KUBERNETES / "kubernetes"), "type": "File"},
        },
    ]
    container = {
        "name": "command",
        "image": IMAGE,
        "imagePullPolicy": "Never",
        "args": [f"{_GIVEN}/line", f"{_GIVEN}/files.zip", _WORK],
        "env": [
            {"name": "KUBECONFIG", "value": f"{_GIVEN}/kubeconfig"},
            {"name": "HOME", "value": _WORK},
        ],
        "resources": {"requests": {"cpu": "10m", "memory": "32Mi"}, "limits": {"memory": "512Mi"}},
        "volumeMounts": [
            {"name": volume, "mountPath": path, "readOnly": volume != "work"}
            for volume, path in mounts.items()
        ],
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "readOnlyRootFilesystem": True,
        },
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": {"app": "aks-command"}},
        "spec": {
            "automountServiceAccountToken": False,
            "restartPolicy": "Never",
            "activeDeadlineSeconds": int(COMMAND_LIFE.total_seconds()),
            "terminationGracePeriodSeconds": 1,
            "tolerations": [{"key": "CriticalAddonsOnly", "operator": "Exists"}],
            "securityContext": {
                "runAsNonRoot": True,
                "runAsUser": _NOBODY,
                "fsGroup": _NOBODY,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "containers": [container],
            "volumes": volumes,
        },
    }
