"""What the holder of an account's key signs: requests, and shared access signatures. Pure.

Source: https://learn.microsoft.com/rest/api/storageservices/authorize-with-shared-key,
…/create-account-sas, …/create-service-sas.
"""

import base64
import hmac
import ipaddress
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from urllib.parse import unquote

from .errors import AuthenticationFailed, PermissionMismatch
from .routes import SAS_LETTERS, SAS_TYPES, Level, Route

SKEW = timedelta(minutes=15)
"""How old, or how early, a signed request may be; Azure's number."""
_SIGNED_HEADERS = (
    "content-encoding",
    "content-language",
    "content-length",
    "content-md5",
    "content-type",
    "date",
    "if-modified-since",
    "if-match",
    "if-none-match",
    "if-unmodified-since",
    "range",
)
_BLANKS = re.compile(r"\s+")
_NOT_SERVED = ("skoid", "sduoid", "sktid", "srh", "srq")
"""Delegated by Entra, or bound to headers: not signed by a key of the account alone."""


@dataclass(frozen=True, slots=True)
class SignedRequest:
    """What of a request is signed, as it came over the wire."""

    method: str
    raw_path: str
    """Percent-encoded, without the query."""
    raw_query: str
    headers: Mapping[str, str]
    """By lower-case name."""


def verify_request(
    request: SignedRequest, account: str, header: str, keys: Iterable[bytes], now: datetime
) -> None:
    """Check ``Authorization: SharedKey account:signature``.

    Raises:
        AuthenticationFailed: with the reason, as Azure tells it.

    """
    name, colon, signature = header.partition(":")
    if not colon or name != account:
        raise AuthenticationFailed
    _check_date(request.headers, now)
    texts = [_string_to_sign(request, account, order) for order in (_plain_order, _service_order)]
    if not _matches(signature, keys, texts):
        raise AuthenticationFailed


def _check_date(headers: Mapping[str, str], now: datetime) -> None:
    text = headers.get("x-ms-date") or headers.get("date") or ""
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError):
        raise AuthenticationFailed("The Date header in the request is incorrect.") from None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    if abs(now - moment) > SKEW:
        raise AuthenticationFailed(
            f"Request date header too old or too new: '{text[:60]}'. Check this machine's clock."
        )


def _plain_order(name: str) -> tuple[object, ...]:
    return (name,)


def _service_order(name: str) -> tuple[object, ...]:
    """Sort as the service's own culture does, which some SDKs imitate: hyphens hardly count."""
    return (name.replace("-", "").replace("_", "\x01"), name)


def _string_to_sign(request: SignedRequest, account: str, order: object) -> str:
    headers = dict(request.headers)
    if headers.get("content-length") == "0":
        headers["content-length"] = ""
    if headers.get("x-ms-date"):
        headers["date"] = ""
    names = sorted((name for name in headers if name.startswith("x-ms-")), key=order)  # type: ignore[call-overload]
    return "\n".join(
        [
            request.method,
            *(headers.get(name, "") for name in _SIGNED_HEADERS),
            *(f"{name}:{_BLANKS.sub(' ', headers[name]).strip()}" for name in names),
            f"/{account}{request.raw_path}",
            *_list_parameters(request.raw_query),
        ]
    )


def _list_parameters(raw_query: str) -> list[str]:
    found: dict[str, list[str]] = {}
    for pair in filter(None, raw_query.split("&")):
        name, _, value = pair.partition("=")
        found.setdefault(unquote(name).lower(), []).append(unquote(value))
    return [f"{name}:{','.join(sorted(values))}" for name, values in sorted(found.items())]


def _matches(signature: str, keys: Iterable[bytes], texts: Sequence[str]) -> bool:
    """Compare with what every key makes of every text, in a time that says nothing."""
    given = signature.strip().encode("utf-8", "replace")
    matches = [
        hmac.compare_digest(base64.b64encode(hmac.digest(key, text.encode(), "sha256")), given)
        for key in keys
        for text in texts
    ]
    return any(matches)


def verify_sas(
    query: Mapping[str, str],
    account: str,
    route: Route,
    keys: Iterable[bytes],
    *,
    now: datetime,
    client_ip: str,
) -> str:
    """Check a shared access signature and what it allows; return what it is, for the log.

    Raises:
        AuthenticationFailed: it does not hold. PermissionMismatch: it does not allow this.

    """
    if any(name in query for name in _NOT_SERVED) or query.get("si"):
        raise AuthenticationFailed(
            "Signatures by a user delegation key or a stored access policy are not served here."
        )
    is_account = "ss" in query
    text = _account_sas(query, account) if is_account else _service_sas(query, account, route)
    if not _matches(query.get("sig", ""), keys, [text]):
        raise AuthenticationFailed("Signature did not match.")
    _check_times(query, now)
    _check_place(query, client_ip)
    _check_reach(query, route, is_account=is_account)
    return "account SAS" if is_account else "service SAS"


def _account_sas(query: Mapping[str, str], account: str) -> str:
    names = ["sp", "ss", "srt", "st", "se", "sip", "spr", "sv"]
    if query.get("sv", "") >= "2020-12-06":
        names.append("ses")
    return "\n".join([account, *(query.get(name, "") for name in names), ""])


def _service_sas(query: Mapping[str, str], account: str, route: Route) -> str:
    match query.get("sr"):
        case "s":
            resource = f"/file/{account}/{route.share}"
        case "f":
            resource = f"/file/{account}/{route.path}"
        case _:
            raise AuthenticationFailed("sr is mandatory. Cannot be empty or other than s, f.")
    before = [query.get(name, "") for name in ("sp", "st", "se")]
    after = ("si", "sip", "spr", "sv", "rscc", "rscd", "rsce", "rscl", "rsct")
    return "\n".join([*before, resource, *(query.get(name, "") for name in after)])


def _check_times(query: Mapping[str, str], now: datetime) -> None:
    ends = _parse_time(query.get("se", ""))
    if ends is None or now > ends:
        raise AuthenticationFailed("Signature not valid in the specified time frame: it expired.")
    if query.get("st"):
        starts = _parse_time(query["st"])
        if starts is None or now < starts:
            raise AuthenticationFailed(
                "Signature not valid in the specified time frame: too early."
            )


def _parse_time(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _check_place(query: Mapping[str, str], client_ip: str) -> None:
    if not query.get("sip"):
        return
    first, _, last = query["sip"].partition("-")
    try:
        low, high = ipaddress.IPv4Address(first), ipaddress.IPv4Address(last or first)
        if not low <= ipaddress.IPv4Address(client_ip) <= high:
            raise AuthenticationFailed("This request is not authorized from this IP address.")
    except ValueError:
        raise AuthenticationFailed("The signature names addresses that cannot be read.") from None


def _check_reach(query: Mapping[str, str], route: Route, *, is_account: bool) -> None:
    operation = route.operation
    allowed = query.get("sp", "")
    fits = any(letter in allowed for letter in SAS_LETTERS[operation.right])
    if is_account:
        # The listing of a directory is an operation on the container that its share is.
        listing = operation.name == "ListFilesAndDirectories"
        kind = "c" if listing else SAS_TYPES[operation.level]
        fits = fits and "f" in query["ss"] and kind in query.get("srt", "")
    else:
        fits = fits and operation.service_sas
        if query.get("sr") == "f":
            fits = fits and operation.level is Level.FILE
    if not fits:
        raise PermissionMismatch
