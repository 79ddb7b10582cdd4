"""A cluster's API as Silo itself asks it, with a certificate of its own."""

import json
import ssl
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

import httpx2

from .certificates import Pair
from .errors import StepFailed
from .paths import ClusterPaths
from .plans import API_PORT, ClusterPlan

_MANAGER = "silo"
_ANSWER_S = 10.0
_PAGE = 500
_WATCH_S = 240
"""A watch ends by itself and is begun again where it was."""


class Api:
    """Asks one API server; whoever cannot be reached is not ready."""

    def __init__(self, plan: ClusterPlan, paths: ClusterPaths) -> None:
        own = Pair(paths.pki, "silo")
        context = ssl.create_default_context(cafile=str(Pair(paths.pki, "ca").certificate))
        context.load_cert_chain(own.certificate, own.key)
        self._client = httpx2.AsyncClient(
            base_url=f"https://{plan.public_address or plan.address}:{API_PORT}",
            transport=httpx2.AsyncHTTPTransport(
                verify=context, uds=str(paths.door) if plan.is_guarded else None
            ),
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

    async def list(self, path: str, fields: str = "") -> tuple[Sequence[dict[str, Any]], str]:
        """Return a collection, what of it has these fields, and the version to watch it from."""
        found: list[dict[str, Any]] = []
        version = ""
        async for page, version in self.pages(path, fields):  # noqa: B007
            found += page
        return found, version

    async def pages(
        self, path: str, fields: str = ""
    ) -> AsyncIterator[tuple[Sequence[dict[str, Any]], str]]:
        """Yield a collection piece by piece, each with the version to watch it from."""
        params = {"limit": str(_PAGE), **({"fieldSelector": fields} if fields else {})}
        while True:
            page = await self._ask("GET", path, params=params)
            yield page.get("items") or (), page["metadata"]["resourceVersion"]
            params["continue"] = page["metadata"].get("continue") or ""
            if not params["continue"]:
                return

    async def watch(self, path: str, version: str) -> AsyncIterator[tuple[str, dict[str, Any]]]:
        """Yield what changes (``ADDED``, ``MODIFIED``, ``DELETED``, ``BOOKMARK``), for a while.

        Raises:
            StepFailed: what changed in between cannot be told any more, or nobody answers.

        """
        params = {
            "watch": "true",
            "allowWatchBookmarks": "true",
            "resourceVersion": version,
            "timeoutSeconds": str(_WATCH_S),
        }
        patience = httpx2.Timeout(_ANSWER_S, read=_WATCH_S + _ANSWER_S)
        try:
            async with self._client.stream("GET", path, params=params, timeout=patience) as answer:
                if answer.is_error:
                    raise StepFailed(f"the API server refuses to tell of {path}")
                async for line in answer.aiter_lines():
                    event = json.loads(line)
                    if event["type"] == "ERROR":
                        raise StepFailed(f"{path}: {event['object'].get('message')}")
                    yield event["type"], event["object"]
        except (httpx2.HTTPError, ValueError) as error:
            raise StepFailed(f"the API server does not tell of {path}: {error}") from None

    async def create(self, path: str, document: Mapping[str, Any]) -> dict[str, Any]:
        """Add an object to a collection; return it as it was made."""
        return await self._ask("POST", path, json=document)

    async def amend(self, path: str, parts: Mapping[str, Any]) -> bool:
        """Change parts of an object (merge patch); tell whether it was there, and still the same.

        Parts that give its ``resourceVersion`` change it only where nobody else came first.
        """
        header = {"content-type": "application/merge-patch+json"}
        answer = await self._send("PATCH", path, content=json.dumps(parts), headers=header)
        if answer.status_code in {404, 409}:
            return False
        if answer.is_error:
            raise StepFailed(f"the API server refuses {path}: {answer.text[:500]}")
        return True

    async def delete(self, path: str) -> None:
        """Have an object go; repeatable."""
        answer = await self._send("DELETE", path)
        if answer.is_error and answer.status_code != 404:  # noqa: PLR2004
            raise StepFailed(f"the API server refuses {path}: {answer.text[:500]}")

    async def evict(self, namespace: str, pod: str) -> str:
        """Ask a pod to leave its node; return why it may not."""
        body = {
            "apiVersion": "policy/v1",
            "kind": "Eviction",
            "metadata": {"name": pod, "namespace": namespace},
        }
        path = f"/api/v1/namespaces/{namespace}/pods/{pod}/eviction"
        answer = await self._send("POST", path, json=body)
        if answer.status_code == 404 or not answer.is_error:  # noqa: PLR2004
            return ""
        try:
            return str(answer.json()["message"])[:300]
        except (ValueError, KeyError):
            return f"The API server answers {answer.status_code}."

    async def read_text(self, path: str, params: Mapping[str, str]) -> str:
        """Return what is no document: a log."""
        answer = await self._send("GET", path, params=dict(params))
        if answer.is_error:
            raise StepFailed(f"the API server refuses {path}: {answer.text[:500]}")
        return answer.text

    async def _ask(self, method: str, path: str, **what: Any) -> dict[str, Any]:
        answer = await self._send(method, path, **what)
        if answer.is_error:
            raise StepFailed(f"the API server refuses {path}: {answer.text[:500]}")
        try:
            found: dict[str, Any] = answer.json()
        except ValueError as error:
            raise StepFailed(f"the API server does not answer {path}: {error}") from None
        return found

    async def _send(self, method: str, path: str, **what: Any) -> httpx2.Response:
        try:
            return await self._client.request(method, path, **what)
        except httpx2.HTTPError as error:
            raise StepFailed(f"the API server does not answer {path}: {error}") from None


def is_node_ready(node: Mapping[str, Any]) -> bool:
    """Tell whether a node takes pods."""
    conditions = (node.get("status") or {}).get("conditions") or ()
    return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)


def list_pod_ranges(node: Mapping[str, Any]) -> tuple[str, ...]:
    """Return what a node's pods have their addresses from; nothing before it is chosen."""
    return tuple((node.get("spec") or {}).get("podCIDRs") or ())
