"""What users let registered applications do in their name; asked once per application and API.

Microsoft's own clients need no consent: they run on the user's machine, and codes for them never
leave it.
"""

import sqlalchemy as sa

from silo import core

consents = sa.Table(
    "sign_in_consents",
    core.metadata,
    sa.Column(
        "object_id",
        sa.String,
        sa.ForeignKey("directory_objects.id", ondelete="CASCADE"),
        primary_key=True,
    ),
    sa.Column("client_id", sa.String, primary_key=True),
    sa.Column("resource_id", sa.String, primary_key=True),
    sa.Column("permissions", sa.String, nullable=False),
)


def has_consent(
    conn: core.Connection,
    object_id: str,
    client_id: str,
    resource_id: str,
    permissions: tuple[str, ...],
) -> bool:
    """Tell whether a user has agreed to all of these permissions."""
    known = _find(conn, object_id, client_id, resource_id)
    return known is not None and set(permissions) <= known


def put_consent(
    conn: core.Connection,
    object_id: str,
    client_id: str,
    resource_id: str,
    permissions: tuple[str, ...],
) -> None:
    """Write down that a user agreed."""
    known = _find(conn, object_id, client_id, resource_id)
    text = " ".join(sorted(set(permissions) | (known or set())))
    if known is None:
        conn.execute(
            consents.insert().values(
                object_id=object_id,
                client_id=client_id,
                resource_id=resource_id,
                permissions=text,
            )
        )
    else:
        where = _where(object_id, client_id, resource_id)
        conn.execute(consents.update().where(where).values(permissions=text))


def _find(
    conn: core.Connection, object_id: str, client_id: str, resource_id: str
) -> set[str] | None:
    where = _where(object_id, client_id, resource_id)
    text = conn.scalar(sa.select(consents.c.permissions).where(where))
    return None if text is None else set(text.split())


def _where(object_id: str, client_id: str, resource_id: str) -> sa.ColumnElement[bool]:
    return sa.and_(
        consents.c.object_id == object_id,
        consents.c.client_id == client_id,
        consents.c.resource_id == resource_id,
    )
