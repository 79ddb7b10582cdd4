"""A cluster's API as Silo itself asks it, with a certificate of its own."""

import json
import ssl
from collections.abc import Mapping
from typing import Any

import httpx2

from .certificates import Pair
from .errors import StepFailed
from .paths import ClusterPaths
from .plans import API_PORT, ClusterPlan

_MANAGER = "silo"
_ANSWER_S = 10.0


class Api:
    """Asks one API server; whoever cannot be reached is not ready."""

    def __init__(self, plan: ClusterPlan, paths: ClusterPaths) -> None:
        own = Pair(paths.pki, "silo")
        context = ssl.create_default_context(cafile=str(Pair(paths.pki, "ca").certificate))
        context.load_cert_chain(own.certificate, own.key)
        self._client = httpx2.AsyncClient(
            base_url=f"https://{plan.public_address}:{API_PORT}",
            verify=context,
            timeout=_ANSWER_S,
            trust_env=False,
        )

    async def close(self) -> None:
        """Let go of the connections."""
        await self._client.aclose()

    async def is_ready(self) -> bool:
        """Tell whether the server takes requests."""
        try:
            return (await self._client.get("/readyz")).status_code == 200  # noqa: PLR2004
        except httpx2.HTTPError:
            return False

    async def find(self, path: str) -> dict[str, Any] | None:
        """Return an object; None when there is none, or nobody answers."""
        try:
            answer = await self._client.get(path)
        except httpx2.HTTPError:
            return None
        found: dict[str, Any] | None = answer.json() if answer.status_code == 200 else None  # noqa: PLR2004
        return found

    async def put(self, path: str, document: Mapping[str, Any]) -> None:
        """Have an object be as described, made or changed (server-side apply)."""
        try:
            answer = await self._client.patch(
                path,
                params={"fieldManager": _MANAGER, "force": "true"},
                content=json.dumps(document),
                headers={"content-type": "application/apply-patch+yaml"},
            )
        except httpx2.HTTPError as error:
            raise StepFailed(f"the API server does not take {path}: {error}") from None
        if answer.is_error:
            raise StepFailed(f"the API server refuses {path}: {answer.text[:500]}")


def is_node_ready(node: Mapping[str, Any]) -> bool:
    """Tell whether a node takes pods."""
    conditions = (node.get("status") or {}).get("conditions") or ()
    return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)


def list_pod_ranges(node: Mapping[str, Any]) -> tuple[str, ...]:
    """Return what a node's pods have their addresses from; nothing before it is chosen."""
    return tuple((node.get("spec") or {}).get("podCIDRs") or ())
