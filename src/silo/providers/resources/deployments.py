"""Template deployments: refused in plain words; the lists say truthfully that there are none.

Bodies stay unread: az splices the template's text into something that is not JSON.
"""

from dataclasses import dataclass
from typing import Any

from silo import arm

from .errors import DeploymentNotFound, DeploymentsNotSupported

_NAME = "Microsoft.Resources/deployments"
_COLLECTION = f"{{scope}}/providers/{_NAME}"
_ITEM = f"{_COLLECTION}/{{name}}"
_SHORT = "/subscriptions/{subscription}/resourceGroups/{group}/deployments"
"""The path without ``/providers/`` by which az lists a group's deployments and operations."""
_REFUSED = "refused: template deployments are not supported yet"
_NONE = "partly: there are none, templates being refused"


@dataclass(frozen=True, slots=True)
class Deployments:
    """The handlers."""

    resources: arm.Resources

    def list_operations(self) -> tuple[arm.Operation, ...]:
        """Return the routes."""
        refused = (
            ("write", "PUT", _ITEM),
            ("validate/action", "POST", f"{_ITEM}/validate"),
            ("cancel/action", "POST", f"{_ITEM}/cancel"),
            ("exportTemplate/action", "POST", f"{_ITEM}/exportTemplate"),
        )
        absent = (
            ("read", "GET", _ITEM),
            ("read", "HEAD", _ITEM),
            ("operationStatuses/read", "GET", f"{_ITEM}/operationStatuses/{{operation}}"),
            ("operations/read", "GET", f"{_ITEM}/operations"),
            ("operations/read", "GET", f"{_ITEM}/operations/{{operation}}"),
            ("operations/read", "GET", f"{_SHORT}/{{name}}/operations"),
            ("operations/read", "GET", f"{_SHORT}/{{name}}/operations/{{operation}}"),
        )
        return (
            *(
                arm.Operation(
                    f"{_NAME}/{verb}",
                    method,
                    path,
                    self.refuse,
                    statuses=(400,),
                    coverage=_REFUSED,
                    raw_body=True,
                )
                for verb, method, path in refused
            ),
            arm.Operation(
                f"{_NAME}/whatIf/action",
                "POST",
                f"{_ITEM}/whatIf",
                self.fail,
                coverage=_REFUSED,
                raw_body=True,
            ),
            *(
                arm.Operation(
                    f"{_NAME}/{verb}", method, path, self.miss, statuses=(404,), coverage=_NONE
                )
                for verb, method, path in absent
            ),
            *(
                arm.Operation(f"{_NAME}/read", "GET", path, self.list, coverage=_NONE)
                for path in (_COLLECTION, _SHORT)
            ),
            arm.Operation(
                f"{_NAME}/delete", "DELETE", _ITEM, self.delete, statuses=(204,), coverage=_NONE
            ),
        )

    async def refuse(self, _call: arm.Call, match: arm.Match, _body: Any) -> arm.Reply:
        """Refuse whatever would need a template to be read."""
        self._check(match)
        raise DeploymentsNotSupported

    async def fail(self, call: arm.Call, match: arm.Match, _body: Any) -> arm.Reply:
        """Answer a what-if as one that failed: az cannot read any other refusal of it."""
        self._check(match)
        error = DeploymentsNotSupported()
        await self.resources.store.write(
            lambda conn: call.recorder.append(conn, 200, "Failed", code=error.code)
        )
        body = {"status": "Failed", "error": {"code": error.code, "message": str(error)}}
        return arm.Reply(200, body)

    async def miss(self, _call: arm.Call, match: arm.Match, _body: Any) -> arm.Reply:
        """Say that there is no such deployment."""
        self._check(match)
        raise DeploymentNotFound(match["name"])

    async def list(self, _call: arm.Call, match: arm.Match, _body: Any) -> arm.Reply:
        """List no deployments: none can have been made."""
        self._check(match)
        return arm.Reply(200, {"value": []})

    async def delete(self, _call: arm.Call, match: arm.Match, _body: Any) -> arm.Reply:
        """Say that nothing is there to be deleted."""
        self._check(match)
        return arm.Reply(204)

    def _check(self, match: arm.Match) -> None:
        scope = arm.parse_resource_id(match.scope)
        self.resources.store.read_now(lambda conn: arm.check_scope(conn, scope))
