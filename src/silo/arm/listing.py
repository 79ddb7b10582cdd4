"""Lists: ``$filter``, ``$top``, ``$skipToken`` and the absolute ``nextLink``."""

import base64
import binascii
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlencode

from silo import core

from .errors import InvalidFilterInQueryString, InvalidQueryParameter
from .provider import Call
from .resource_id import ResourceId
from .resources import Resource, Resources

PAGE = 1_000
"""Items on a page when the caller does not say; Azure's own number for ``/resources``."""
_BATCH = 500
_TYPE = re.compile(r"(?:^|\band\b)\s*resourceType\s+eq\s+'([^']+)'\s*(?:$|\band\b)", re.IGNORECASE)

Keep = Callable[[Resource], bool]
Render = Callable[[Resource], dict[str, Any]]


def _is_substring(_document: Mapping[str, Any], args: tuple[Any, ...]) -> bool:
    """Answer ``substringof('part', name)``, OData 3's word that Azure's portal still sends."""
    match args:
        case (str(part), str(text)):
            return part.casefold() in text.casefold()
        case (str(), None):
            return False
    raise core.FilterMalformed("Invalid filter clause: substringof takes two texts.")


_CALLS = {"substringof": _is_substring}


def list_page(
    conn: core.Connection,
    resources: Resources,
    call: Call,
    scope: ResourceId,
    *,
    type_: str = "",
    keep: Keep,
    render: Render,
) -> dict[str, Any]:
    """Return one page of what lies below a scope, as ``{"value": […], "nextLink": …}``."""
    wanted = read_filter(call)
    type_ = type_ or find_type(call)
    top = read_top(call)
    after = read_skip_token(call)
    value: list[dict[str, Any]] = []
    while True:
        batch = resources.list(conn, scope, type_, after=after, limit=_BATCH)
        for resource in batch:
            if keep(resource) and wanted(resource):
                if len(value) == top:
                    return {"value": value, "nextLink": render_next_link(call, after)}
                value.append(render(resource))
            after = resource.id.key
        if len(batch) < _BATCH:
            return {"value": value}


def page_items(call: Call, items: Iterable[Mapping[str, Any]], key: str = "id") -> dict[str, Any]:
    """Return one page of items that are at hand, in order of one of their own members."""
    top, after = read_top(call), read_skip_token(call)
    ordered = sorted(items, key=lambda item: str(item[key]).casefold())
    rest = [item for item in ordered if str(item[key]).casefold() > after]
    page: dict[str, Any] = {"value": rest[:top]}
    if len(rest) > top:
        page["nextLink"] = render_next_link(call, str(rest[top - 1][key]).casefold())
    return page


def parse_query_filter(
    text: str, calls: Mapping[str, Callable[[Mapping[str, Any], tuple[Any, ...]], bool]]
) -> Callable[[Mapping[str, Any]], bool]:
    """Return a ``$filter`` as a function, or refuse it as ARM does."""
    try:
        predicate = core.parse_filter(text, calls)
        predicate({})
    except core.FilterMalformed as error:
        raise InvalidFilterInQueryString(str(error)) from None
    return predicate


def read_filter(call: Call) -> Keep:
    """Return the ``$filter`` of a request as a function of a resource."""
    text = call.query.get("$filter", "").strip()
    if not text:
        return lambda _resource: True
    predicate = parse_query_filter(text, _CALLS)

    def matches(resource: Resource) -> bool:
        facts = {
            **resource.document,
            "id": resource.id.text,
            "name": resource.id.name,
            "resourceType": resource.id.full_type,
            "type": resource.id.full_type,
            "resourceGroup": resource.id.group,
            "subscriptionId": resource.id.subscription,
            "provisioningState": resource.state,
        }
        # A filter on tags speaks of any one tag: name and value must meet in the same.
        tags: Sequence[tuple[str | None, str | None]] = [*resource.tags.items()] or [(None, None)]
        return any(predicate({**facts, "tagName": name, "tagValue": v}) for name, v in tags)

    return matches


def find_type(call: Call) -> str:
    """Return the one type a filter asks for, so that the index finds it; or nothing."""
    text = call.query.get("$filter", "")
    found = _TYPE.search(text)
    if found is None or re.search(r"\b(or|not)\b|\(", text, re.IGNORECASE):
        return ""
    return found[1]


def read_top(call: Call) -> int:
    """Return how many items a page may have."""
    text = call.query.get("$top", "")
    if not text:
        return PAGE
    if not text.isascii() or not text.isdigit() or not int(text[:9]) > 0:
        raise InvalidQueryParameter(
            f"The value '{text[:50]}' of the query parameter '$top' must be a positive integer."
        )
    return min(int(text[:9]), PAGE)


def read_skip_token(call: Call) -> str:
    """Return where the last page ended."""
    token = call.query.get("$skiptoken", "")
    if not token:
        return ""
    try:
        return base64.b64decode(token, b"-_", validate=True).decode("utf-8")
    except (binascii.Error, ValueError):
        raise InvalidQueryParameter(
            "The value of the query parameter '$skipToken' is not one that was handed out here."
        ) from None


def render_next_link(call: Call, last: str) -> str:
    """Return the absolute address of the next page."""
    query = {name: value for name, value in call.query.items() if name != "$skiptoken"}
    query["$skipToken"] = base64.urlsafe_b64encode(last.encode("utf-8")).decode("ascii")
    return f"{call.urls.resource_manager}{quote(call.path)}?{urlencode(query, safe='$')}"
