"""What can be done in this instance, and the lists that are always empty, truthfully."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from silo import access, arm

_NAMESPACE = "Microsoft.Authorization"
_READ = f"{_NAMESPACE}/providerOperations/read"
_PATH = f"/providers/{_NAMESPACE}/providerOperations"
_VERBS = {"read": "Get", "write": "Create or update", "delete": "Delete", "action": "Do"}


@dataclass(frozen=True, slots=True)
class ProviderOperations:
    """The handlers of ``providerOperations``; the routes are those of the running application."""

    authorizer: access.Authorizer
    list_declared: Callable[[], Sequence[arm.Operation]]

    def list_operations(self) -> tuple[arm.Operation, ...]:
        """Return the routes."""
        return (
            arm.Operation(_READ, "GET", _PATH, self.list, filtered=True),
            arm.Operation(_READ, "GET", f"{_PATH}/{{namespace}}", self.get, filtered=True),
        )

    async def list(self, call: arm.Call, _match: arm.Match, _body: Any) -> arm.Reply:
        """List every namespace with its types and their operations."""
        self._check_reader(call)
        value = [_render(name, items) for name, items in self._group().items()]
        return arm.Reply(200, arm.page_items(call, value))

    async def get(self, call: arm.Call, match: arm.Match, _body: Any) -> arm.Reply:
        """Return one namespace with its types and their operations."""
        self._check_reader(call)
        for name, items in self._group().items():
            if name.casefold() == match["namespace"].casefold():
                return arm.Reply(200, _render(name, items))
        raise arm.ResourceNotFound(f"The provider '{match['namespace'][:100]}' was not found.")

    def _check_reader(self, call: arm.Call) -> None:
        """Ask for the right to read operations anywhere: what they are is the same everywhere."""
        if not self.authorizer.decide_anywhere(call.principal, _READ).allowed:
            raise call.refusal(_READ, access.ROOT)

    def _group(self) -> dict[str, dict[str, bool]]:
        found: dict[str, dict[str, bool]] = {}
        for operation in sorted(self.list_declared(), key=lambda item: item.name.casefold()):
            namespace = operation.name.partition("/")[0]
            found.setdefault(namespace, {})[operation.name] = operation.data
        return found


def _render(namespace: str, operations: dict[str, bool]) -> dict[str, Any]:
    types: dict[str, list[dict[str, Any]]] = {}
    for name, data in operations.items():
        *path, verb = name.split("/")[1:]
        if verb == "action" and len(path) > 1:
            path.pop()
        types.setdefault("/".join(path), []).append(_render_operation(name, verb, data=data))
    return {
        "id": f"{_PATH}/{namespace}",
        "name": namespace,
        "type": _READ.rpartition("/")[0],
        "displayName": namespace,
        "resourceTypes": [
            {"name": name, "displayName": name, "operations": items}
            for name, items in types.items()
            if name
        ],
        "operations": types.get("", []),
    }


def _render_operation(name: str, verb: str, *, data: bool) -> dict[str, Any]:
    shown = f"{_VERBS.get(verb, verb)}: {name}"
    return {
        "name": name,
        "displayName": shown,
        "description": shown,
        "origin": "user,system",
        "properties": None,
        "isDataAction": data,
    }


async def list_nothing(_call: arm.Call, _match: arm.Match, _body: Any) -> arm.Reply:
    """List deny assignments or classic administrators: this instance can have none."""
    return arm.Reply(200, {"value": []})


EMPTY_LISTS = (
    arm.Operation(
        f"{_NAMESPACE}/denyAssignments/read",
        "GET",
        f"{{scope}}/providers/{_NAMESPACE}/denyAssignments",
        list_nothing,
    ),
    arm.Operation(
        f"{_NAMESPACE}/classicAdministrators/read",
        "GET",
        f"/subscriptions/{{subscription}}/providers/{_NAMESPACE}/classicAdministrators",
        list_nothing,
    ),
)
"""Only Azure's managed services make deny assignments, and classic administrators are retired."""
