"""Ask a registry for manifests and blobs, saying who we are when it asks.

Source: OCI distribution-spec 1.1 · distribution/spec/auth/token.md · RFC 7235 §4.1.
Only HTTPS, and only certificates that the bundle vouches for.
"""

import asyncio
import base64
import hashlib
import json
import re
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2

from .containers import Basic, Bearer, Credentials
from .errors import ImageInaccessible
from .references import Reference

Route = Callable[[str, int], tuple[str, int] | None]
"""Host name and port → address and port where it really is; None: ask the network's DNS."""
MANIFESTS = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
LARGEST_MANIFEST = 4 * 1024 * 1024
"""What registries take at most (distribution-spec §Pushing Manifests)."""
_LARGEST_TOKEN = 256 * 1024
_TIMES = httpx2.Timeout(30.0, connect=10.0)
_REDIRECTS = 5
_ATTEMPTS = 4
_CHALLENGES = 2
"""A second one when the token that a layer began with has expired."""
_AGAIN_S = 0.5
_UNAUTHORIZED, _FORBIDDEN, _NOT_FOUND, _TOO_MANY, _SERVER = 401, 403, 404, 429, 500
_PARAMETER = re.compile(r'([a-zA-Z_]+)="((?:[^"\\]|\\.)*)"')


class Registries:
    """The way to any registry; connections are kept for the next image."""

    def __init__(
        self, bundle: Path | None = None, route: Route = lambda _host, _port: None
    ) -> None:
        context = ssl.create_default_context(cafile=None if bundle is None else str(bundle))
        self._route = route
        self._outside = httpx2.AsyncClient(verify=context, timeout=_TIMES)
        # Our own doors are on this machine: no proxy may stand in between.
        self._inside = httpx2.AsyncClient(verify=context, timeout=_TIMES, trust_env=False)

    async def close(self) -> None:
        """Hang up."""
        await self._outside.aclose()
        await self._inside.aclose()

    @asynccontextmanager
    async def open(self, url: str, headers: dict[str, str]) -> AsyncIterator[httpx2.Response]:
        """GET an address wherever it really is; the body is not read yet."""
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port or 443
        if parts.scheme != "https" or not host:
            raise httpx2.UnsupportedProtocol(f"not an HTTPS address: {parts.scheme}://{host}")
        place = self._route(host, port)
        client = self._outside
        extensions: dict[str, Any] = {}
        if place is not None:
            client = self._inside
            headers = {**headers, "Host": parts.netloc.rpartition("@")[2]}
            extensions = {"sni_hostname": host}
            address = f"[{place[0]}]" if ":" in place[0] else place[0]
            url = parts._replace(netloc=f"{address}:{place[1]}").geturl()
        async with client.stream("GET", url, headers=headers, extensions=extensions) as answer:
            yield answer


class Repository:
    """One repository of one registry, for one pull; remembers the token it was given."""

    def __init__(
        self, registries: Registries, name: str, reference: Reference, credentials: Credentials
    ) -> None:
        self._registries = registries
        self._name = name
        self._reference = reference
        self._credentials = credentials
        self._authorization = ""
        self._asking = asyncio.Lock()
        self._root = f"https://{reference.endpoint}/v2/{reference.repository}"

    async def get_manifest(self, wanted: str) -> tuple[bytes, str]:
        """Return a manifest or an index, checked against its digest, and its media type.

        Raises:
            ImageInaccessible: it is not there, not ours to see, or not what it says.

        """
        async with self._get(f"/manifests/{wanted}", ", ".join(MANIFESTS)) as answer:
            body = await _read(answer, LARGEST_MANIFEST, self._name)
            kind = answer.headers.get("content-type", "").split(";")[0].strip()
        if ":" in wanted and not matches(body, wanted):
            raise ImageInaccessible(self._name, "the registry sent another manifest than asked for")
        return body, kind

    async def get_small_blob(self, digest: str, largest: int) -> bytes:
        """Return a blob that fits into memory, checked against its digest."""
        async with self._get(f"/blobs/{digest}", "*/*") as answer:
            body = await _read(answer, largest, self._name)
        if not matches(body, digest):
            raise ImageInaccessible(self._name, f"the registry sent something else as {digest}")
        return body

    @asynccontextmanager
    async def open_blob(self, digest: str, offset: int = 0) -> AsyncIterator[httpx2.Response]:
        """Start reading a blob; the reader checks the digest."""
        async with self._get(f"/blobs/{digest}", "*/*", offset) as answer:
            yield answer

    @asynccontextmanager
    async def _get(self, path: str, accept: str, offset: int = 0) -> AsyncIterator[httpx2.Response]:
        for attempt in range(_ATTEMPTS):
            last = attempt == _ATTEMPTS - 1
            headers = {"Accept": accept, "Accept-Encoding": "identity", "User-Agent": "silo"}
            if offset:
                headers["Range"] = f"bytes={offset}-"
            if self._authorization:
                headers["Authorization"] = used = self._authorization
            else:
                used = ""
            try:
                async with self._follow(f"{self._root}{path}", headers) as answer:
                    if answer.status_code == _UNAUTHORIZED and attempt < _CHALLENGES:
                        challenge = answer.headers.get("www-authenticate", "")
                        await self._authenticate(challenge, used)
                        continue
                    if answer.status_code in {_TOO_MANY, 502, 503, 504} and not last:
                        await asyncio.sleep(_AGAIN_S * 2**attempt)
                        continue
                    self._check(answer)
                    yield answer
                    return
            except httpx2.HTTPError as error:
                raise ImageInaccessible(self._name, describe(error)) from error

    @asynccontextmanager
    async def _follow(self, url: str, headers: dict[str, str]) -> AsyncIterator[httpx2.Response]:
        for _ in range(_REDIRECTS):
            async with self._registries.open(url, headers) as answer:
                if not answer.is_redirect:
                    yield answer
                    return
                target = str(httpx2.URL(url).join(answer.headers.get("location", "")))
            if urlsplit(target).netloc != urlsplit(url).netloc:
                # What another host is told about us is in the address already, signed.
                headers = {k: v for k, v in headers.items() if k != "Authorization"}
            url = target
        raise ImageInaccessible(self._name, "the registry redirects without end")

    def _check(self, answer: httpx2.Response) -> None:
        status = answer.status_code
        if status < 300:  # noqa: PLR2004 - anything in the twohundreds is good
            return
        if status in {_UNAUTHORIZED, _FORBIDDEN}:
            reason = "access was denied; check the credentials and the permission to pull"
        elif status == _NOT_FOUND:
            reason = "the registry has no such image"
        else:
            reason = f"the registry answered {status}"
        raise ImageInaccessible(self._name, reason)

    async def _authenticate(self, challenge: str, used: str) -> None:
        async with self._asking:
            if self._authorization != used:
                return  # a layer beside us has asked meanwhile
            held = await self._credentials(self._name)
            kind, _, rest = challenge.partition(" ")
            if isinstance(held, Bearer):
                self._authorization = f"Bearer {held.token}"
            elif kind.lower() == "bearer":
                self._authorization = f"Bearer {await self._exchange(rest, held)}"
            elif kind.lower() == "basic" and held is not None:
                self._authorization = _basic(held)
            if self._authorization == used:
                raise ImageInaccessible(
                    self._name,
                    "access was denied; check the credentials and the permission to pull",
                )

    async def _exchange(self, challenge: str, held: Basic | None) -> str:
        parameters = dict(_PARAMETER.findall(challenge))
        query = {
            "service": parameters.get("service", ""),
            "scope": f"repository:{self._reference.repository}:pull",
        }
        url = str(httpx2.URL(parameters.get("realm", "")).copy_merge_params(query))
        headers = {"Accept": "application/json", "User-Agent": "silo"}
        if held is not None:
            headers["Authorization"] = _basic(held)
        async with self._registries.open(url, headers) as answer:
            self._check(answer)
            body = await _read(answer, _LARGEST_TOKEN, self._name)
        try:
            document = json.loads(body)
            token = document.get("token") or document["access_token"]
        except (ValueError, KeyError, AttributeError) as error:
            raise ImageInaccessible(self._name, "the registry gave no token") from error
        return str(token)


def matches(body: bytes, digest: str) -> bool:
    """Return whether bytes have this digest."""
    algorithm, _, wanted = digest.partition(":")
    return algorithm in {"sha256", "sha512"} and hashlib.new(algorithm, body).hexdigest() == wanted


def describe(error: httpx2.HTTPError) -> str:
    """Say in a sentence why a registry was not reached."""
    if isinstance(error, httpx2.TimeoutException):
        return "the registry did not answer in time"
    if isinstance(error, httpx2.ConnectError) and "CERTIFICATE" in str(error).upper():
        return "the registry's certificate is not trusted"
    if isinstance(error, httpx2.ConnectError):
        return "the registry cannot be reached"
    return f"the connection to the registry failed ({type(error).__name__})"


def _basic(held: Basic) -> str:
    pair = f"{held.username}:{held.password}".encode()
    return f"Basic {base64.b64encode(pair).decode()}"


async def _read(answer: httpx2.Response, largest: int, name: str) -> bytes:
    body = bytearray()
    async for chunk in answer.aiter_raw():
        body += chunk
        if len(body) > largest:
            raise ImageInaccessible(name, "the registry sent more than such a document may have")
    return bytes(body)
