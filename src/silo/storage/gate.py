"""Who asks the file service, and whether they may: decided for every request anew.

A key's holder may do everything in the account, a signature what its letters say, an Entra token
what its principal's roles say now.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from silo import access, core

from .accounts import Account, Key, find_account, list_keys
from .errors import (
    AccountNotFound,
    AuthenticationFailed,
    AuthorizationFailure,
    InvalidHeaderValue,
    InvalidToken,
    KeysNotPermitted,
    MissingRequiredHeader,
    NoAuthentication,
    PermissionMismatch,
)
from .routes import Route
from .signatures import SignedRequest, verify_request, verify_sas

_FIRST_TOKENS = "2022-11-02"
"""The x-ms-version that first took tokens for files."""


class Verify(Protocol):
    """Somebody who knows the directory; ``identity.Verifier.verify_bearer`` fits."""

    def __call__(self, token: str, audiences: Collection[str]) -> access.Principal:
        """Return whose Entra token this is; raises a SiloError."""
        ...


class Authorize(Protocol):
    """Somebody who decides; ``access.Authorizer.decide`` fits."""

    def __call__(
        self, principal: access.Principal, action: str, scope: str, *, data: bool = False
    ) -> access.Decision:
        """Decide one action on one resource."""
        ...


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, and by what."""

    means: str
    """``account key``, ``account SAS``, ``service SAS`` or ``OAuth``."""
    name: str = ""
    object_id: str = ""

    @property
    def holds_key(self) -> bool:
        """Whether everything in the account is open to them."""
        return self.means == "account key"


@dataclass(frozen=True, slots=True)
class Asking:
    """A request as the gate sees it."""

    signed: SignedRequest
    query: Mapping[str, str] = field(repr=False)
    client_ip: str
    now: datetime


class Gate:
    """Checks credentials and permissions for one worker."""

    def __init__(
        self,
        *,
        store: core.Store,
        vault: core.Vault,
        verify: Verify,
        authorize: Authorize,
        audiences: Collection[str],
    ) -> None:
        self._store = store
        self._vault = vault
        self._verify = verify
        self._authorize = authorize
        self._audiences = audiences
        self._generation = -1
        self._accounts: dict[str, tuple[Account, list[Key]]] = {}

    def get_account(self, name: str, client_ip: str) -> Account:
        """Return an account whose network rules let the client in.

        Raises:
            AccountNotFound: there is none. AuthorizationFailure: they do not.

        """
        account = self._find(name)[0]
        if not account.network.admits(client_ip):
            raise AuthorizationFailure
        return account

    def authenticate(self, account: Account, route: Route, asking: Asking) -> Caller:
        """Return who asks, once it is known that they may.

        Raises:
            NoAuthentication, InvalidToken, AuthenticationFailed: nobody known.
            KeysNotPermitted, PermissionMismatch: they may not.

        """
        scheme, _, value = asking.signed.headers.get("authorization", "").partition(" ")
        match scheme.lower():
            case "sharedkey":
                self._check_keys_accepted(account)
                verify_request(
                    asking.signed, account.name, value.strip(), self._list_keys(account), asking.now
                )
                return Caller("account key", account.name)
            case "bearer":
                return self._check_token(account, route, asking, value.strip())
            case "" if "sig" in asking.query:
                return self.check_sas(account, route, asking.query, asking)
            case "":
                raise NoAuthentication
        raise AuthenticationFailed("The Authorization header has a scheme that is not served.")

    def check_sas(
        self, account: Account, route: Route, query: Mapping[str, str], asking: Asking
    ) -> Caller:
        """Return the holder of a signature that allows what is asked.

        Raises:
            AuthenticationFailed, KeysNotPermitted, PermissionMismatch.

        """
        self._check_keys_accepted(account)
        keys = self._list_keys(account)
        means = verify_sas(
            query, account.name, route, keys, now=asking.now, client_ip=asking.client_ip
        )
        return Caller(means, account.name)

    def _check_token(self, account: Account, route: Route, asking: Asking, token: str) -> Caller:
        headers = asking.signed.headers
        if not token:
            raise NoAuthentication
        try:
            principal = self._verify(token, self._audiences)
        except core.StoreUnavailable:
            raise
        except core.SiloError as error:
            raise InvalidToken(f"{InvalidToken.sentence} {error}") from None
        version = headers.get("x-ms-version", "")
        if version < _FIRST_TOKENS:
            raise InvalidHeaderValue(f"Tokens need x-ms-version {_FIRST_TOKENS} or later.")
        intent = headers.get("x-ms-file-request-intent")
        if intent is None:
            raise MissingRequiredHeader(
                "An HTTP header that's mandatory for this request is not specified: "
                "x-ms-file-request-intent."
            )
        if intent.lower() != "backup":
            raise InvalidHeaderValue("x-ms-file-request-intent must be backup.")
        self.check_roles(account, principal, route)
        return Caller("OAuth", principal.name, principal.object_id)

    def check_roles(self, account: Account, principal: access.Principal, route: Route) -> None:
        """Refuse what no role of the principal allows.

        Raises:
            PermissionMismatch: with nothing of the reason; that is in the log.

        """
        operation = route.operation
        scope = f"{account.resource_id}/fileServices/default"
        if operation.is_data:
            scope = f"{scope}/fileshares/{route.share}"
        needed = [(operation.action, operation.is_data)]
        if operation.is_data:
            needed.append((operation.intent_action, True))
        for action, data in needed:
            if not self._authorize(principal, action, scope, data=data).allowed:
                raise PermissionMismatch

    @staticmethod
    def _check_keys_accepted(account: Account) -> None:
        if not account.keys_accepted:
            raise KeysNotPermitted

    def _list_keys(self, account: Account) -> list[bytes]:
        return [key.data for key in self._find(account.name)[1]]

    def _find(self, name: str) -> tuple[Account, list[Key]]:
        generation = self._store.get_generation()
        if generation != self._generation:
            self._accounts.clear()
            self._generation = generation
        found = self._accounts.get(name)
        if found is None:
            found = self._accounts[name] = self._store.read_now(lambda conn: self._load(conn, name))
        return found

    def _load(self, conn: core.Connection, name: str) -> tuple[Account, list[Key]]:
        account = find_account(conn, name)
        if account is None:
            raise AccountNotFound
        return account, list_keys(conn, self._vault, account)
