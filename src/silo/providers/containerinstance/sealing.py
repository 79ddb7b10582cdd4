"""The secrets of a group: taken out of its document, sealed as one, put back for the engine. Pure.

What is left in the document is what Azure shows: names without values.
"""

import json
from collections.abc import Mapping
from typing import Any

from silo import core

from .properties import ContainerGroup

HIDDEN = "silo"
"""The property that holds what is ours: the sealed secrets, and how the group is to run."""


def split_secrets(wanted: ContainerGroup) -> tuple[ContainerGroup, dict[str, Any]]:
    """Return the group without its secrets, and the secrets."""
    document = wanted.model_dump(mode="json", by_alias=True, exclude_none=True)
    secrets: dict[str, Any] = {}
    for kind in ("containers", "initContainers"):
        for container in document.get(kind, ()):
            variables = container["properties"].get("environmentVariables", ())
            found = {
                one["name"]: one.pop("secureValue") for one in variables if "secureValue" in one
            }
            if found:
                secrets.setdefault("environment", {})[container["name"]] = found
    for credential in document.get("imageRegistryCredentials", ()):
        if "password" in credential:
            secrets.setdefault("passwords", {})[credential["server"]] = credential.pop("password")
    for volume in document.get("volumes", ()):
        if "secret" in volume:
            secrets.setdefault("volumes", {})[volume["name"]] = volume["secret"]
            volume["secret"] = {}
        if "storageAccountKey" in volume.get("azureFile", ()):
            key = volume["azureFile"].pop("storageAccountKey")
            secrets.setdefault("keys", {})[volume["name"]] = key
    workspace = document.get("diagnostics", {}).get("logAnalytics", {})
    if "workspaceKey" in workspace:
        secrets["workspaceKey"] = workspace.pop("workspaceKey")
    return ContainerGroup.model_validate(document), secrets


def join_secrets(shown: ContainerGroup, secrets: Mapping[str, Any]) -> ContainerGroup:
    """Return the group as it was asked for, secrets included."""
    document = shown.model_dump(mode="json", by_alias=True, exclude_none=True)
    environment = secrets.get("environment", {})
    for container in (*document.get("containers", ()), *document.get("initContainers", ())):
        found = environment.get(container["name"], {})
        for one in container["properties"].get("environmentVariables", ()):
            _put(one, "secureValue", found, one["name"])
    for credential in document.get("imageRegistryCredentials", ()):
        _put(credential, "password", secrets.get("passwords", {}), credential["server"])
    for volume in document.get("volumes", ()):
        _put(volume, "secret", secrets.get("volumes", {}), volume["name"])
        file = volume.get("azureFile", {})
        _put(file, "storageAccountKey", secrets.get("keys", {}), volume["name"])
    if "workspaceKey" in secrets:
        document["diagnostics"]["logAnalytics"]["workspaceKey"] = secrets["workspaceKey"]
    return ContainerGroup.model_validate(document)


def _put(part: dict[str, Any], name: str, secrets: Mapping[str, Any], key: str) -> None:
    if key in secrets:
        part[name] = secrets[key]


def seal_secrets(vault: core.Vault, secrets: Mapping[str, Any], uid: str) -> str:
    """Return the secrets as one sealed text that opens for this group alone."""
    return vault.seal(json.dumps(secrets, sort_keys=True), _context(uid)) if secrets else ""


def open_secrets(vault: core.Vault, sealed: str, uid: str) -> dict[str, Any]:
    """Return what was sealed."""
    if not sealed:
        return {}
    found: dict[str, Any] = json.loads(vault.open(sealed, _context(uid)))
    return found


def _context(uid: str) -> str:
    return f"container-group/{uid}"
