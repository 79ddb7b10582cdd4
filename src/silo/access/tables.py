"""The tables of this room: assignments, custom roles, and what lies above a subscription."""

import sqlalchemy as sa

from silo import core

assignments = sa.Table(
    "role_assignments",
    core.metadata,
    sa.Column("name", sa.String, primary_key=True),
    sa.Column("scope", sa.String, nullable=False),
    sa.Column("scope_key", sa.String, nullable=False, index=True),
    sa.Column("principal_id", sa.String, nullable=False),
    sa.Column("principal_type", sa.String, nullable=False),
    sa.Column("role_definition_id", sa.String, nullable=False, index=True),
    sa.Column("created_on", sa.String, nullable=False),
    sa.Column("created_by", sa.String, nullable=False),
    sa.Column("updated_on", sa.String, nullable=False),
    sa.Column("updated_by", sa.String, nullable=False),
    sa.Column("description", sa.String, nullable=False),
    sa.Column("condition", sa.String, nullable=False),
    sa.Column("condition_version", sa.String, nullable=False),
    sa.UniqueConstraint("principal_id", "role_definition_id", "scope_key"),
)

definitions = sa.Table(
    "role_definitions",
    core.metadata,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("body", sa.Text, nullable=False),
)
"""Custom roles only; the built-in ones are data in this room."""

parents = sa.Table(
    "scope_parents",
    core.metadata,
    sa.Column("child", sa.String, primary_key=True),
    sa.Column("parent", sa.String, nullable=False),
)
"""By scope key."""
