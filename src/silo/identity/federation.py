"""Keys of token issuers, for federated credentials: read over HTTPS, bounded, remembered.

Those of an instance's own clusters are read where they are; nobody is called for them.

Only an issuer that some credential of the asking application names is ever called (the caller has
matched it), never one that a token merely claims.
"""

import asyncio
import ssl
import weakref
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx2
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from silo import core

from .client_errors import FederationUnavailable

_DOCUMENT_MAX = 256 * 1024
_TOTAL_S = 10.0
"""For discovery and keys together; az waits longer than this for a token."""
_STEP_S = 5.0
_FRESH_S = 600.0
"""How long keys are believed; for a key id that is not among them the issuer is asked again."""
_RETRY_S = 30.0
"""Soonest second call for a key id that was not there, and after a failure."""
_ISSUERS_MAX = 256
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})

FindKeys = Callable[[str], Sequence[Mapping[str, Any]] | None]
"""Returns the keys of an issuer of this instance's own; None for one that is not."""


@dataclass(frozen=True, slots=True)
class _Entry:
    keys: KeySet | None
    """None after a failure."""
    reason: str
    read: float


class Federation:
    """The foreign keys that one process knows."""

    def __init__(
        self,
        clock: core.Clock,
        ca_bundle: str = "",
        transport: httpx2.AsyncBaseTransport | None = None,
        find_own: FindKeys = lambda _issuer: None,
    ) -> None:
        self._clock = clock
        self._find_own = find_own
        self._ca_bundle = ca_bundle
        self._transport = transport
        self._entries: dict[str, _Entry] = {}
        self._turns: weakref.WeakValueDictionary[str, asyncio.Lock] = weakref.WeakValueDictionary()
        self._context: ssl.SSLContext | None = None

    async def get_keys(self, issuer: str, kid: str) -> KeySet:
        """Return the keys of an issuer, freshly read when ``kid`` is not among those known.

        Raises:
            FederationUnavailable: they could not be read; the assertion cannot be checked.

        """
        own = self._find_own(issuer)
        if own is not None:
            return _import_own(own)
        entry = self._find_fresh(issuer, kid)
        if entry is None:
            # Assertions that do not hold may be many at once: the issuer is asked for one of them.
            async with self._turns.setdefault(issuer, asyncio.Lock()):
                entry = self._find_fresh(issuer, kid) or await self._remember(issuer)
        if entry.keys is None:
            raise FederationUnavailable(reason=entry.reason)
        return entry.keys

    def _find_fresh(self, issuer: str, kid: str) -> _Entry | None:
        entry = self._entries.get(issuer)
        if entry is None or self._clock.monotonic() - entry.read >= _find_lifetime(entry, kid):
            return None
        return entry

    async def _remember(self, issuer: str) -> _Entry:
        entry = await self._read(issuer)
        if len(self._entries) >= _ISSUERS_MAX:
            self._entries.pop(next(iter(self._entries)))
        self._entries[issuer] = entry
        return entry

    async def _read(self, issuer: str) -> _Entry:
        now = self._clock.monotonic()
        try:
            async with asyncio.timeout(_TOTAL_S):
                return _Entry(await self._fetch_keys(issuer), "", now)
        except TimeoutError:
            return _Entry(None, "the issuer does not answer in time.", now)
        except (httpx2.HTTPError, httpx2.InvalidURL, ssl.SSLError, OSError):
            return _Entry(None, "the issuer cannot be reached over a trusted connection.", now)
        except (core.BodyError, JoseError, ValueError, TypeError, KeyError) as error:
            return _Entry(None, f"the issuer's documents do not do: {error}", now)

    async def _fetch_keys(self, issuer: str) -> KeySet:
        _check_url(issuer, plain=True)
        verify = self._get_context()
        async with httpx2.AsyncClient(
            timeout=_STEP_S,
            follow_redirects=False,
            # The proxy variables of ``silo env`` lead back here; an operator's do not apply.
            trust_env=False,
            verify=verify,
            transport=self._transport,
        ) as client:
            discovery = await _fetch(
                client, f"{issuer.rstrip('/')}/.well-known/openid-configuration"
            )
            if discovery.get("issuer") != issuer:
                raise ValueError("the discovery document names another issuer.")
            address = discovery.get("jwks_uri")
            if not isinstance(address, str):
                raise TypeError("the discovery document has no jwks_uri.")
            # A public issuer must not lead us to a port on this machine.
            _check_url(address, plain=urlsplit(issuer).scheme == "http")
            document = await _fetch(client, address)
        rows = document.get("keys")
        if not isinstance(rows, list):
            raise TypeError("there are no keys.")
        rsa = [row for row in rows if isinstance(row, dict) and row.get("kty") == "RSA"]
        return KeySet.import_key_set({"keys": rsa})

    def _get_context(self) -> ssl.SSLContext:
        if self._context is None:
            self._context = ssl.create_default_context()
            if self._ca_bundle:
                self._context.load_verify_locations(self._ca_bundle)
        return self._context


def _find_lifetime(entry: _Entry, kid: str) -> float:
    if entry.keys is None or (kid and kid not in {key.kid for key in entry.keys.keys}):
        return _RETRY_S
    return _FRESH_S


def _import_own(keys: Sequence[Mapping[str, Any]]) -> KeySet:
    if not keys:
        raise FederationUnavailable(reason="it is of a cluster that is not here.")
    return KeySet.import_key_set({"keys": [dict(key) for key in keys]})


async def _fetch(client: httpx2.AsyncClient, url: str) -> dict[str, object]:
    async with client.stream("GET", url, headers={"accept": "application/json"}) as response:
        if response.status_code != httpx2.codes.OK:
            raise ValueError(f"it answers {response.status_code}.")
        data = bytearray()
        async for part in response.aiter_bytes():
            data += part
            if len(data) > _DOCUMENT_MAX:
                raise ValueError("a document is too large.")
    return core.parse_json_object(bytes(data))


def _check_url(url: str, *, plain: bool) -> None:
    """Refuse an address that is not HTTPS; HTTP only to this machine, for tests and clusters."""
    parts = urlsplit(url)
    loopback = parts.hostname in _LOOPBACK
    if parts.username is not None or parts.fragment or not parts.hostname:
        raise ValueError("its address is not valid.")
    if parts.scheme == "https" or (plain and parts.scheme == "http" and loopback):
        return
    raise ValueError("its address is not https.")
