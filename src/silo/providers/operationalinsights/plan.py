"""From a query's syntax tree to SQL: each operator wraps what the operators before it made.

Only values bound as parameters come from the query's text; names are looked up, never passed on.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from silo import core

from . import kql, records
from .query_errors import SemanticRefused

_ORDERED = {"==", "!=", "<", ">", "<=", ">="}
_WORD = "A-Za-z0-9"
_KEY = "order {}"
"""Hidden columns to sort by; no name of a query has a blank."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table or of a result."""

    type: str
    """Kusto's name: ``string``, ``datetime``, ``int``, ``long``, ``guid``."""
    value: sa.ColumnElement[Any]


@dataclass(frozen=True, slots=True)
class Plan:
    """What to ask the database, and what the answer's columns are."""

    statement: sa.Select[Any]
    columns: tuple[tuple[str, str], ...]
    """Name and Kusto type, in order."""


@dataclass(frozen=True, slots=True)
class _Stage:
    """The rows after some operators."""

    rows: sa.Subquery
    types: Mapping[str, str]
    """Kusto type by column; ``rows`` has the columns to sort by besides."""
    ordered: tuple[bool, ...] = ()
    """For each column to sort by, whether it grows."""

    def find(self, name: str, operator: str) -> sa.ColumnElement[Any]:
        """Return a column, or raise SemanticRefused."""
        if name not in self.types:
            raise SemanticRefused(
                f"'{operator}' operator: Failed to resolve column or scalar expression named "
                f"'{name[:60]}'"
            )
        return self.rows.c[name]

    def list_keys(self) -> list[sa.UnaryExpression[Any]]:
        """Return what to sort by."""
        keys = [(self.rows.c[_KEY.format(number)], up) for number, up in enumerate(self.ordered)]
        return [key.asc() if up else key.desc() for key, up in keys]

    def list_hidden(self) -> list[sa.ColumnElement[Any]]:
        """Return the columns to sort by."""
        return [self.rows.c[_KEY.format(number)] for number in range(len(self.ordered))]


def _text(value: str) -> sa.ColumnElement[Any]:
    return sa.literal(value)


def _shared(kind: str, table: sa.Table) -> dict[str, Column]:
    return {
        "TimeGenerated": Column("datetime", table.c.time),
        "Computer": Column("string", _text("")),
        "ContainerGroup_s": Column("string", records.sources.c.container_group),
        "ContainerGroupInstanceId_g": Column("guid", records.sources.c.uid),
        "ContainerName_s": Column("string", records.sources.c.container),
        "ContainerImage_s": Column("string", records.sources.c.image),
        "Location_s": Column("string", records.sources.c.location),
        "OSType_s": Column("string", _text("Linux")),
        "SubscriptionId": Column("guid", records.sources.c.subscription),
        "ResourceGroup": Column("string", records.sources.c.resource_group),
        "TenantId": Column("guid", records.sources.c.workspace),
        "Type": Column("string", _text(kind)),
        "_ResourceId": Column("string", records.sources.c.resource_id),
    }


def _list_tables() -> dict[str, tuple[sa.Table, dict[str, Column]]]:
    lines, happened = records.records, records.events
    return {
        "ContainerInstanceLog_CL": (
            lines,
            {
                **_shared("ContainerInstanceLog_CL", lines),
                "Source_s": Column("string", lines.c.stream),
                "Message": Column("string", lines.c.message),
            },
        ),
        "ContainerEvent_CL": (
            happened,
            {
                **_shared("ContainerEvent_CL", happened),
                "Reason_s": Column("string", happened.c.reason),
                "EventType_s": Column("string", happened.c.type),
                "Count_d": Column("long", happened.c.count),
                "FirstTimestamp_t": Column("datetime", happened.c.first),
                "Message": Column("string", happened.c.message),
            },
        ),
    }


TABLES = _list_tables()


def make_plan(
    query: kql.Query,
    workspace: str,
    now: datetime,
    since: datetime | None = None,
    until: datetime | None = None,
) -> Plan:
    """Return the statement for a query on one workspace.

    Raises:
        SemanticRefused: a table or column is unknown, or types do not fit.

    """
    stage = _open(query.table, workspace, since, until)
    for operator in query.operators:
        stage = _APPLY[type(operator)](stage, operator, now)
    shown = sa.select(*(stage.rows.c[name] for name in stage.types))
    return Plan(shown.order_by(*stage.list_keys()), tuple(stage.types.items()))


def _open(name: str, workspace: str, since: datetime | None, until: datetime | None) -> _Stage:
    if name not in TABLES:
        raise SemanticRefused(
            f"'{name[:60]}' could not be resolved: Failed to resolve table or column expression "
            f"named '{name[:60]}'"
        )
    table, columns = TABLES[name]
    statement = (
        sa.select(*(column.value.label(name) for name, column in columns.items()))
        .select_from(table.join(records.sources, records.sources.c.id == table.c.source))
        .where(records.sources.c.workspace == workspace)
    )
    if since is not None:
        statement = statement.where(table.c.time >= records.to_micros(since))
    if until is not None:
        statement = statement.where(table.c.time <= records.to_micros(until))
    return _Stage(statement.subquery(), {name: column.type for name, column in columns.items()})


def _where(stage: _Stage, operator: kql.Where, now: datetime) -> _Stage:
    fits = _condition(stage, operator.condition, now)
    return replace(stage, rows=sa.select(stage.rows).where(fits).subquery())


def _project(stage: _Stage, operator: kql.Project, _now: datetime) -> _Stage:
    names = [new for new, _ in operator.columns]
    if len(set(names)) != len(names):
        raise SemanticRefused("'project' operator: a column is named twice", "SEM0005")
    chosen = [stage.find(old, "project").label(new) for new, old in operator.columns]
    types = {new: stage.types[old] for new, old in operator.columns}
    rows = sa.select(*chosen, *stage.list_hidden()).subquery()
    return _Stage(rows, types, stage.ordered)


def _order(stage: _Stage, operator: kql.Order, _now: datetime) -> _Stage:
    columns = [stage.rows.c[name] for name in stage.types]
    keys = [
        stage.find(name, "order").label(_KEY.format(number))
        for number, (name, _) in enumerate(operator.keys)
    ]
    rows = sa.select(*columns, *keys).subquery()
    return _Stage(rows, stage.types, tuple(up for _, up in operator.keys))


def _take(stage: _Stage, operator: kql.Take, _now: datetime) -> _Stage:
    rows = sa.select(stage.rows).order_by(*stage.list_keys()).limit(operator.rows).subquery()
    return replace(stage, rows=rows)


def _distinct(stage: _Stage, operator: kql.Distinct, _now: datetime) -> _Stage:
    names = tuple(dict.fromkeys(operator.columns))
    chosen = [stage.find(name, "distinct") for name in names]
    rows = sa.select(*chosen).distinct().subquery()
    return _Stage(rows, {name: stage.types[name] for name in names})


def _summarize(stage: _Stage, operator: kql.Summarize, _now: datetime) -> _Stage:
    groups: dict[str, Column] = {}
    for bucket in operator.buckets:
        value = stage.find(bucket.column, "summarize")
        kind = stage.types[bucket.column]
        if bucket.span is not None:
            if kind != "datetime":
                raise SemanticRefused("bin() takes a datetime here", "SEM0064")
            value -= value % (bucket.span // timedelta(microseconds=1))
        groups[bucket.name] = Column(kind, value)
    if operator.name in groups:
        raise SemanticRefused("'summarize' operator: a column is named twice", "SEM0005")
    chosen = [column.value.label(name) for name, column in groups.items()]
    statement = sa.select(*chosen, sa.func.count().label(operator.name)).select_from(stage.rows)
    if groups:
        statement = statement.group_by(*(column.value for column in groups.values()))
    types = {**{name: column.type for name, column in groups.items()}, operator.name: "long"}
    return _Stage(statement.subquery(), types)


_APPLY: Mapping[type, Callable[[_Stage, Any, datetime], _Stage]] = {
    kql.Where: _where,
    kql.Project: _project,
    kql.Order: _order,
    kql.Take: _take,
    kql.Distinct: _distinct,
    kql.Summarize: _summarize,
}


def _condition(stage: _Stage, condition: kql.Condition, now: datetime) -> sa.ColumnElement[bool]:
    match condition:
        case kql.Junction(every, parts):
            inner = [_condition(stage, part, now) for part in parts]
            return sa.and_(*inner) if every else sa.or_(*inner)
        case kql.Negation(part):
            return sa.not_(_condition(stage, part, now))
        case kql.Among(name, operator, values):
            one = "=~" if "~" in operator else "=="
            inner = [_condition(stage, kql.Compare(name, one, value), now) for value in values]
            return sa.not_(sa.or_(*inner)) if operator.startswith("!") else sa.or_(*inner)
        case kql.Compare(name, operator, value):
            column = stage.find(name, "where")
            return _compare(column, stage.types[name], operator, _bind(value, now))
    raise AssertionError(condition)


def _bind(value: kql.Value, now: datetime) -> Any:
    try:
        return now - value.span if isinstance(value, kql.Ago) else value
    except OverflowError:
        return datetime.min.replace(tzinfo=UTC)


def _compare(
    column: sa.ColumnElement[Any], kind: str, operator: str, value: Any
) -> sa.ColumnElement[bool]:
    if kind in {"string", "guid"} and isinstance(value, str):
        if kind == "guid" and operator in {"==", "!="}:
            operator = {"==": "=~", "!=": "!~"}[operator]
        return _compare_text(column, operator, value)
    if kind == "datetime" and isinstance(value, datetime) and operator in _ORDERED:
        return _compare_order(column, operator, records.to_micros(value))
    if kind in {"int", "long"} and isinstance(value, int | float) and operator in _ORDERED:
        return _compare_order(column, operator, value)
    raise SemanticRefused(
        f"Cannot compare values of types {kind} and {_name_type(value)} with '{operator}'. "
        "Try adding explicit casts",
        "SEM0064",
    )


def _name_type(value: Any) -> str:
    kinds = {str: "string", int: "long", float: "real", datetime: "datetime", timedelta: "timespan"}
    return kinds[type(value)]


def _compare_order(
    column: sa.ColumnElement[Any], operator: str, value: Any
) -> sa.ColumnElement[bool]:
    compared: dict[str, sa.ColumnElement[bool]] = {
        "==": column == value,
        "!=": column != value,
        "<": column < value,
        ">": column > value,
        "<=": column <= value,
        ">=": column >= value,
    }
    return compared[operator]


def _compare_text(
    column: sa.ColumnElement[Any], operator: str, value: str
) -> sa.ColumnElement[bool]:
    if operator in _ORDERED:
        return _compare_order(column, operator, value)
    if operator in {"=~", "!~"}:
        same = sa.func.lower(column) == sa.func.lower(value)
        return same if operator == "=~" else sa.not_(same)
    denied, word = operator.startswith("!"), operator.lstrip("!")
    exact = word.endswith("_cs")
    word = word.removesuffix("_cs")
    left = column if exact else sa.func.lower(column)
    right = sa.literal(value) if exact else sa.func.lower(value)
    length = sa.func.length(right)
    found: sa.ColumnElement[bool] = {
        "contains": sa.func.instr(left, right) > 0,
        "startswith": sa.func.substr(left, 1, length) == right,
        "endswith": sa.or_(length == 0, sa.func.substr(left, -length) == right),
        "has": _has(column, value, exact),
    }[word]
    return sa.not_(found) if denied else found


def _has(column: sa.ColumnElement[Any], value: str, exact: bool) -> sa.ColumnElement[bool]:
    """Tell whether a text has a term: the letters and digits around it do not go on."""
    wanted = value if exact else value.lower()
    quoted = "".join(f"[{letter}]" if letter in "*?[" else letter for letter in wanted)
    padded = sa.literal(" ") + (column if exact else sa.func.lower(column)) + " "
    before = f"[^{_WORD}]" if value[:1].isalnum() else ""
    after = f"[^{_WORD}]" if value[-1:].isalnum() else ""
    glob: sa.ColumnElement[bool] = padded.op("GLOB", is_comparison=True)(
        f"*{before}{quoted}{after}*"
    )
    return glob


def render_value(kind: str, value: Any) -> Any:
    """Return a value as the API shows it."""
    if kind == "datetime" and value is not None:
        return core.render_time(records.from_micros(int(value)))
    return value
