"""How far the log of each cluster has been read."""

import sqlalchemy as sa

from silo import core, kube

positions = sa.Table(
    "cluster_audit_positions",
    core.metadata,
    sa.Column("uid", sa.String, primary_key=True),
    sa.Column("file", sa.Integer, nullable=False),
    sa.Column("offset", sa.Integer, nullable=False),
)


def find_position(conn: core.Connection, uid: str) -> kube.AuditPosition:
    """Return where to read on; the beginning of a log that nobody has read."""
    table = positions.c
    row = conn.execute(sa.select(table.file, table.offset).where(table.uid == uid)).first()
    return kube.AuditPosition(row.file, row.offset) if row else kube.AuditPosition()


def put_position(conn: core.Connection, uid: str, position: kube.AuditPosition) -> None:
    """Keep where to read on."""
    conn.execute(positions.delete().where(positions.c.uid == uid))
    conn.execute(positions.insert().values(uid=uid, file=position.file, offset=position.offset))


def forget_position(conn: core.Connection, uid: str) -> None:
    """Forget how far a cluster's log was read, as when the cluster goes."""
    conn.execute(positions.delete().where(positions.c.uid == uid))
