"""What was done in clusters, taken into the activity log.

The same rule as everywhere: what writes and what is refused leaves a record, reading does not. A
record and the place in the cluster's log behind it are one transaction, so nothing is taken twice.
"""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog

from silo import arm, audit, core, kube

from .audit_positions import find_position, put_position
from .reviews import PREFIX, name_action, name_scope
from .surroundings import Surroundings
from .writing import FULL_TYPE

log = structlog.get_logger()

PERIOD_S = 2.0
RECORDS_MAX = 50
"""Records of one cluster in a period: a workload in a loop must not fill the disk."""
_READS = {"get", "list", "watch"}
_REFUSALS = {401, 403}
_TEXT_MAX = 256


@dataclass(frozen=True, slots=True)
class AuditLog:
    """Reads the logs of every cluster on, in the control process."""

    around: Surroundings
    clock: core.Clock

    async def run(self) -> None:
        """Read on for ever."""
        while True:
            try:
                await self.read_on()
            except (core.SiloError, OSError) as error:
                log.warning("logs of clusters are not read", why=str(error))
            await asyncio.sleep(PERIOD_S)

    async def read_on(self) -> None:
        """Take in what is new in every cluster."""
        resources = self.around.resources
        clusters = await resources.store.read(
            lambda conn: resources.list(conn, arm.parse_resource_id("/"), FULL_TYPE)
        )
        for cluster in clusters:
            if not cluster.deleting:
                await self._read_one(cluster)

    async def _read_one(self, cluster: arm.Resource) -> None:
        store, folder = self.around.resources.store, self.around.locate(cluster.uid).audit
        position = await store.read(lambda conn: find_position(conn, cluster.uid))
        reading = await asyncio.to_thread(kube.read_audit_trail, folder, position)
        if reading.position == position and not reading.gap:
            return
        records = list(self._render(cluster, reading))

        def write(conn: core.Connection) -> None:
            for record in records:
                audit.append(conn, record)
            put_position(conn, cluster.uid, reading.position)

        await store.write(write)

    def _render(self, cluster: arm.Resource, reading: kube.AuditReading) -> Iterator[audit.Record]:
        found = [event for event in reading.events if is_worth_it(event)]
        for event in found[:RECORDS_MAX]:
            yield make_record(cluster, event, self.clock.now())
        left = len(found) - RECORDS_MAX
        if left > 0 or reading.gap:
            what = f"{left} more requests" if left > 0 else "Requests"
            yield audit.Record(
                time=self.clock.now(),
                category="Administrative",
                operation=f"{PREFIX}/auditTrail/read",
                scope=cluster.id.text,
                result="Failed",
                caller="",
                properties={"reason": f"{what} of the cluster are not recorded: too many."},
            )


def is_worth_it(event: dict[str, Any]) -> bool:
    """Tell whether a request leaves a record."""
    return event.get("verb") not in _READS or _read_status(event) in _REFUSALS


def make_record(cluster: arm.Resource, event: dict[str, Any], now: datetime) -> audit.Record:
    """Return the record of a request."""
    user, reference = _get_part(event, "user"), _get_part(event, "objectRef")
    extra, notes = _get_part(user, "extra"), _get_part(event, "annotations")
    acted_as = _get_part(event, "impersonatedUser").get("username")
    verb, status = str(event.get("verb", "")), _read_status(event)
    resource, subresource = (
        str(reference.get("resource", "")),
        str(reference.get("subresource", "")),
    )
    action = name_action(verb, str(reference.get("apiGroup", "")), resource, subresource)
    scope = name_scope(cluster.id.text, str(reference.get("namespace", "")))
    properties = {
        "verb": verb,
        "resource": "/".join(filter(None, (resource, subresource))),
        "name": reference.get("name"),
        "path": None if reference else event.get("requestURI"),
        "impersonates": acted_as,
        "reason": notes.get("authorization.k8s.io/reason"),
        "userAgent": event.get("userAgent"),
    }
    return audit.Record(
        time=_read_time(event.get("requestReceivedTimestamp"), now),
        category="Administrative",
        operation=action or f"{PREFIX}/{verb or 'unknown'}/action",
        scope=scope or cluster.id.text,
        result=_name_result(status),
        caller=_cut(user.get("username")),
        caller_object_id=_cut(next(iter(_as_list(extra.get(kube.OBJECT_ID))), "")),
        # Those before the last are what the client's own headers say.
        client_ip=_cut(next(reversed(_as_list(event.get("sourceIPs"))), "")),
        correlation_id=_cut(event.get("auditID")),
        http_status=status,
        properties={name: _cut(value) for name, value in properties.items() if value},
    )


def _name_result(status: int) -> str:
    if status in _REFUSALS:
        return "Denied"
    return "Succeeded" if 100 <= status < 400 else "Failed"  # noqa: PLR2004 - errors begin


def _read_status(event: dict[str, Any]) -> int:
    code = _get_part(event, "responseStatus").get("code", 0)
    return code if isinstance(code, int) else 0


def _read_time(text: Any, now: datetime) -> datetime:
    try:
        found = datetime.fromisoformat(str(text))
    except ValueError:
        return now
    return found if found.tzinfo else now


def _get_part(event: dict[str, Any], name: str) -> dict[str, Any]:
    part = event.get(name)
    return part if isinstance(part, dict) else {}


def _as_list(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list) else ()


def _cut(value: Any) -> str:
    return str(value or "")[:_TEXT_MAX]
