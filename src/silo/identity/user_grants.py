"""What the grants for people share: who asks for what, and the last step that ends in tokens."""

from dataclasses import dataclass
from typing import Any

from silo import core

from .audiences import Resource
from .client_authentication import authenticate_client
from .client_errors import ClientProofMissing
from .clients import Client, get_client
from .errors import GrantRevoked, ParameterInvalid
from .issuer import Issuer
from .refresh_tokens import Family, issue_refresh_token, start_family
from .requests import SignInRequest
from .scopes import Scopes, parse_scopes, select_permissions
from .sign_in_log import SignIn, SignInKind, append_sign_in
from .subjects import get_user_subject
from .tokens import PUBLIC, Proof, Subject, TokenFacts, make_token_id, parse_capabilities


@dataclass(frozen=True, slots=True)
class Asked:
    """Who asks for which API; everything about a request that can be refused without a grant."""

    client: Client
    proof: Proof
    scopes: Scopes
    resource: Resource
    permissions: tuple[str, ...]
    capabilities: tuple[str, ...]


async def identify_client(
    issuer: Issuer, request: SignInRequest, protocol: str
) -> tuple[Client, Proof]:
    """Return the client of a token request and what it proved.

    Raises:
        ClientUnknown: there is no such application. ClientError: its proof does not hold.

    """
    sign_in = request.sign_in
    sign_in.protocol, sign_in.app_id = protocol, request.get("client_id")
    sign_in.token_id = make_token_id()
    client = await issuer.store.read(
        lambda conn: get_client(conn, request.get("client_id"), issuer.tenant.display_name)
    )
    sign_in.app_id, sign_in.app_name = client.app_id, client.display_name
    return client, await authenticate_client(issuer, request, client)


def require_public(client: Client, proof: Proof) -> None:
    """Refuse an unproved client that is not allowed to be one.

    Raises:
        ClientProofMissing: it must present a secret or an assertion.

    """
    if proof is PUBLIC and not client.is_public:
        raise ClientProofMissing


async def resolve_scopes(
    issuer: Issuer,
    request: SignInRequest,
    client: Client,
    proof: Proof,
    *,
    scope: str = "",
    resource: str = "",
) -> Asked:
    """Return what is asked for; ``scope`` and ``resource`` stand in where the request is silent.

    Raises:
        RequestError: the scope names nothing that can be had.

    """
    if request.version != 1 and request.find("resource"):
        raise ParameterInvalid(name="resource")
    if request.find("scope") or request.find("resource"):
        scope, resource = request.find("scope"), request.find("resource")
    scopes = parse_scopes(scope, resource)
    found = await issuer.store.read(lambda conn: issuer.get_resource(conn, scopes))
    sign_in = request.sign_in
    sign_in.resource_id, sign_in.resource_name = found.app_id, found.display_name
    return Asked(
        client=client,
        proof=proof,
        scopes=scopes,
        resource=found,
        permissions=select_permissions(scopes, found),
        capabilities=parse_capabilities(request.parse_claims()),
    )


def note_user(sign_in: SignIn, subject: Subject) -> None:
    """Write down who signs in."""
    sign_in.object_id = subject.principal.object_id
    sign_in.name = subject.principal.name
    sign_in.display_name = subject.display_name


def get_shape(request: SignInRequest) -> int:
    """Return whether the answer is the old endpoint's; AD FS speaks the new one at the old path."""
    return 1 if request.version == 1 and request.tenant_name != "adfs" else 2


@dataclass(frozen=True, slots=True)
class Granted:
    """What a transaction gave a user."""

    subject: Subject
    family: Family
    refresh_token: str


def grant_user(
    conn: core.Connection,
    issuer: Issuer,
    request: SignInRequest,
    asked: Asked,
    family: Family,
    *,
    is_new: bool,
) -> Granted:
    """Write down that a user was granted tokens, in the caller's transaction.

    Raises:
        GrantError: the user is gone or disabled, or signed in before their sessions were revoked.

    """
    subject = get_user_subject(conn, family.object_id)
    note_user(request.sign_in, subject)
    if is_new and family.signed_in < subject.valid_from:
        raise GrantRevoked
    request.sign_in.session_id = family.session_id
    request.sign_in.kind = SignInKind.NON_INTERACTIVE
    refresh_token = ""
    if is_new:
        start_family(conn, family)
    if asked.scopes.wants_refresh_token or get_shape(request) == 1 or not is_new:
        stamp = subject.stamp(request.now)
        refresh_token = issue_refresh_token(conn, family.id, issuer.settings, stamp)
    append_sign_in(conn, request.sign_in, request.now)
    return Granted(subject, family, refresh_token)


def answer_user(
    issuer: Issuer, request: SignInRequest, asked: Asked, granted: Granted, *, nonce: str = ""
) -> dict[str, Any]:
    """Return the token endpoint's answer for a user."""
    facts = TokenFacts(
        subject=granted.subject,
        client_id=asked.client.app_id,
        proof=asked.proof,
        scopes=asked.scopes,
        resource=asked.resource,
        permissions=asked.permissions,
        methods=granted.family.methods,
        signed_in=granted.family.signed_in,
        session_id=granted.family.session_id,
        nonce=nonce,
        client_ip=request.sign_in.client_ip,
        token_id=request.sign_in.token_id,
        capabilities=asked.capabilities,
        refresh_token=granted.refresh_token,
        wants_client_info=request.find("client_info") == "1",
        shape=get_shape(request),
    )
    return issuer.minter.answer(facts, request.urls, request.now)
