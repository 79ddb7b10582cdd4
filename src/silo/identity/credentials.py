"""What proves an account: passwords of people, secrets, certificates and trust in other issuers.

A password is chosen by a person and hashed with argon2id, in a thread and outside transactions. A
client secret is made here of 240 random bits, so one SHA-256 is enough (decision 0005) and the
registry can check it on every request.
"""

import hashlib
import hmac
import secrets
import string
import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import argon2
import sqlalchemy as sa

from silo import core

from .directory import ObjectType, find_service_principal, find_type
from .directory_errors import KeyConflict, ObjectNotFound, PropertyInvalid
from .tables import (
    applications,
    federated_credentials,
    key_credentials,
    password_credentials,
)

SECRET_LENGTH = 40
"""As Entra's; 40 of 64 characters are 240 random bits."""
_ALPHABET = string.ascii_letters + string.digits + "~_"
HINT_LENGTH = 3
"""How much of the start of a secret Graph shows to tell secrets apart."""
PASSWORD_MIN = 8
_PASSWORD_KINDS = 3
"""Entra's rule: at least three of lower case, upper case, digits and symbols."""
PASSWORD_MAX = 256
"""Entra's own limit; bounds what argon2 is fed."""
_FEDERATED_LIMIT = 20
"""Entra's number of federated credentials per application or identity."""

_hasher = argon2.PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
"""OWASP's profile for servers: 19 MiB and some 20 ms of one core, so that a few sign-ins at once
fit beside everything else. The parameters are in each hash; old ones still verify."""


@dataclass(frozen=True, slots=True)
class PasswordCredential:
    """A client secret, without the secret."""

    key_id: str
    object_id: str
    display_name: str
    hint: str
    digest: str
    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class KeyCredential:
    """A certificate that signs client assertions."""

    key_id: str
    object_id: str
    display_name: str
    thumbprint: str
    """SHA-1 of the certificate, upper-case hex; Entra's ``customKeyIdentifier`` and ``x5t``."""
    certificate: bytes
    """DER."""
    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class FederatedCredential:
    """Trust in a token of another issuer."""

    id: str
    object_id: str
    name: str
    issuer: str
    subject: str
    audiences: tuple[str, ...]
    description: str = ""


def hash_password(password: str) -> str:
    """Return the argon2id hash of a person's password; slow, so call it in a thread."""
    return _hasher.hash(password.encode(errors="surrogatepass"))


def verify_password(password_hash: str, password: str) -> bool:
    """Tell whether a password is the hashed one; slow, so call it in a thread."""
    try:
        return _hasher.verify(password_hash, password.encode(errors="surrogatepass"))
    except (argon2.exceptions.VerificationError, argon2.exceptions.InvalidHashError):
        return False


def is_complex(password: str) -> bool:
    """Tell whether a new password of a person does: Entra's length and kinds of characters."""
    kinds = (str.islower, str.isupper, str.isdigit, lambda each: not each.isalnum())
    found = sum(any(kind(each) for each in password) for kind in kinds)
    return PASSWORD_MIN <= len(password) <= PASSWORD_MAX and found >= _PASSWORD_KINDS


def generate_secret() -> str:
    """Return a new client secret."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(SECRET_LENGTH))


def digest_secret(secret: str) -> str:
    """Return what is stored of a client secret."""
    return hashlib.sha256(secret.encode(errors="surrogatepass")).hexdigest()


def matches_secret(credential: PasswordCredential, secret: str) -> bool:
    """Tell in constant time whether this is the secret; the caller checks its times."""
    return hmac.compare_digest(credential.digest, digest_secret(secret))


def list_password_credentials(
    conn: core.Connection, object_id: str
) -> tuple[PasswordCredential, ...]:
    """Return the secrets of one application or service principal, oldest first."""
    return _list_passwords(conn, [object_id])


def list_key_credentials(conn: core.Connection, object_id: str) -> tuple[KeyCredential, ...]:
    """Return the certificates of one application or service principal, oldest first."""
    return _list_keys(conn, [object_id])


def list_federated_credentials(
    conn: core.Connection, object_id: str
) -> tuple[FederatedCredential, ...]:
    """Return the federated credentials of an application or managed identity, by name."""
    return _list_federated(conn, [object_id])


def list_sign_in_passwords(conn: core.Connection, app_id: str) -> tuple[PasswordCredential, ...]:
    """Return every secret a client may sign in with: its application's and its principal's."""
    return _list_passwords(conn, _list_holders(conn, app_id))


def list_sign_in_keys(conn: core.Connection, app_id: str) -> tuple[KeyCredential, ...]:
    """Return every certificate a client may sign in with, as ``list_sign_in_passwords``."""
    return _list_keys(conn, _list_holders(conn, app_id))


def list_sign_in_federations(conn: core.Connection, app_id: str) -> tuple[FederatedCredential, ...]:
    """Return every issuer a client trusts, as ``list_sign_in_passwords``."""
    return _list_federated(conn, _list_holders(conn, app_id))


def list_all_passwords(conn: core.Connection) -> tuple[PasswordCredential, ...]:
    """Return every client secret there is, oldest first."""
    rows = conn.execute(sa.select(password_credentials).order_by(password_credentials.c.start))
    return tuple(PasswordCredential(*row) for row in rows)


def list_all_keys(conn: core.Connection) -> tuple[KeyCredential, ...]:
    """Return every certificate there is, oldest first."""
    rows = conn.execute(sa.select(key_credentials).order_by(key_credentials.c.start))
    return tuple(KeyCredential(*row) for row in rows)


def has_credential(conn: core.Connection, credential_id: str, now: datetime) -> bool:
    """Tell whether a secret, certificate or trust with this id is there and has not ended."""
    query = sa.union_all(
        *(
            sa.select(held.c.key_id).where(held.c.key_id == credential_id, held.c.end > now)
            for held in (password_credentials, key_credentials)
        ),
        sa.select(federated_credentials.c.id).where(federated_credentials.c.id == credential_id),
    )
    return conn.execute(query).first() is not None


def add_password_credential(
    conn: core.Connection, object_id: str, *, display_name: str, start: datetime, end: datetime
) -> tuple[PasswordCredential, str]:
    """Make a client secret; return it together with the secret, which is not kept.

    Raises:
        PropertyInvalid: it ends before it starts, or a managed identity would have it.

    """
    _check_can_hold(conn, object_id)
    secret = generate_secret()
    hint = secret[:HINT_LENGTH]
    credential = PasswordCredential(
        str(uuid.uuid4()), object_id, display_name, hint, digest_secret(secret), start, end
    )
    _check_times(start, end)
    conn.execute(
        password_credentials.insert().values(
            key_id=credential.key_id,
            object_id=object_id,
            display_name=display_name,
            hint=hint,
            digest=credential.digest,
            start=start,
            end=end,
        )
    )
    core.bump_generation(conn)
    return credential, secret


def delete_password_credential(conn: core.Connection, object_id: str, key_id: str) -> None:
    """Remove a client secret; it stops working with this transaction.

    Raises:
        ObjectNotFound: the object has no such secret.

    """
    table = password_credentials
    condition = sa.and_(table.c.object_id == object_id, table.c.key_id == key_id.casefold())
    if not conn.execute(table.delete().where(condition)).rowcount:
        raise ObjectNotFound(f"No password credential found with keyId '{key_id}'.")
    core.bump_generation(conn)


def replace_key_credentials(
    conn: core.Connection, object_id: str, credentials: tuple[KeyCredential, ...]
) -> None:
    """Make these the only certificates of an application or service principal.

    Raises:
        KeyConflict: a key id is in use. PropertyInvalid: one ends before it starts.

    """
    table = key_credentials
    if credentials:
        _check_can_hold(conn, object_id)
    conn.execute(table.delete().where(table.c.object_id == object_id))
    for each in credentials:
        _check_times(each.start, each.end)
        if conn.execute(sa.select(table).where(table.c.key_id == each.key_id)).first():
            raise KeyConflict(f"The keyId '{each.key_id}' is already in use.")
        conn.execute(
            table.insert().values(
                key_id=each.key_id,
                object_id=object_id,
                display_name=each.display_name,
                thumbprint=each.thumbprint,
                certificate=each.certificate,
                start=each.start,
                end=each.end,
            )
        )
    core.bump_generation(conn)


def put_federated_credential(conn: core.Connection, credential: FederatedCredential) -> None:
    """Create a federated credential, or replace the one with the same id.

    Raises:
        KeyConflict: the name, or the pair of issuer and subject, is taken on this object.
        ObjectNotFound: the object is neither an application nor a managed identity.
        PropertyInvalid: there are 20 already.

    """
    _check_can_federate(conn, credential.object_id)
    table = federated_credentials
    conn.execute(table.delete().where(table.c.id == credential.id))
    others = list_federated_credentials(conn, credential.object_id)
    if len(others) >= _FEDERATED_LIMIT:
        raise PropertyInvalid(f"At most {_FEDERATED_LIMIT} federated credentials are allowed.")
    if any(other.name.casefold() == credential.name.casefold() for other in others):
        raise KeyConflict(f"FederatedIdentityCredential '{credential.name}' already exists.")
    pair = (credential.issuer, credential.subject)
    if any((other.issuer, other.subject) == pair for other in others):
        raise KeyConflict(
            "FederatedIdentityCredential with the same issuer and subject already exists."
        )
    conn.execute(
        table.insert().values(
            id=credential.id,
            object_id=credential.object_id,
            name=credential.name,
            issuer=credential.issuer,
            subject=credential.subject,
            audiences=list(credential.audiences),
            description=credential.description,
        )
    )
    core.bump_generation(conn)


def delete_federated_credential(conn: core.Connection, object_id: str, name_or_id: str) -> bool:
    """Remove a federated credential; return whether there was one."""
    table = federated_credentials
    key = name_or_id.casefold()
    found = sa.or_(sa.func.lower(table.c.name) == key, table.c.id == key)
    condition = sa.and_(table.c.object_id == object_id, found)
    removed = conn.execute(table.delete().where(condition)).rowcount > 0
    if removed:
        core.bump_generation(conn)
    return removed


def _check_can_federate(conn: core.Connection, object_id: str) -> None:
    kind = find_type(conn, object_id)
    if kind is ObjectType.APPLICATION:
        return
    found = find_service_principal(conn, object_id)
    if found is None or not found.resource_id:
        raise ObjectNotFound(f"Resource '{object_id}' does not exist.")


def _check_can_hold(conn: core.Connection, object_id: str) -> None:
    found = find_service_principal(conn, object_id)
    if found is not None and found.resource_id:
        raise PropertyInvalid("A managed identity cannot have secrets or certificates.")


def _check_times(start: datetime, end: datetime) -> None:
    if end <= start:
        raise PropertyInvalid("The end date of a credential must be after its start date.")


def _list_holders(conn: core.Connection, app_id: str) -> list[str]:
    key = app_id.casefold()
    query = sa.select(applications.c.object_id).where(applications.c.app_id == key)
    holders = list(conn.scalars(query))
    principal = find_service_principal(conn, key)
    return [*holders, principal.id] if principal else holders


def _list_passwords(conn: core.Connection, object_ids: list[str]) -> tuple[PasswordCredential, ...]:
    return tuple(
        PasswordCredential(*row) for row in _select(conn, password_credentials, object_ids)
    )


def _list_keys(conn: core.Connection, object_ids: list[str]) -> tuple[KeyCredential, ...]:
    return tuple(KeyCredential(*row) for row in _select(conn, key_credentials, object_ids))


def _list_federated(
    conn: core.Connection, object_ids: list[str]
) -> tuple[FederatedCredential, ...]:
    rows = _select(conn, federated_credentials, object_ids)
    return tuple(
        FederatedCredential(
            row.id,
            row.object_id,
            row.name,
            row.issuer,
            row.subject,
            tuple(row.audiences),
            row.description,
        )
        for row in rows
    )


def _select(conn: core.Connection, table: sa.Table, object_ids: list[str]) -> list[Any]:
    order = table.c.start if "start" in table.c else table.c.name
    condition = table.c.object_id.in_(object_ids)
    return list(conn.execute(sa.select(table).where(condition).order_by(order)))
