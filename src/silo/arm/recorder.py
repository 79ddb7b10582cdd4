"""The audit record of one request, whoever writes it."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from silo import access, audit, core

CATEGORY = "Administrative"


@dataclass(slots=True)
class Recorder:
    """Knows who asked what; appends the record once the result is known."""

    time: datetime
    principal: access.Principal
    action: str
    scope: str
    method: str
    client_ip: str
    correlation_id: str
    done: bool = field(default=False, init=False)
    """A record was appended by the one who did the deed."""

    def append(
        self, conn: core.Connection, status: int, result: str = "", **properties: Any
    ) -> None:
        """Append the record in the caller's transaction."""
        audit.append(
            conn,
            audit.Record(
                time=self.time,
                category=CATEGORY,
                operation=self.action,
                scope=self.scope,
                result=result or _result(status),
                caller=self.principal.name,
                caller_object_id=self.principal.object_id,
                client_ip=self.client_ip,
                correlation_id=self.correlation_id,
                http_status=status,
                properties={"method": self.method, **properties},
            ),
        )
        self.done = True


def _result(status: int) -> str:
    if status == 202:  # noqa: PLR2004 - Accepted
        return "Accepted"
    if status == 403:  # noqa: PLR2004 - Forbidden
        return "Denied"
    return "Succeeded" if status < 400 else "Failed"  # noqa: PLR2004 - errors begin
