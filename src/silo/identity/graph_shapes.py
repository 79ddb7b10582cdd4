"""Directory objects as Graph shows them.

Source: learn.microsoft.com/graph/api/resources/{user,group,application,serviceprincipal}
"""

from datetime import UTC, datetime
from typing import Any

from silo import core

from .applications import APPLICATION_QUERY, Application, find_application, read_application
from .credentials import (
    FederatedCredential,
    KeyCredential,
    PasswordCredential,
    list_key_credentials,
    list_password_credentials,
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
    find_group,
    find_service_principal,
    find_user,
    list_types,
    read_group,
    read_service_principal,
    read_user,
)
from .directory_roles import DirectoryRole
from .tenant import get_tenant

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


def render_application(conn: core.Connection, application: Application) -> dict[str, Any]:
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
        "publisherDomain": get_tenant(conn).domain,
        **_render_credentials(conn, application.id),
    }


def render_service_principal(conn: core.Connection, principal: ServicePrincipal) -> dict[str, Any]:
    """Return a service principal; what its application declares is shown with it."""
    application = find_application(conn, principal.app_id)
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
        "appOwnerOrganizationId": get_tenant(conn).id if application else None,
        "appRoleAssignmentRequired": False,
        "appRoles": declared.get("appRoles") or [],
        "createdDateTime": render_moment(principal.created),
        "displayName": principal.display_name,
        "oauth2PermissionScopes": (declared.get("api") or {}).get("oauth2PermissionScopes") or [],
        "servicePrincipalNames": [principal.app_id, *uris],
        "servicePrincipalType": principal.type.value,
        "signInAudience": "AzureADMyOrg" if application else None,
        **_render_credentials(conn, principal.id),
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


def load_users(conn: core.Connection) -> list[dict[str, Any]]:
    """Return every user."""
    return [render_user(read_user(row)) for row in conn.execute(USER_QUERY)]


def load_groups(conn: core.Connection) -> list[dict[str, Any]]:
    """Return every group."""
    return [render_group(read_group(row)) for row in conn.execute(GROUP_QUERY)]


def load_applications(conn: core.Connection) -> list[dict[str, Any]]:
    """Return every application."""
    rows = conn.execute(APPLICATION_QUERY).all()
    return [render_application(conn, read_application(conn, row)) for row in rows]


def load_service_principals(conn: core.Connection) -> list[dict[str, Any]]:
    """Return every service principal."""
    rows = conn.execute(SERVICE_PRINCIPAL_QUERY).all()
    return [render_service_principal(conn, read_service_principal(row)) for row in rows]


def _load(conn: core.Connection, kind: ObjectType, object_id: str) -> dict[str, Any] | None:
    match kind:
        case ObjectType.USER:
            user = find_user(conn, object_id)
            return render_user(user) if user else None
        case ObjectType.GROUP:
            group = find_group(conn, object_id)
            return render_group(group) if group else None
        case ObjectType.APPLICATION:
            application = find_application(conn, object_id)
            return render_application(conn, application) if application else None
        case ObjectType.SERVICE_PRINCIPAL:
            principal = find_service_principal(conn, object_id)
            return render_service_principal(conn, principal) if principal else None


def _render_credentials(conn: core.Connection, object_id: str) -> dict[str, Any]:
    return {
        "keyCredentials": [render_key(each) for each in list_key_credentials(conn, object_id)],
        "passwordCredentials": [
            render_password(each) for each in list_password_credentials(conn, object_id)
        ],
    }
