"""Directory objects as Graph shows them.

Source: learn.microsoft.com/graph/api/resources/{user,group,application,serviceprincipal}
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

import sqlalchemy as sa

from silo import core

from .applications import (
    Application,
    find_application,
    find_application_by_uri,
    list_applications,
)
from .credentials import (
    FederatedCredential,
    KeyCredential,
    PasswordCredential,
    list_all_keys,
    list_all_passwords,
    list_sign_in_keys,
    list_sign_in_passwords,
)
from .directory import (
    GROUP_QUERY,
    SERVICE_PRINCIPAL_QUERY,
    USER_QUERY,
    Group,
    ObjectType,
    ServicePrincipal,
    ServicePrincipalType,
    User,
    find_service_principal,
    list_types,
    read_group,
    read_service_principal,
    read_user,
)
from .directory_roles import DirectoryRole
from .tables import groups, users
from .tenant import Tenant, get_tenant

C = TypeVar("C", PasswordCredential, KeyCredential)
Equality = tuple[str, str] | None
"""Property and value, both folded, of a filter that is one equality: found by an index."""
USER_DEFAULTS = (
    "businessPhones",
    "displayName",
    "givenName",
    "id",
    "jobTitle",
    "mail",
    "mobilePhone",
    "officeLocation",
    "preferredLanguage",
    "surname",
    "userPrincipalName",
)
"""What Graph shows of a user unless ``$select`` asks for more."""

_APPLICATION_DEFAULTS: dict[str, Any] = {
    "addIns": [],
    "api": {
        "acceptMappedClaims": None,
        "knownClientApplications": [],
        "requestedAccessTokenVersion": None,
        "oauth2PermissionScopes": [],
        "preAuthorizedApplications": [],
    },
    "appRoles": [],
    "defaultRedirectUri": None,
    "description": None,
    "groupMembershipClaims": None,
    "info": {},
    "isDeviceOnlyAuthSupported": None,
    "isFallbackPublicClient": None,
    "notes": None,
    "optionalClaims": None,
    "publicClient": {"redirectUris": []},
    "requiredResourceAccess": [],
    "serviceManagementReference": None,
    "signInAudience": "AzureADMyOrg",
    "spa": {"redirectUris": []},
    "tags": [],
    "tokenEncryptionKeyId": None,
    "web": {
        "homePageUrl": None,
        "logoutUrl": None,
        "redirectUris": [],
        "implicitGrantSettings": {
            "enableAccessTokenIssuance": False,
            "enableIdTokenIssuance": False,
        },
    },
}
_SERVICE_PRINCIPAL_DEFAULTS: dict[str, Any] = {
    "addIns": [],
    "appDescription": None,
    "description": None,
    "homepage": None,
    "info": {},
    "loginUrl": None,
    "logoutUrl": None,
    "notes": None,
    "notificationEmailAddresses": [],
    "preferredSingleSignOnMode": None,
    "replyUrls": [],
    "tags": [],
    "tokenEncryptionKeyId": None,
}


def render_moment(moment: datetime) -> str:
    """Return a time as Graph writes it, in whole seconds."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def render_user(user: User) -> dict[str, Any]:
    """Return everything Graph may show of a user; never anything of the password."""
    return {
        **dict.fromkeys(USER_DEFAULTS),
        "businessPhones": [],
        "otherMails": [],
        "userType": "Member",
        **user.properties,
        "id": user.id,
        "displayName": user.display_name,
        "userPrincipalName": user.user_principal_name,
        "accountEnabled": user.account_enabled,
        "createdDateTime": render_moment(user.created),
        "lastPasswordChangeDateTime": render_moment(user.last_password_change),
        "signInSessionsValidFromDateTime": render_moment(user.sign_in_sessions_valid_from),
    }


def render_group(group: Group) -> dict[str, Any]:
    """Return a group."""
    return {
        "id": group.id,
        "deletedDateTime": None,
        "description": None,
        "mail": None,
        "visibility": None,
        "isAssignableToRole": None,
        **group.properties,
        "createdDateTime": render_moment(group.created),
        "displayName": group.display_name,
        "groupTypes": [],
        "mailEnabled": False,
        "mailNickname": group.mail_nickname,
        "securityEnabled": group.security_enabled,
    }


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What is shown with applications and principals but stands in other tables."""

    tenant: Tenant
    applications: Mapping[str, Application]
    """By application id."""
    passwords: Mapping[str, list[PasswordCredential]]
    """By the id of the object that has them, like ``keys``."""
    keys: Mapping[str, list[KeyCredential]]


def load_surroundings(conn: core.Connection, app_id: str = "") -> Surroundings:
    """Read the surroundings of one application and its principal, or of all in four queries."""
    if app_id:
        application = find_application(conn, app_id)
        applications = {app_id: application} if application else {}
        passwords = list_sign_in_passwords(conn, app_id)
        keys = list_sign_in_keys(conn, app_id)
    else:
        applications = {each.app_id: each for each in list_applications(conn)}
        passwords, keys = list_all_passwords(conn), list_all_keys(conn)
    return Surroundings(get_tenant(conn), applications, _group(passwords), _group(keys))


def _group(credentials: Iterable[C]) -> dict[str, list[C]]:
    grouped: dict[str, list[C]] = {}
    for each in credentials:
        grouped.setdefault(each.object_id, []).append(each)
    return grouped


def render_application(around: Surroundings, application: Application) -> dict[str, Any]:
    """Return an application with its credentials, secrets left out."""
    return {
        "id": application.id,
        "deletedDateTime": None,
        **_APPLICATION_DEFAULTS,
        **application.properties,
        "appId": application.app_id,
        "createdDateTime": render_moment(application.created),
        "displayName": application.display_name,
        "identifierUris": list(application.identifier_uris),
        "publisherDomain": around.tenant.domain,
        **_render_credentials(around, application.id),
    }


def render_service_principal(around: Surroundings, principal: ServicePrincipal) -> dict[str, Any]:
    """Return a service principal; what its application declares is shown with it."""
    application = around.applications.get(principal.app_id)
    uris = application.identifier_uris if application else ()
    declared = application.properties if application else {}
    is_identity = principal.type is ServicePrincipalType.MANAGED_IDENTITY
    return {
        "id": principal.id,
        "deletedDateTime": None,
        **_SERVICE_PRINCIPAL_DEFAULTS,
        **principal.properties,
        "accountEnabled": principal.account_enabled,
        "alternativeNames": ["isExplicit=True", principal.resource_id] if is_identity else [],
        "appDisplayName": application.display_name if application else None,
        "appId": principal.app_id,
        "appOwnerOrganizationId": around.tenant.id if application else None,
        "appRoleAssignmentRequired": False,
        "appRoles": declared.get("appRoles") or [],
        "createdDateTime": render_moment(principal.created),
        "displayName": principal.display_name,
        "oauth2PermissionScopes": (declared.get("api") or {}).get("oauth2PermissionScopes") or [],
        "servicePrincipalNames": [principal.app_id, *uris],
        "servicePrincipalType": principal.type.value,
        "signInAudience": "AzureADMyOrg" if application else None,
        **_render_credentials(around, principal.id),
    }


def render_password(credential: PasswordCredential, secret: str | None = None) -> dict[str, Any]:
    """Return a client secret's description; the secret itself only when it was just made."""
    return {
        "customKeyIdentifier": None,
        "displayName": credential.display_name or None,
        "endDateTime": render_moment(credential.end),
        "hint": credential.hint,
        "keyId": credential.key_id,
        "secretText": secret,
        "startDateTime": render_moment(credential.start),
    }


def render_key(credential: KeyCredential) -> dict[str, Any]:
    """Return a certificate's description."""
    return {
        "customKeyIdentifier": credential.thumbprint,
        "displayName": credential.display_name or None,
        "endDateTime": render_moment(credential.end),
        "key": None,
        "keyId": credential.key_id,
        "startDateTime": render_moment(credential.start),
        "type": "AsymmetricX509Cert",
        "usage": "Verify",
    }


def render_federation(credential: FederatedCredential) -> dict[str, Any]:
    """Return a federated credential."""
    return {
        "audiences": list(credential.audiences),
        "description": credential.description or None,
        "id": credential.id,
        "issuer": credential.issuer,
        "name": credential.name,
        "subject": credential.subject,
    }


def render_role(role: DirectoryRole) -> dict[str, Any]:
    """Return a directory role; every role is active here, under its template's id."""
    return {
        "id": role.id,
        "deletedDateTime": None,
        "description": role.description,
        "displayName": role.display_name,
        "roleTemplateId": role.id,
    }


def load_objects(conn: core.Connection, object_ids: list[str]) -> list[dict[str, Any]]:
    """Return mixed objects by id, each with its ``@odata.type``; those that are gone are left out.

    Shape: as ``getByIds``, ``members`` and ``memberOf`` answer.
    """
    found = []
    for object_id, kind in list_types(conn, object_ids).items():
        document = _load(conn, kind, object_id)
        if document is not None:
            found.append({"@odata.type": f"#microsoft.graph.{kind.value}"} | document)
    return found


def load_users(conn: core.Connection, equality: Equality = None) -> list[dict[str, Any]]:
    """Return every user, or those that an equality leaves."""
    columns = {"userprincipalname": users.c.upn_key, "id": users.c.object_id}
    query = _narrow(USER_QUERY, columns, equality)
    return [render_user(read_user(row)) for row in conn.execute(query)]


def load_groups(conn: core.Connection, equality: Equality = None) -> list[dict[str, Any]]:
    """Return every group, or those that an equality leaves."""
    query = _narrow(GROUP_QUERY, {"id": groups.c.object_id}, equality)
    return [render_group(read_group(row)) for row in conn.execute(query)]


def load_applications(conn: core.Connection, equality: Equality = None) -> list[dict[str, Any]]:
    """Return every application, or those that an equality leaves."""
    if equality and equality[0] in {"appid", "id"}:
        found = find_application(conn, equality[1])
        return [render_application(load_surroundings(conn, found.app_id), found)] if found else []
    around = load_surroundings(conn)
    return [render_application(around, each) for each in around.applications.values()]


def load_service_principals(
    conn: core.Connection, equality: Equality = None
) -> list[dict[str, Any]]:
    """Return every service principal, or those that an equality leaves."""
    if equality and equality[0] in {"appid", "id", "serviceprincipalnames"}:
        application = find_application_by_uri(conn, equality[1])
        key = application.app_id if application else equality[1]
        found = find_service_principal(conn, key)
        if found is None:
            return []
        return [render_service_principal(load_surroundings(conn, found.app_id), found)]
    around = load_surroundings(conn)
    rows = conn.execute(SERVICE_PRINCIPAL_QUERY)
    return [render_service_principal(around, read_service_principal(row)) for row in rows]


def _narrow(
    query: sa.Select[Any], columns: Mapping[str, sa.Column[Any]], equality: Equality
) -> sa.Select[Any]:
    if equality is None or equality[0] not in columns:
        return query
    return query.where(columns[equality[0]] == equality[1])


def _load(conn: core.Connection, kind: ObjectType, object_id: str) -> dict[str, Any] | None:
    found: list[dict[str, Any]]
    match kind:
        case ObjectType.USER:
            found = load_users(conn, ("id", object_id))
        case ObjectType.GROUP:
            found = load_groups(conn, ("id", object_id))
        case ObjectType.APPLICATION:
            found = load_applications(conn, ("id", object_id))
        case ObjectType.SERVICE_PRINCIPAL:
            found = load_service_principals(conn, ("id", object_id))
    return found[0] if found else None


def _render_credentials(around: Surroundings, object_id: str) -> dict[str, Any]:
    return {
        "keyCredentials": [render_key(each) for each in around.keys.get(object_id, ())],
        "passwordCredentials": [
            render_password(each) for each in around.passwords.get(object_id, ())
        ],
    }
