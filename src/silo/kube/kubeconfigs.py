"""Kubeconfigs: who asks which API server, and with what. JSON, which is YAML too."""

import base64
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .certificates import Pair


def render_for_program(server: str, authority: Path, client: Pair) -> str:
    """Return the kubeconfig of a program on this machine: its secrets stay in their files."""
    cluster = {"server": server, "certificate-authority": str(authority)}
    user = {"client-certificate": str(client.certificate), "client-key": str(client.key)}
    return _render("cluster", cluster, "program", user)


def render_for_client(
    server: str, authority: bytes, *, cluster: str, user: str, certificate: bytes, key: bytes
) -> str:
    """Return a kubeconfig that holds everything, in the words that az merges by."""
    return _render(
        cluster,
        {"server": server, "certificate-authority-data": _encode(authority)},
        user,
        {"client-certificate-data": _encode(certificate), "client-key-data": _encode(key)},
    )


def render_for_person(
    server: str, authority: bytes, *, cluster: str, user: str, program: Mapping[str, Any]
) -> str:
    """Return a kubeconfig whose user is signed in by a program (``exec``)."""
    entry = {"server": server, "certificate-authority-data": _encode(authority)}
    return _render(cluster, entry, user, {"exec": program})


def render_for_token(server: str, authority: bytes, *, cluster: str, user: str, token: str) -> str:
    """Return a kubeconfig with somebody's token."""
    entry = {"server": server, "certificate-authority-data": _encode(authority)}
    return _render(cluster, entry, user, {"token": token})


def _render(name: str, cluster: dict[str, str], user: str, credentials: Mapping[str, Any]) -> str:
    document: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": name, "cluster": cluster}],
        "users": [{"name": user, "user": credentials}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": user}}],
        "current-context": name,
        "preferences": {},
    }
    return json.dumps(document, indent=1)


def _encode(data: bytes) -> str:
    return base64.b64encode(data).decode()
