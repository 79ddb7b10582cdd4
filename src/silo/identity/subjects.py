"""What a token says of somebody, read from the directory as it stands in this transaction."""

from silo import core

from .client_errors import ClientDisabled, PrincipalMissing
from .directory import find_service_principal, find_user, get_principal
from .directory_errors import ObjectNotFound, PrincipalDisabled
from .directory_roles import list_directory_roles
from .errors import AccountDisabled, AccountGone
from .tokens import Subject


def get_user_subject(conn: core.Connection, object_id: str) -> Subject:
    """Return a user.

    Raises:
        AccountGone: it was deleted. AccountDisabled: it may not sign in.

    """
    user = find_user(conn, object_id)
    if user is None:
        raise AccountGone
    try:
        principal = get_principal(conn, user.id)
    except PrincipalDisabled:
        raise AccountDisabled from None
    return Subject(
        principal=principal,
        display_name=user.display_name,
        directory_roles=tuple(sorted(list_directory_roles(conn, user.id))),
        valid_from=user.sign_in_sessions_valid_from,
    )


def get_client_subject(conn: core.Connection, app_id: str, tenant_id: str) -> Subject:
    """Return the service principal of an application or managed identity.

    Raises:
        PrincipalMissing: it has none here. ClientDisabled: it may not sign in.

    """
    found = find_service_principal(conn, app_id)
    if found is None:
        raise PrincipalMissing(app_id=app_id, tenant=tenant_id)
    try:
        principal = get_principal(conn, found.id)
    except PrincipalDisabled:
        raise ClientDisabled(app_id=found.app_id) from None
    except ObjectNotFound:
        raise PrincipalMissing(app_id=app_id, tenant=tenant_id) from None
    return Subject(
        principal=principal,
        display_name=found.display_name,
        resource_id=found.resource_id,
        directory_roles=tuple(sorted(list_directory_roles(conn, found.id))),
        valid_from=found.sign_in_sessions_valid_from,
    )
