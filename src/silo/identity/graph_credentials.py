"""Credentials in Graph: ``addPassword``, certificates in bodies, federated credentials."""

import base64
import binascii
import uuid
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding

from silo import core

from .credentials import (
    FederatedCredential,
    KeyCredential,
    add_password_credential,
    delete_federated_credential,
    delete_password_credential,
    list_federated_credentials,
    list_key_credentials,
    list_password_credentials,
    put_federated_credential,
    replace_key_credentials,
)
from .directory_errors import ObjectNotFound
from .graph_bodies import (
    AddPasswordBody,
    FederationBody,
    KeyBody,
    PasswordBody,
    RemovePasswordBody,
    read_time,
)
from .graph_call import GraphCall, GraphReply, GraphRoute
from .graph_errors import BadRequest
from .graph_query import answer_list, answer_one
from .graph_shapes import render_federation, render_password

_SECRET_LIFE = timedelta(days=730)
"""Entra's when the caller names no end."""
_RSA_MIN_BITS = 2048


def _add_password(conn: core.Connection, call: GraphCall) -> GraphReply:
    body: AddPasswordBody = call.body
    wanted = body.password_credential or PasswordBody()
    start = read_time(wanted.start_date_time, call.now)
    credential, secret = add_password_credential(
        conn,
        call.target,
        display_name=wanted.display_name or "",
        start=start,
        end=read_time(wanted.end_date_time, start + _SECRET_LIFE),
    )
    context = f"{call.service_root}/$metadata#microsoft.graph.passwordCredential"
    return GraphReply({"@odata.context": context} | render_password(credential, secret))


def _remove_password(conn: core.Connection, call: GraphCall) -> GraphReply:
    body: RemovePasswordBody = call.body
    delete_password_credential(conn, call.target, body.key_id)
    return GraphReply()


def replace_credentials(
    conn: core.Connection,
    object_id: str,
    keys: list[KeyBody] | None,
    passwords: list[PasswordBody] | None,
    now: datetime,
) -> None:
    """Make a body's ``keyCredentials`` and ``passwordCredentials`` true; None leaves them alone.

    An entry without a key, or of a secret, must be one that is there: it stays.
    """
    if keys is not None:
        known = {each.key_id: each for each in list_key_credentials(conn, object_id)}
        replace_key_credentials(
            conn, object_id, tuple(_read_key(object_id, each, known, now) for each in keys)
        )
    if passwords is not None:
        there = {each.key_id for each in list_password_credentials(conn, object_id)}
        kept = {(each.key_id or "").casefold() for each in passwords}
        if kept - there:
            raise BadRequest("New passwords cannot be set here; use addPassword.")
        for key_id in there - kept:
            delete_password_credential(conn, object_id, key_id)


def _read_key(
    object_id: str, body: KeyBody, known: dict[str, KeyCredential], now: datetime
) -> KeyCredential:
    key_id = (body.key_id or str(uuid.uuid4())).casefold()
    if body.key is None:
        if key_id not in known:
            raise BadRequest("The property 'key' of a new key credential is required.")
        return known[key_id]
    if (body.type, body.usage) != ("AsymmetricX509Cert", "Verify"):
        raise BadRequest("Key credentials must be of type AsymmetricX509Cert and usage Verify.")
    certificate = _parse_certificate(body.key)
    start = read_time(body.start_date_time, max(certificate.not_valid_before_utc, now))
    end = read_time(body.end_date_time, certificate.not_valid_after_utc)
    thumbprint = certificate.fingerprint(hashes.SHA1())  # noqa: S303 - the name x5t gives it
    return KeyCredential(
        key_id=_check_guid(key_id),
        object_id=object_id,
        display_name=body.display_name or certificate.subject.rfc4514_string(),
        thumbprint=thumbprint.hex().upper(),
        certificate=certificate.public_bytes(Encoding.DER),
        start=start,
        # A credential cannot outlive its certificate.
        end=min(end.astimezone(UTC), certificate.not_valid_after_utc),
    )


def _parse_certificate(text: str) -> x509.Certificate:
    try:
        data = base64.b64decode("".join(text.split()), validate=True)
        if data.lstrip().startswith(b"-----BEGIN"):
            certificate = x509.load_pem_x509_certificate(data)
        else:
            certificate = x509.load_der_x509_certificate(data)
        key = certificate.public_key()
        if isinstance(key, rsa.RSAPublicKey) and key.key_size >= _RSA_MIN_BITS:
            return certificate
    except (ValueError, TypeError, binascii.Error) as error:
        raise BadRequest(f"Key credential is not a certificate: {error}.") from None
    except Exception as error:  # the parser's own zoo: UnsupportedAlgorithm and more
        raise BadRequest("Key credential is a certificate of an unsupported kind.") from error
    raise BadRequest("A key credential needs an RSA key of at least 2048 bits.")


def _check_guid(text: str) -> str:
    try:
        return str(uuid.UUID(text))
    except ValueError:
        raise BadRequest("Invalid value specified for property 'keyId'.") from None


def _list_federations(conn: core.Connection, call: GraphCall) -> GraphReply:
    found = list_federated_credentials(conn, call.target)
    return answer_list(call, _kind(call), [render_federation(each) for each in found])


def _show_federation(conn: core.Connection, call: GraphCall) -> GraphReply:
    return answer_one(call, _kind(call), render_federation(_find_federation(conn, call)))


def _create_federation(conn: core.Connection, call: GraphCall) -> GraphReply:
    body: FederationBody = call.body
    if not (body.name and body.issuer and body.subject and body.audiences):
        raise BadRequest("The properties name, issuer, subject and audiences are required.")
    _check_issuer(body.issuer)
    made = FederatedCredential(
        id=str(uuid.uuid4()),
        object_id=call.target,
        name=body.name,
        issuer=body.issuer,
        subject=body.subject,
        audiences=tuple(body.audiences),
        description=body.description or "",
    )
    put_federated_credential(conn, made)
    reply = answer_one(call, _kind(call), render_federation(made), status=201)
    return GraphReply(reply.body, status=201, object_id=call.target)


def _update_federation(conn: core.Connection, call: GraphCall) -> GraphReply:
    body: FederationBody = call.body
    before = _find_federation(conn, call)
    if body.name is not None and body.name != before.name:
        raise BadRequest("The name of a federated identity credential cannot be changed.")
    if body.issuer is not None:
        _check_issuer(body.issuer)
    after = FederatedCredential(
        id=before.id,
        object_id=before.object_id,
        name=before.name,
        issuer=body.issuer or before.issuer,
        subject=body.subject or before.subject,
        audiences=tuple(body.audiences or before.audiences),
        description=before.description if body.description is None else body.description,
    )
    put_federated_credential(conn, after)
    return GraphReply()


def _delete_federation(conn: core.Connection, call: GraphCall) -> GraphReply:
    found = _find_federation(conn, call)
    delete_federated_credential(conn, call.target, found.id)
    return GraphReply()


def _find_federation(conn: core.Connection, call: GraphCall) -> FederatedCredential:
    key = call.params["credential"].casefold()
    for each in list_federated_credentials(conn, call.target):
        if key in {each.id, each.name.casefold()}:
            return each
    raise ObjectNotFound(f"Resource '{key}' was not found.")


def _check_issuer(issuer: str) -> None:
    if not issuer.startswith("https://"):
        raise BadRequest("The issuer of a federated identity credential must be an https URL.")


def _kind(call: GraphCall) -> str:
    return f"applications('{call.target}')/federatedIdentityCredentials"


def make_password_routes(collection: str) -> tuple[GraphRoute, ...]:
    """Return ``addPassword`` and ``removePassword`` of one collection."""
    action = f"{collection}/credentials/update"
    return (
        GraphRoute(
            "POST",
            f"/{collection}/{{id}}/addPassword",
            action,
            _add_password,
            body=AddPasswordBody,
            operation=f"{collection}/addPassword",
        ),
        GraphRoute(
            "POST",
            f"/{collection}/{{id}}/removePassword",
            action,
            _remove_password,
            body=RemovePasswordBody,
            operation=f"{collection}/removePassword",
        ),
    )


_FEDERATIONS = "/applications/{id}/federatedIdentityCredentials"
FEDERATION_ROUTES = (
    GraphRoute("GET", _FEDERATIONS, "applications/standard/read", _list_federations),
    GraphRoute(
        "POST",
        _FEDERATIONS,
        "applications/credentials/update",
        _create_federation,
        body=FederationBody,
        operation="applications/federatedIdentityCredentials/create",
    ),
    GraphRoute(
        "GET", f"{_FEDERATIONS}/{{credential}}", "applications/standard/read", _show_federation
    ),
    GraphRoute(
        "PATCH",
        f"{_FEDERATIONS}/{{credential}}",
        "applications/credentials/update",
        _update_federation,
        body=FederationBody,
        operation="applications/federatedIdentityCredentials/update",
    ),
    GraphRoute(
        "DELETE",
        f"{_FEDERATIONS}/{{credential}}",
        "applications/credentials/update",
        _delete_federation,
        operation="applications/federatedIdentityCredentials/delete",
    ),
)
