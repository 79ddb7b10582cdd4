"""The registry's tables: what exists, under which name, and who holds it.

Blobs are files shared by every registry; a repository reaches one only through its own link.
Manifests are small and live in the database, in the row of each repository that has them.
"""

import sqlalchemy as sa

from silo import core


def _text(name: str, default: str | None = None) -> sa.Column[str]:
    return sa.Column(name, sa.String, nullable=False, server_default=default)


def _attributes() -> list[sa.Column[bool]]:
    """Return ACR's changeable attributes."""
    return [
        sa.Column(f"{verb}_enabled", sa.Boolean, nullable=False, server_default=sa.true())
        for verb in ("delete", "write", "read", "list")
    ]


registries = sa.Table(
    "registries",
    core.metadata,
    sa.Column("name", sa.String, primary_key=True, doc="lower case"),
    sa.Column("uid", sa.String, nullable=False, unique=True, doc="new with every creation"),
    _text("resource_id"),
    sa.Column("admin_enabled", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("arm_tokens_accepted", sa.Boolean, nullable=False, server_default=sa.true()),
    _text("network", "{}"),
)

admin_passwords = sa.Table(
    "registry_admin_passwords",
    core.metadata,
    sa.Column("registry_uid", sa.String, primary_key=True),
    sa.Column("name", sa.String, primary_key=True, doc="password or password2"),
    _text("sealed"),
    _text("stamp"),
)

repositories = sa.Table(
    "registry_repositories",
    core.metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    _text("registry_uid"),
    _text("name"),
    _text("created"),
    _text("updated"),
    *_attributes(),
    sa.UniqueConstraint("registry_uid", "name"),
    sqlite_autoincrement=True,
)

manifests = sa.Table(
    "registry_manifests",
    core.metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("repository_id", sa.Integer, nullable=False),
    _text("digest"),
    _text("media_type"),
    _text("artifact_type"),
    _text("config_media_type"),
    _text("architecture"),
    _text("os"),
    _text("subject"),
    _text("annotations"),
    sa.Column("size", sa.Integer, nullable=False, doc="of the manifest itself"),
    sa.Column("image_size", sa.Integer, nullable=False, doc="with config and layers"),
    _text("created"),
    _text("updated"),
    *_attributes(),
    sa.Column("body", sa.LargeBinary, nullable=False),
    sa.UniqueConstraint("repository_id", "digest"),
    sa.Index("registry_manifests_subject", "repository_id", "subject"),
    sqlite_autoincrement=True,
)

tags = sa.Table(
    "registry_tags",
    core.metadata,
    sa.Column("repository_id", sa.Integer, primary_key=True),
    sa.Column("name", sa.String, primary_key=True),
    _text("digest"),
    _text("created"),
    _text("updated"),
    *_attributes(),
    sa.Index("registry_tags_digest", "repository_id", "digest"),
    sqlite_with_rowid=False,
)

references = sa.Table(
    "registry_references",
    core.metadata,
    sa.Column("repository_id", sa.Integer, primary_key=True),
    sa.Column("manifest", sa.String, primary_key=True, doc="digest of the one that refers"),
    sa.Column("digest", sa.String, primary_key=True, doc="of a blob or manifest referred to"),
    sa.Index("registry_references_digest", "repository_id", "digest"),
    sqlite_with_rowid=False,
)

blobs = sa.Table(
    "registry_blobs",
    core.metadata,
    sa.Column("digest", sa.String, primary_key=True),
    sa.Column("size", sa.Integer, nullable=False),
    sqlite_with_rowid=False,
)

links = sa.Table(
    "registry_blob_links",
    core.metadata,
    sa.Column("repository_id", sa.Integer, primary_key=True),
    sa.Column("digest", sa.String, primary_key=True),
    sa.Column("touched", sa.String, nullable=False, doc="last pushed, mounted or asked for"),
    sa.Index("registry_blob_links_digest", "digest"),
    sqlite_with_rowid=False,
)
