"""OData query options over lists: filter, order, page, project. What is not known is refused.

Source: learn.microsoft.com/graph/query-parameters
"""

import base64
import binascii
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import parse_qsl, quote

from silo import core

from .graph_call import GraphCall, GraphReply
from .graph_errors import BadRequest, QueryUnsupported
from .graph_properties import PROPERTIES

PAGE = 100
"""Graph's own page size for directory objects."""
PAGE_MAX = 999
_LIST_OPTIONS = frozenset({"filter", "select", "top", "skiptoken", "orderby", "count"})
_OPTIONS = frozenset({"filter", "select", "top", "skiptoken", "orderby", "count"}) | {
    "search",
    "expand",
    "skip",
    "format",
    "apply",
    "deltatoken",
}
Document = Mapping[str, Any]


_EQUALITY = re.compile(r"\s*(\w+)\s+eq\s+'([^']*)'\s*")
_ANY = re.compile(r"\s*(\w+)/any\(\s*(\w+)\s*:\s*(\w+)\s+eq\s+'([^']*)'\s*\)\s*")


def find_equality(call: GraphCall) -> tuple[str, str] | None:
    """Return property and value of a filter that is one equality, which is what az sends.

    It lets a loader use an index; the filter itself is still applied to what is loaded.
    """
    text = call.query.get("filter", "")
    if found := _EQUALITY.fullmatch(text):
        return found[1].casefold(), found[2].casefold()
    if (found := _ANY.fullmatch(text)) and found[2] == found[3]:
        return found[1].casefold(), found[4].casefold()
    return None


def parse_query(text: str) -> dict[str, str]:
    """Read a query string into OData options; their ``$`` may be left out, as in Graph.

    Raises:
        BadRequest: an option comes twice. QueryUnsupported: it is none that works here.

    """
    try:
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=64)
    except ValueError:
        raise BadRequest("The query string cannot be read.") from None
    query: dict[str, str] = {}
    for name, value in pairs:
        key = name.removeprefix("$").casefold()
        if key in query:
            raise BadRequest(f"Query option '{name}' was specified more than once.")
        if key in _OPTIONS - _LIST_OPTIONS:
            raise QueryUnsupported(f"The query option '${key}' is not supported by this service.")
        if name.startswith("$") and key not in _OPTIONS:
            raise BadRequest(f"The query parameter '{name}' is not supported.")
        query[key] = value
    return query


def answer_list(
    call: GraphCall,
    kind: str,
    documents: Iterable[Document],
    defaults: Iterable[str] = (),
    order: str = "",
) -> GraphReply:
    """Return a page of documents after the query options were applied.

    ``kind`` is what the context calls the list; ``defaults`` are the properties shown when
    ``$select`` names none (all, if there are none); ``order`` stands in for ``$orderby``.
    """
    found = list(documents)
    if "filter" in call.query:
        found = apply_filter(call.query["filter"], kind, found)
    by, descending = _read_order(call.query.get("orderby", order))
    found.sort(key=lambda document: _sort_key(document, by), reverse=descending)
    body: dict[str, Any] = {"@odata.context": f"{call.service_root}/$metadata#{kind}"}
    if call.query.get("count", "").casefold() == "true":
        body["@odata.count"] = len(found)
    size = _read_top(call)
    if token := call.query.get("skiptoken"):
        after = _read_token(token)
        found = [each for each in found if _is_after(_sort_key(each, by), after, descending)]
    page, rest = found[:size], found[size:]
    if rest:
        body["@odata.nextLink"] = _next_link(call, _sort_key(page[-1], by))
    body["value"] = [project(call, document, defaults) for document in page]
    return GraphReply(body)


def answer_count(call: GraphCall, kind: str, documents: Iterable[Document]) -> GraphReply:
    """Return how many documents there are, as plain text; for ``/$count``."""
    found = list(documents)
    if "filter" in call.query:
        found = apply_filter(call.query["filter"], kind, found)
    return GraphReply(str(len(found)), headers={"content-type": "text/plain"})


def answer_one(
    call: GraphCall,
    kind: str,
    document: Document,
    defaults: Iterable[str] = (),
    *,
    status: int = 200,
) -> GraphReply:
    """Return one document with its context."""
    context = {"@odata.context": f"{call.service_root}/$metadata#{kind}/$entity"}
    body = context | project(call, document, defaults)
    return GraphReply(body, status=status, object_id=str(document.get("id", "")))


def apply_filter(text: str, kind: str, documents: list[Document]) -> list[Document]:
    """Return the documents that a filter matches.

    Raises:
        FilterMalformed: it cannot be read, names what they never have, or makes no sense.

    """
    predicate = core.parse_filter(text, properties=PROPERTIES.get(kind))
    try:
        predicate({})  # says what is not supported even where there is nothing to filter
        return [document for document in documents if predicate(document)]
    except (TypeError, AttributeError, ValueError, RecursionError):
        raise core.FilterMalformed("Invalid filter clause: it does not fit the type.") from None


def project(call: GraphCall, document: Document, defaults: Iterable[str] = ()) -> dict[str, Any]:
    """Return the properties asked for with ``$select``, or those shown by default."""
    names = [name.strip() for name in call.query.get("select", "").split(",") if name.strip()]
    wanted = {name.casefold() for name in names} or {name.casefold() for name in defaults}
    if not wanted or "*" in wanted:
        return dict(document)
    wanted |= {"id"} if not names else set()
    return {
        name: value
        for name, value in document.items()
        if name.casefold() in wanted or name.startswith("@odata.")
    }


def _read_top(call: GraphCall) -> int:
    text = call.query.get("top", str(PAGE))
    if not text.isascii() or not text.isdigit() or not 0 < int(text[:9]) <= PAGE_MAX:
        raise BadRequest(f"Invalid page size specified: '{text}'. Must be between 1 and 999.")
    return int(text)


def _read_order(text: str) -> tuple[str, bool]:
    match text.split():
        case []:
            return "", False
        case [name] | [name, "asc"]:
            return name, False
        case [name, "desc"]:
            return name, True
    raise BadRequest("Invalid $orderby clause: one property, then 'asc' or 'desc'.")


def _sort_key(document: Document, order: str) -> tuple[str, str]:
    value = core.find_property(document, order) if order else ""
    text = value.casefold() if isinstance(value, str) else json.dumps(value)
    return (text if order else "", str(document.get("id", "")))


def _is_after(key: tuple[str, str], after: tuple[str, str], descending: bool) -> bool:
    return key < after if descending else key > after


def _read_token(token: str) -> tuple[str, str]:
    try:
        first, second = json.loads(base64.urlsafe_b64decode(token.encode("ascii")))
    except (ValueError, TypeError, binascii.Error, RecursionError):
        raise BadRequest("The $skiptoken is not valid.") from None
    return str(first), str(second)


def _next_link(call: GraphCall, last: tuple[str, str]) -> str:
    token = base64.urlsafe_b64encode(json.dumps(last).encode()).decode()
    options = {**call.query, "skiptoken": token}
    text = "&".join(f"${name}={quote(value, safe='')}" for name, value in options.items())
    return f"{call.urls.graph}{quote(call.path)}?{text}"
