"""The tables of the directory; the issuer's own tables stand beside what they serve.

Everything hangs on ``directory_objects`` and goes with it when it is deleted. Text that is looked
up without regard to case has a casefolded twin with the end ``_key``.
"""

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from silo import core


class UtcTime(sa.TypeDecorator[datetime]):
    """An aware time, kept as text that sorts (``2026-11-23T10:00:00.1234560Z``)."""

    impl = sa.String
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Any) -> str | None:
        """Write a time."""
        del dialect
        return None if value is None else core.render_time(value)

    def process_result_value(self, value: str | None, dialect: Any) -> datetime | None:
        """Read a time."""
        del dialect
        return None if value is None else core.parse_time(value)


THE_BEGINNING = datetime(2000, 1, 1, tzinfo=UTC)
"""Sessions are valid from here until somebody revokes them."""


def _object_id(*, primary_key: bool = True) -> sa.Column[str]:
    return sa.Column(
        "object_id",
        sa.String,
        sa.ForeignKey("directory_objects.id", ondelete="CASCADE"),
        primary_key=primary_key,
        nullable=False,
    )


def _reference(name: str) -> sa.Column[str]:
    target = sa.ForeignKey("directory_objects.id", ondelete="CASCADE")
    return sa.Column(name, sa.String, target, primary_key=True)


tenants = sa.Table(
    "tenants",
    core.metadata,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("domain", sa.String, nullable=False),
    sa.Column("display_name", sa.String, nullable=False),
)

directory_objects = sa.Table(
    "directory_objects",
    core.metadata,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("type", sa.String, nullable=False),  # an ObjectType
    sa.Column("display_name", sa.String, nullable=False),
    sa.Column("created", UtcTime, nullable=False),
    # What Graph keeps and shows and nothing here decides on: jobTitle, notes, web, tags, …
    sa.Column("properties", sa.JSON, nullable=False),
)

users = sa.Table(
    "users",
    core.metadata,
    _object_id(),
    sa.Column("user_principal_name", sa.String, nullable=False),
    sa.Column("upn_key", sa.String, nullable=False, unique=True),
    sa.Column("account_enabled", sa.Boolean, nullable=False),
    sa.Column("password_hash", sa.String, nullable=False),  # argon2id
    sa.Column("last_password_change", UtcTime, nullable=False),
    sa.Column("force_change_password", sa.Boolean, nullable=False),
    sa.Column("sign_in_sessions_valid_from", UtcTime, nullable=False),
)

groups = sa.Table(
    "groups",
    core.metadata,
    _object_id(),
    sa.Column("mail_nickname", sa.String, nullable=False),
    sa.Column("security_enabled", sa.Boolean, nullable=False),
)

memberships = sa.Table(
    "memberships",
    core.metadata,
    _reference("group_id"),
    _reference("member_id"),
    sa.Index("memberships_member", "member_id"),
)

owners = sa.Table(
    "owners",
    core.metadata,
    _reference("object_id"),
    _reference("owner_id"),
    sa.Index("owners_owner", "owner_id"),
)

applications = sa.Table(
    "applications",
    core.metadata,
    _object_id(),
    sa.Column("app_id", sa.String, nullable=False, unique=True),
)

identifier_uris = sa.Table(
    "identifier_uris",
    core.metadata,
    sa.Column("uri_key", sa.String, primary_key=True),
    sa.Column("uri", sa.String, nullable=False),
    _object_id(primary_key=False),
)

service_principals = sa.Table(
    "service_principals",
    core.metadata,
    _object_id(),
    sa.Column("app_id", sa.String, nullable=False, unique=True),
    sa.Column("account_enabled", sa.Boolean, nullable=False),
    sa.Column("type", sa.String, nullable=False),  # a ServicePrincipalType
    # The ARM id of the managed identity; empty for an application.
    sa.Column("resource_id", sa.String, nullable=False),
    sa.Column("sign_in_sessions_valid_from", UtcTime, nullable=False),
)

password_credentials = sa.Table(
    "password_credentials",
    core.metadata,
    sa.Column("key_id", sa.String, primary_key=True),
    _object_id(primary_key=False),  # an application or a service principal
    sa.Column("display_name", sa.String, nullable=False),
    sa.Column("hint", sa.String, nullable=False),
    sa.Column("digest", sa.String, nullable=False),  # SHA-256 of a secret made here
    sa.Column("start", UtcTime, nullable=False),
    sa.Column("end", UtcTime, nullable=False),
    sa.Index("password_credentials_object", "object_id"),
)

key_credentials = sa.Table(
    "key_credentials",
    core.metadata,
    sa.Column("key_id", sa.String, primary_key=True),
    _object_id(primary_key=False),
    sa.Column("display_name", sa.String, nullable=False),
    sa.Column("thumbprint", sa.String, nullable=False),  # SHA-1 in upper-case hex, Entra's x5t
    sa.Column("certificate", sa.LargeBinary, nullable=False),  # DER
    sa.Column("start", UtcTime, nullable=False),
    sa.Column("end", UtcTime, nullable=False),
    sa.Index("key_credentials_object", "object_id"),
)

federated_credentials = sa.Table(
    "federated_credentials",
    core.metadata,
    sa.Column("id", sa.String, primary_key=True),
    _object_id(primary_key=False),  # an application, or a managed identity's service principal
    sa.Column("name", sa.String, nullable=False),
    sa.Column("issuer", sa.String, nullable=False),
    sa.Column("subject", sa.String, nullable=False),
    sa.Column("audiences", sa.JSON, nullable=False),
    sa.Column("description", sa.String, nullable=False),
    sa.UniqueConstraint("object_id", "name"),
    sa.UniqueConstraint("object_id", "issuer", "subject"),
)

directory_role_assignments = sa.Table(
    "directory_role_assignments",
    core.metadata,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("role_id", sa.String, nullable=False),  # the role's template id
    _object_id(primary_key=False),
    sa.UniqueConstraint("role_id", "object_id"),
    sa.Index("directory_role_assignments_object", "object_id"),
)
