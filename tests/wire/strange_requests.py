"""Requests that nobody would write: strategies for paths, queries, headers and bodies.

Half of them are near what the routes expect (a right document with one thing wrong goes deepest),
the other half is noise.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, quote_from_bytes

from hypothesis import strategies as st
from tests.wire.served_routes import Route

METHODS = ("GET", "HEAD", "PUT", "POST", "PATCH", "DELETE", "OPTIONS", "TRACE", "FETCH")
MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
CONTENT_TYPES = (
    "application/json",
    "application/json; charset=utf-16",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "application/octet-stream",
    "text/plain",
    MANIFEST_TYPE,
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "nonsense",
    "a/b;" + "c" * 500,
    "",
)
KEYS = (
    "api-version", "$filter", "$top", "$skip", "$skiptoken", "$orderby", "$expand", "$select",
    "$search", "n", "last", "orderby", "digest", "mount", "from", "artifactType", "scope",
    "service", "tenant", "grant_type", "client_id", "client_secret", "username", "password",
    "code", "refresh_token", "redirect_uri", "response_type", "state", "nonce", "prompt",
    "code_challenge", "code_challenge_method", "login_hint", "resource", "claims", "assertion",
    "client_assertion", "client_assertion_type", "device_code", "requested_token_use",
    "access_token", "offline_token", "force",
)  # fmt: skip
FIELDS = (
    "Accept", "Accept-Encoding", "Range", "If-Match", "If-None-Match", "If-Range",
    "If-Modified-Since",
    "Content-Range", "Content-Encoding", "Expect", "Cookie", "Origin", "Referer",
    "X-Forwarded-For", "X-HTTP-Method-Override", "x-ms-client-request-id",
    "x-ms-correlation-request-id", "ConsistencyLevel", "Prefer", "User-Agent",
)  # fmt: skip
FIELD_VALUES = (
    "*", "*/*", '"x"', 'W/"x"', "bytes=0-0", "bytes=5-1", "bytes=-0", "bytes=99999999999999999999-",
    "0-99", "5-1", "bytes 0-9/10", "gzip", "identity;q=0", "100-continue", "eventual",
    "0" * 400, "\xe4\xf6", "a=b; c=d", "return=minimal",
)  # fmt: skip
FILTERS = (
    "displayName eq 'x'", "startswith(displayName,'x')", "resourceType eq", "a eq 'b' and",
    "((((((", "not (a eq b)", "x/any(c:c eq 'y')", "atScope()", "assignedTo('x')",
    "eventTimestamp ge '2020-01-01T00:00:00Z'", "eventTimestamp ge 'never'", "a eq 1 or b eq null",
    "'" * 100, "tagName eq 'a' and tagValue eq 'b'", "principalId eq '\udcff'",
)  # fmt: skip
VERSIONS = ("2024-11-01", "2022-04-01", "1900-01-01", "2999-12-31-preview", "nonsense", "")

NAMES = ("name", "group", "subscription", "id", "reference", "tenant", "scope", "location")
ODD_NAMES = (
    b"..", b".", b"%2e", b"a/b", b"\x00", b"\xff", b"x" * 2000, b"'", b'"', b"$count", b"sha256:",
)  # fmt: skip

_text = st.text(max_size=30)
_scalar = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | _text
    | st.sampled_from(["", "westeurope", "Enabled", "2020-01-01T00:00:00Z", "x" * 3000, "\x00"])
)
_key = st.sampled_from(
    [
        "location",
        "tags",
        "properties",
        "sku",
        "name",
        "id",
        "type",
        "identity",
        "displayName",
        "value",
        "principalId",
    ]
)
_json = st.recursive(
    _scalar,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_key | _text, inner, max_size=4),
    max_leaves=12,
)


@dataclass(frozen=True, slots=True)
class Strange:
    """One request, well-formed as HTTP and as strange as may be beyond that."""

    method: str
    target: str
    fields: tuple[tuple[str, str], ...]
    body: bytes

    def __str__(self) -> str:
        return f"{self.method} {self.target} {self.fields} {self.body[:300]!r}"


def _places(
    routes: Sequence[Route], known: Mapping[str, str]
) -> st.SearchStrategy[tuple[str, str]]:
    """Draw method and path: mostly a real route, often with something behind it."""

    def fill(route: Route, names: Mapping[str, bytes], method: str | None) -> tuple[str, str]:
        odd = {name: quote_from_bytes(value, safe="") for name, value in names.items()}
        path = route.fill({**known, **odd})
        return method or route.method, path if path.startswith("/") else f"/{path}"

    odd_name = st.binary(max_size=12) | st.sampled_from(ODD_NAMES)
    odd_names = st.dictionaries(
        st.sampled_from(
            ["name", "group", "subscription", "id", "reference", "tenant", "scope", "location"]
        ),
        odd_name,
        max_size=2,
    )
    some_routes = st.sampled_from(routes)
    right = st.builds(fill, some_routes, st.just({}), st.none())
    odd = st.builds(fill, some_routes, odd_names, st.none() | st.sampled_from(METHODS))
    noise = st.tuples(
        st.sampled_from(METHODS),
        st.lists(odd_name, min_size=1, max_size=8).map(
            lambda parts: "/" + "/".join(quote_from_bytes(part, safe="") for part in parts)
        ),
    )
    return st.one_of(right, right, right, odd, odd, noise)


def _queries() -> st.SearchStrategy[str]:
    value = _text | st.sampled_from([*FILTERS, *VERSIONS, "-1", "0", "1", "9" * 30, "x" * 3000])
    pair = st.tuples(st.sampled_from(KEYS) | _text, value)
    return st.lists(pair, max_size=4).map(
        lambda pairs: "&".join(
            f"{quote(key.encode(errors='replace'))}={quote(text.encode(errors='replace'))}"
            for key, text in pairs
        )
    )


def _bend(document: Any, path: Sequence[int], value: Any) -> Any:
    """Return a document with the one part that ``path`` leads to replaced."""
    if not path or not isinstance(document, dict | list) or not document:
        return value
    keys = list(document) if isinstance(document, dict) else list(range(len(document)))
    chosen = keys[path[0] % len(keys)]
    if isinstance(document, dict):
        return {**document, chosen: _bend(document[chosen], path[1:], value)}
    return [*document[:chosen], _bend(document[chosen], path[1:], value), *document[chosen + 1 :]]


def _bodies(samples: Sequence[Any]) -> st.SearchStrategy[bytes]:
    bent = st.builds(
        _bend, st.sampled_from(samples), st.lists(st.integers(0, 20), max_size=5), _json
    )
    as_json = st.one_of(bent, bent, _json).map(
        lambda document: json.dumps(document).encode(errors="surrogatepass")
    )
    form = _queries().map(str.encode)
    return st.one_of(st.just(b""), as_json, as_json, as_json, form, st.binary(max_size=200))


def make_requests(
    routes: Sequence[Route],
    known: Mapping[str, str],
    samples: Sequence[Any],
    version: str,
) -> st.SearchStrategy[Strange]:
    """Return a strategy for requests to one door.

    ``known`` are names behind which there is something, ``samples`` documents that the door would
    take, ``version`` a query that every request of a well-behaved client carries.
    """
    fields = st.lists(
        st.tuples(st.sampled_from(FIELDS), st.sampled_from(FIELD_VALUES)),
        max_size=3,
        unique_by=lambda pair: pair[0],
    )

    def build(
        place: tuple[str, str], query: str, given: list[tuple[str, str]], kind: str, body: bytes
    ) -> Strange:
        method, path = place
        whole = "&".join(part for part in (version, query) if part)
        all_fields = (*given, ("Content-Type", kind), ("Content-Length", str(len(body))))
        return Strange(method, f"{path}?{whole}" if whole else path, all_fields, body)

    make: Callable[..., Strange] = build
    return st.builds(
        make,
        _places(routes, known),
        _queries(),
        fields,
        st.sampled_from([*CONTENT_TYPES[:1] * 8, MANIFEST_TYPE, *CONTENT_TYPES]),
        _bodies(samples),
    )
