"""Who the client application is: a public one, or one that holds a secret or certificate."""

from datetime import datetime

from silo import core

from .client_assertions import ASSERTION_TYPE, verify_assertion
from .client_errors import ClientIsPublic, ClientLocked, SecretExpired, SecretWrong
from .clients import Client
from .credentials import list_sign_in_passwords, matches_secret
from .errors import ParameterInvalid
from .issuer import Issuer
from .requests import SignInRequest
from .throttle import Throttle, find_lock
from .tokens import PUBLIC, Proof


async def authenticate_client(issuer: Issuer, request: SignInRequest, client: Client) -> Proof:
    """Check whatever proof a request carries; none is a proof too, of a public client.

    Raises:
        ClientError: the proof does not hold.

    """
    if request.find("client_assertion"):
        if client.is_well_known:
            raise ClientIsPublic
        if request.find("client_assertion_type") != ASSERTION_TYPE:
            raise ParameterInvalid(name="client_assertion_type")
        return await verify_assertion(issuer, request, client)
    secret = request.find("client_secret")
    if not secret:
        return PUBLIC
    if client.is_well_known:
        raise ClientIsPublic
    throttle = Throttle(client.app_id, request.sign_in.client_ip)

    def read(conn: core.Connection) -> Proof:
        if find_lock(conn, throttle, issuer.settings, request.now):
            raise ClientLocked
        return check_secret(conn, client.app_id, secret, request.now)

    return await issuer.store.read(read)


def check_secret(conn: core.Connection, app_id: str, secret: str, now: datetime) -> Proof:
    """Return the proof that a client secret is.

    Raises:
        SecretWrong: no secret is this one. SecretExpired: not valid now.

    """
    found = [one for one in list_sign_in_passwords(conn, app_id) if matches_secret(one, secret)]
    if not found:
        raise SecretWrong(app_id=app_id)
    valid = [one for one in found if one.start <= now < one.end]
    if not valid:
        raise SecretExpired(app_id=app_id)
    return Proof("1", valid[0].key_id, valid[0].end)
