"""The client credentials grant (RFC 6749, section 4.4): an application for itself."""

from typing import Any

from silo import core

from .client_errors import ClientIsPublic, ClientProofMissing
from .errors import ScopeInvalid
from .issuer import Issuer
from .requests import SignInRequest
from .scopes import parse_scopes
from .sign_in_log import SignInKind, append_sign_in
from .subjects import get_client_subject
from .throttle import Throttle, clear_failures
from .tokens import PUBLIC, TokenFacts, parse_capabilities
from .user_grants import get_shape, identify_client


async def redeem(issuer: Issuer, request: SignInRequest) -> dict[str, Any]:
    """Answer ``grant_type=client_credentials``."""
    sign_in = request.sign_in
    sign_in.kind = SignInKind.SERVICE_PRINCIPAL
    client, proof = await identify_client(issuer, request, "clientCredentials")
    sign_in.name = client.app_id
    if client.is_well_known:
        raise ClientIsPublic
    if proof is PUBLIC:
        raise ClientProofMissing
    shape = get_shape(request)
    resource_name = request.find("resource") if shape == 1 else ""
    scopes = parse_scopes(request.find("scope") if not resource_name else "", resource_name)
    if not resource_name and ".default" not in scopes.permissions:
        raise ScopeInvalid(
            reason="Client credential flows must have a scope value with /.default suffixed to "
            "the resource identifier (application ID URI)."
        )
    capabilities = parse_capabilities(request.parse_claims())

    def write(conn: core.Connection) -> TokenFacts:
        resource = issuer.get_resource(conn, scopes)
        sign_in.resource_id, sign_in.resource_name = resource.app_id, resource.display_name
        subject = get_client_subject(conn, client.app_id, issuer.tenant.display_name)
        sign_in.object_id = subject.principal.object_id
        sign_in.display_name = subject.display_name
        sign_in.extra = {"credentialId": proof.credential_id}
        throttle = Throttle(client.app_id, sign_in.client_ip)
        clear_failures(conn, throttle, issuer.settings)
        append_sign_in(conn, sign_in, request.now)
        return TokenFacts(
            subject=subject,
            client_id=client.app_id,
            proof=proof,
            scopes=scopes,
            resource=resource,
            token_id=sign_in.token_id,
            client_ip=sign_in.client_ip,
            capabilities=capabilities,
            shape=shape,
        )

    facts = await issuer.store.write(write)
    return issuer.minter.answer(facts, request.urls, request.now)
