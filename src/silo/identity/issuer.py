"""The issuer: what every grant needs, in one frozen thing that the app makes and hands over."""

from dataclasses import dataclass, field
from datetime import datetime

from silo import core, front

from .audiences import Resource, find_azure_resource
from .clients import find_registered_resource
from .errors import OAuthError
from .federation import Federation, FindKeys
from .password_checks import PasswordChecks
from .refusals import Refusals
from .scopes import Scopes, get_resource
from .settings import IdentitySettings
from .sign_in_log import SignIn, SignInKind, append_sign_in
from .subjects import get_client_subject
from .tenant import Tenant
from .throttle import Throttle, record_failure
from .tokens import Minter, Proof, TokenFacts, list_issuers, make_token_id

_ALIASES = frozenset({"common", "organizations", "adfs"})
"""Names of a tenant that mean whichever the user belongs to; here there is one."""
MANAGED_IDENTITY_PROOF = Proof("2")


@dataclass(frozen=True, slots=True)
class Issuer:
    """Signs people and programs in to one tenant."""

    store: core.Store
    keys: core.KeyRing
    tenant: Tenant
    names: front.Names
    clock: core.Clock
    settings: IdentitySettings = field(default_factory=IdentitySettings)
    find_own_keys: FindKeys = lambda _issuer: None
    """Of token issuers that are this instance's own: its clusters."""
    minter: Minter = field(init=False)
    passwords: PasswordChecks = field(init=False)
    federation: Federation = field(init=False)
    refusals: Refusals = field(init=False)
    issuers: frozenset[str] = field(init=False)
    """Every ``iss`` of ours."""

    def __post_init__(self) -> None:
        settings = self.settings
        made = {
            "minter": Minter(self.keys, self.tenant, settings),
            "passwords": PasswordChecks(settings.password_threads, settings.password_queue),
            "federation": Federation(
                self.clock, settings.federation_ca_bundle, find_own=self.find_own_keys
            ),
            "refusals": Refusals(self.clock),
            "issuers": list_issuers(self.tenant, self.names),
        }
        for name, value in made.items():
            object.__setattr__(self, name, value)

    def owns_tenant(self, name: str) -> bool:
        """Tell whether a tenant in a path is ours, under any of its names."""
        return name.casefold() in _ALIASES | {self.tenant.id, self.tenant.domain}

    def get_resource(self, conn: core.Connection, scopes: Scopes) -> Resource:
        """Return the API that scopes name.

        Raises:
            ResourceUnknown: there is none.

        """
        return get_resource(
            scopes,
            self.tenant.display_name,
            (
                lambda name: find_azure_resource(self.names, name),
                lambda name: find_registered_resource(conn, name),
            ),
        )

    async def log_refusal(self, sign_in: SignIn, error: OAuthError, now: datetime) -> None:
        """Write a failed sign-in down, and count a wrong guess."""

        def write(conn: core.Connection) -> None:
            append_sign_in(conn, sign_in, now, error)
            if error.is_guess:
                throttle = Throttle(sign_in.name or sign_in.app_id, sign_in.client_ip)
                record_failure(conn, throttle, self.settings, now)

        await self.store.write(write)

    def close(self) -> None:
        """Let go of threads."""
        self.passwords.close()


async def issue_managed_identity_token(
    issuer: Issuer, object_id: str, resource_name: str, sign_in: SignIn, urls: front.Urls
) -> dict[str, object]:
    """Return the answer of a managed identity endpoint: token and times, all text or numbers.

    The caller has made sure that the request comes from the workload with this identity.

    Raises:
        OAuthError: the identity is gone or disabled, or the resource is unknown.

    """
    now = issuer.clock.now()
    scopes = Scopes((), resource_name, frozenset())
    sign_in.kind, sign_in.protocol = SignInKind.MANAGED_IDENTITY, "managedIdentity"
    sign_in.object_id, sign_in.token_id = object_id, make_token_id()

    def write(conn: core.Connection) -> TokenFacts:
        subject = get_client_subject(conn, object_id, issuer.tenant.id)
        resource = issuer.get_resource(conn, scopes)
        sign_in.app_id = sign_in.name = subject.principal.app_id
        sign_in.display_name = subject.display_name
        sign_in.resource_id, sign_in.resource_name = resource.app_id, resource.display_name
        append_sign_in(conn, sign_in, now)
        return TokenFacts(
            subject=subject,
            client_id=subject.principal.app_id,
            proof=MANAGED_IDENTITY_PROOF,
            scopes=scopes,
            resource=resource,
            token_id=sign_in.token_id,
            shape=1,
        )

    try:
        facts = await issuer.store.write(write)
    except OAuthError as error:
        await issuer.log_refusal(sign_in, error, now)
        raise
    answer = issuer.minter.answer(facts, urls, now)
    return answer | {"client_id": facts.client_id}
