"""Who did what, from where, with what result: the activity log of a subscription or the tenant.

Open to every signed-in caller, and each sees only what was done where it may read the log: who has
a role in one group reads that group's part, as in Azure.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote, urlencode

from silo import access, arm, audit, core, identity

from .errors import InvalidSkipToken, TimeRangeTooOld
from .properties import render_event, render_facts, select_properties

_NAMESPACE = "Microsoft.Insights"
_READ = f"{_NAMESPACE}/eventtypes/values/read"
_READ_CATEGORIES = f"{_NAMESPACE}/eventCategories/read"
_VALUES = f"providers/{_NAMESPACE}/eventtypes/management/values"
_CATEGORY = "Administrative"
_KEPT = timedelta(days=90)
"""As far as Azure's log goes back; the audit log itself forgets nothing."""
_PAGE = 200
"""Events on a page, as Azure's."""
_BATCH = 1_000
_MOST_READ = 100_000
"""Records one request reads before it hands over to the next page; bounds what a filter costs."""
_CORRELATION = re.compile(r"\bcorrelationId\s+eq\s+'([^']{1,100})'", re.IGNORECASE)
_BOUND = re.compile(r"\beventTimestamp\s+(ge|gt|le|lt)\s+'?([0-9T:.Z+-]+)'?", re.IGNORECASE)

Keep = Callable[[Mapping[str, Any]], bool]


@dataclass(frozen=True, slots=True)
class _Question:
    since: datetime
    until: datetime
    keeps: Keep
    correlation_id: str
    before: int | None


@dataclass(frozen=True, slots=True)
class ActivityLog:
    """The handlers of the activity log."""

    resources: arm.Resources
    authorizer: access.Authorizer

    def list_operations(self) -> tuple[arm.Operation, ...]:
        """Return the routes."""
        above = "/providers/Microsoft.Management/managementGroups/{managementGroup}"
        subscription = f"/subscriptions/{{subscription}}/{_VALUES}"
        categories = f"/providers/{_NAMESPACE}/eventcategories"
        return (
            arm.Operation(_READ, "GET", subscription, self.list_subscription, filtered=True),
            arm.Operation(_READ, "GET", f"/{_VALUES}", self.list_tenant),
            arm.Operation(_READ, "GET", f"{above}/{_VALUES}", self.list_management_group),
            arm.Operation(_READ_CATEGORIES, "GET", categories, self.list_categories, filtered=True),
        )

    async def list_subscription(self, call: arm.Call, match: arm.Match, _body: Any) -> arm.Reply:
        """List what was done in a subscription, as far as the caller may read of it."""
        scope = f"/subscriptions/{match['subscription']}"
        if call.allows(_READ, scope):
            return self._list(call, scope, _is_any)
        if not self._reads_below(call, scope):
            raise call.refusal(_READ, scope)
        return self._list(call, scope, lambda record: call.allows(_READ, record["scope"]))

    async def list_tenant(self, call: arm.Call, _match: arm.Match, _body: Any) -> arm.Reply:
        """List what was done to the tenant itself, outside every subscription."""
        return self._list(call, "", _is_outside_subscriptions)

    async def list_management_group(
        self, call: arm.Call, match: arm.Match, _body: Any
    ) -> arm.Reply:
        """List what was done to a management group itself."""
        scope = f"/providers/Microsoft.Management/managementGroups/{match['managementGroup']}"
        return self._list(call, scope, _is_any)

    async def list_categories(self, call: arm.Call, _match: arm.Match, _body: Any) -> arm.Reply:
        """List the kinds of events that this log has."""
        if not self.authorizer.decide_anywhere(call.principal, _READ_CATEGORIES).allowed:
            raise call.refusal(_READ_CATEGORIES, access.ROOT)
        return arm.Reply(200, {"value": [{"value": _CATEGORY, "localizedValue": _CATEGORY}]})

    def _list(self, call: arm.Call, within: str, keep: Keep) -> arm.Reply:
        question = _read_question(call)
        events, last = self.resources.store.read_now(
            lambda conn: _collect(conn, question, within, keep)
        )
        names = call.query.get("$select", "")
        page: dict[str, Any] = {"value": [select_properties(event, names) for event in events]}
        if last is not None:
            page["nextLink"] = _render_next_link(call, last)
        return arm.Reply(200, page)

    def _reads_below(self, call: arm.Call, scope: str) -> bool:
        policy = self.authorizer.get_policy()
        return any(
            access.is_within(policy.parents, assignment.scope, scope)
            and call.allows(_READ, assignment.scope)
            for object_id in call.principal.object_ids
            for assignment in policy.assignments.get(object_id, ())
        )


def _is_any(_record: Mapping[str, Any]) -> bool:
    return True


def _is_outside_subscriptions(record: Mapping[str, Any]) -> bool:
    return not record["scope"].casefold().startswith("/subscriptions/")


def _collect(
    conn: core.Connection, question: _Question, within: str, keep: Keep
) -> tuple[list[dict[str, Any]], int | None]:
    """Return a page of events, and the number after which the next page begins, if any."""
    tenant = identity.get_tenant(conn).id
    events: list[dict[str, Any]] = []
    before, seen = question.before, 0
    while seen < _MOST_READ:
        batch = audit.list_records(
            conn,
            category=_CATEGORY,
            since=question.since,
            until=question.until,
            within=within,
            correlation_id=question.correlation_id,
            before=before,
            limit=_BATCH,
        )
        for number, record in batch:
            if keep(record):
                event = render_event(number, record, tenant)
                if question.keeps(render_facts(event)):
                    if len(events) == _PAGE:
                        return events, before
                    events.append(event)
            before = number
        seen += len(batch)
        if len(batch) < _BATCH:
            return events, None
    return events, before


def _read_question(call: arm.Call) -> _Question:
    text = call.query.get("$filter", "").strip()
    since, until, correlation_id = call.now - _KEPT, call.now, ""
    keeps: Keep = _is_any
    try:
        if text:
            keeps = core.parse_filter(text)
            keeps({})
        if not re.search(r"\b(or|not)\b", text, re.IGNORECASE):
            # Every clause must hold, so these two can be asked of the index.
            correlation_id = found[1] if (found := _CORRELATION.search(text)) else ""
            for operator, moment in _BOUND.findall(text):
                bound = core.parse_time(moment)
                if operator.casefold() in {"ge", "gt"}:
                    since = _check_since(bound, since)
                else:
                    until = min(until, bound)
    except (core.FilterMalformed, ValueError) as error:
        raise arm.InvalidFilterInQueryString(str(error)) from None
    return _Question(since, until, keeps, correlation_id, _read_skip_token(call))


def _check_since(wanted: datetime, earliest: datetime) -> datetime:
    if wanted < earliest - timedelta(days=1):
        raise TimeRangeTooOld(f"The start time cannot be more than {_KEPT.days} days in the past.")
    return max(wanted, earliest)


def _read_skip_token(call: arm.Call) -> int | None:
    token = call.query.get("$skiptoken", "")
    if not token:
        return None
    if not token.isascii() or not token.isdigit() or len(token) > 18:  # noqa: PLR2004 - 64 bits
        raise InvalidSkipToken
    return int(token)


def _render_next_link(call: arm.Call, last: int) -> str:
    query = {name: value for name, value in call.query.items() if name != "$skiptoken"}
    query["$skipToken"] = str(last)
    return f"{call.urls.resource_manager}{quote(call.path)}?{urlencode(query, safe='$')}"
