"""The part of the Kusto query language that is understood here, and its syntax tree.

Source: https://learn.microsoft.com/kusto/query. One table, then operators one after another;
what is not in the grammar is a syntax error, never ignored.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from lark import Lark, Token, Transformer, UnexpectedInput, v_args
from lark.exceptions import VisitError

from silo import core

from .query_errors import SyntaxRefused

LONGEST = 20_000
"""Characters of a query; far more than a person writes."""
_DEEPEST = 100
"""Parentheses in a query; the parser's own stack is no bound."""
_LONGEST_PIPE = 50
"""Operators in a query; each nests one deeper in SQL."""
_UNITS = {
    "d": 86_400_000_000.0,
    "day": 86_400_000_000.0,
    "days": 86_400_000_000.0,
    "h": 3_600_000_000.0,
    "hr": 3_600_000_000.0,
    "hour": 3_600_000_000.0,
    "hours": 3_600_000_000.0,
    "m": 60_000_000.0,
    "min": 60_000_000.0,
    "minute": 60_000_000.0,
    "minutes": 60_000_000.0,
    "s": 1_000_000.0,
    "sec": 1_000_000.0,
    "second": 1_000_000.0,
    "seconds": 1_000_000.0,
    "ms": 1_000.0,
    "millisecond": 1_000.0,
    "milliseconds": 1_000.0,
    "microsecond": 1.0,
    "microseconds": 1.0,
}
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "\\": "\\", '"': '"', "'": "'"}

GRAMMAR = r"""
query: NAME ("|" operator)* ";"?
?operator: (_WHERE | _FILTER) condition -> where
    | _PROJECT column ("," column)* -> project
    | (_TAKE | _LIMIT) INT -> take
    | (_ORDER | _SORT) _BY key ("," key)* -> order
    | _TOP INT _BY key -> top
    | _COUNT -> count
    | _DISTINCT NAME ("," NAME)* -> distinct
    | _SUMMARIZE tally [_BY bucket ("," bucket)*] -> summarize
column: NAME ["=" NAME]
key: NAME [DIRECTION]
tally: [NAME "="] _COUNT "(" ")"
bucket: [NAME "="] (NAME | bin)
bin: _BIN "(" NAME "," TIMESPAN ")"
?condition: both (_OR both)+ -> either
    | both
?both: test (_AND test)+ -> all
    | test
?test: "(" condition ")"
    | _NOT "(" condition ")" -> negate
    | NAME OPERATOR value -> compare
    | NAME AMONG "(" value ("," value)* ")" -> among
    | NAME _BETWEEN "(" value ".." value ")" -> between
?value: STRING -> text
    | RAW -> raw
    | TIMESPAN -> span
    | INT -> number
    | REAL -> real
    | _NOW "(" ")" -> now
    | _AGO "(" TIMESPAN ")" -> ago
    | _DATETIME "(" MOMENT ")" -> moment
_WHERE: /where\b/
_FILTER: /filter\b/
_PROJECT: /project\b/
_TAKE: /take\b/
_LIMIT: /limit\b/
_ORDER: /order\b/
_SORT: /sort\b/
_BY: /by\b/
_TOP: /top\b/
_COUNT: /count\b/
_DISTINCT: /distinct\b/
_SUMMARIZE: /summarize\b/
_BIN: /bin\b/
_OR: /or\b/
_AND: /and\b/
_NOT: /not\b/
_BETWEEN: /between\b/
_NOW: /now\b/
_AGO: /ago\b/
_DATETIME: /datetime\b/
OPERATOR.3: "==" | "!=" | "=~" | "!~" | "<=" | ">=" | "<" | ">"
    | /!?(contains|has|startswith|endswith)(_cs)?\b/
AMONG.3: /!?in~?(?=\s*\()/
DIRECTION.3: /(asc|desc)\b/
TIMESPAN.2: /\d+(\.\d+)?(d(ays?)?|h(r|ours?)?|m(s|in(utes?)?)?|(milli|micro)?seconds?|s(ec)?)\b/
REAL.2: /\d+\.\d+(?!\w)/
INT.1: /\d+(?![\w])/
STRING: /"(\\.|[^"\\\n])*"|'(\\.|[^'\\\n])*'/
RAW.2: /@"[^"\n]*"|@'[^'\n]*'/
MOMENT.-1: /"?\d{4}-\d{2}-\d{2}([T ][0-9:.]+(Z|[+-]\d\d:?\d\d)?)?"?/
NAME.-2: /[A-Za-z_]\w*/
COMMENT: /\/\/[^\n]*/
%ignore /\s+/
%ignore COMMENT
"""


@dataclass(frozen=True, slots=True)
class Ago:
    """So long before the query."""

    span: timedelta


Value = str | int | float | datetime | timedelta | Ago


@dataclass(frozen=True, slots=True)
class Compare:
    """A column against a value."""

    column: str
    operator: str
    value: Value


@dataclass(frozen=True, slots=True)
class Among:
    """A column against several values; ``in``, ``!in``, ``in~``, ``!in~``."""

    column: str
    operator: str
    values: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Junction:
    """Several conditions together."""

    all: bool
    parts: tuple["Condition", ...]


@dataclass(frozen=True, slots=True)
class Negation:
    """The opposite."""

    part: "Condition"


Condition = Compare | Among | Junction | Negation


@dataclass(frozen=True, slots=True)
class Where:
    """Keep the rows that fit."""

    condition: Condition


@dataclass(frozen=True, slots=True)
class Project:
    """Keep columns: new name and old."""

    columns: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Order:
    """Sort: column and whether it grows."""

    keys: tuple[tuple[str, bool], ...]


@dataclass(frozen=True, slots=True)
class Take:
    """Keep so many rows."""

    rows: int


@dataclass(frozen=True, slots=True)
class Distinct:
    """Keep one row of each combination."""

    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Bucket:
    """What ``summarize`` groups by: a column, or a time rounded down."""

    name: str
    column: str
    span: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Summarize:
    """Count the rows of each group."""

    name: str
    buckets: tuple[Bucket, ...]


Operator = Where | Project | Order | Take | Distinct | Summarize


@dataclass(frozen=True, slots=True)
class Query:
    """A table and what is done with it, in order."""

    table: str
    operators: tuple[Operator, ...]


def parse_query(text: str) -> Query:
    """Read a query.

    Raises:
        SyntaxRefused: with the place, as Kusto names it.

    """
    if len(text) > LONGEST or text.count("(") > _DEEPEST:
        raise SyntaxRefused("The query is too long or nests too deeply.")
    try:
        tree = _parser().parse(text)
        query: Query = _Reader().transform(tree)
    except UnexpectedInput as error:
        raise _refuse(text, error) from None
    except VisitError as error:
        raise SyntaxRefused(f"Query could not be parsed: {error.orig_exc}") from None
    if len(query.operators) > _LONGEST_PIPE:
        raise SyntaxRefused("The query has too many operators.")
    return query


@cache
def _parser() -> Lark:
    return Lark(GRAMMAR, start="query", parser="lalr", maybe_placeholders=True)


def _refuse(text: str, error: UnexpectedInput) -> SyntaxRefused:
    place = error.pos_in_stream
    if place is None or place < 0 or place >= len(text):
        return SyntaxRefused("Query could not be parsed at '' (the end of the query).", "SYN0001")
    line = text.count("\n", 0, place) + 1
    column = place - text.rfind("\n", 0, place) - 1
    token = text[place:].split(maxsplit=1)[0][:40]
    message = f"Query could not be parsed at '{token}' on line [{line},{column + 1}]"
    return SyntaxRefused(message, "SYN0002", line=line, pos=column, token=token)


def _read_span(token: str) -> timedelta:
    digits = token.rstrip("abcdefghijklmnopqrstuvwxyz")
    try:
        return timedelta(microseconds=float(digits) * _UNITS[token[len(digits) :]])
    except OverflowError:
        raise ValueError(f"'{token}' is too long a time") from None


def _read_text(token: str) -> str:
    inner, result, escaped = token[1:-1], [], False
    for letter in inner:
        if escaped:
            if letter not in _ESCAPES:
                raise ValueError(f"'\\{letter}' is no escape sequence")
            result.append(_ESCAPES[letter])
            escaped = False
        elif letter == "\\":
            escaped = True
        else:
            result.append(letter)
    return "".join(result)


def _read_number(token: str) -> int:
    if len(token) > 18:  # noqa: PLR2004 - 64 bits
        raise ValueError(f"{token[:30]} is too large a number")
    return int(token)


@v_args(inline=True)
class _Reader(Transformer[Token, Any]):
    """The parse tree to ours."""

    def query(self, table: Token, *operators: Operator) -> Query:
        flat: list[Operator] = []
        for each in operators:
            flat += each if isinstance(each, tuple) else (each,)
        return Query(str(table), tuple(flat))

    def where(self, condition: Condition) -> Where:
        return Where(condition)

    def project(self, *columns: tuple[str, str]) -> Project:
        return Project(columns)

    def take(self, rows: Token) -> Take:
        return Take(_read_number(rows))

    def order(self, *keys: tuple[str, bool]) -> Order:
        return Order(keys)

    def top(self, rows: Token, key: tuple[str, bool]) -> tuple[Operator, ...]:
        return Order((key,)), Take(_read_number(rows))

    def count(self) -> Summarize:
        return Summarize("Count", ())

    def distinct(self, *columns: Token) -> Distinct:
        return Distinct(tuple(map(str, columns)))

    def summarize(self, name: str, *buckets: Bucket | None) -> Summarize:
        return Summarize(name, tuple(each for each in buckets if each is not None))

    def column(self, first: Token, second: Token | None) -> tuple[str, str]:
        return str(first), str(second or first)

    def key(self, name: Token, direction: Token | None) -> tuple[str, bool]:
        # Kusto sorts downwards unless it is told otherwise.
        return str(name), direction == "asc"

    def tally(self, name: Token | None) -> str:
        return str(name or "count_")

    def bucket(self, name: Token | None, what: Token | Bucket) -> Bucket:
        found = what if isinstance(what, Bucket) else Bucket(str(what), str(what))
        return Bucket(str(name or found.name), found.column, found.span)

    def bin(self, column: Token, span: Token) -> Bucket:
        length = _read_span(span)
        if not length:
            raise ValueError("bin() needs a length above zero")
        return Bucket(str(column), str(column), length)

    def either(self, *parts: Condition) -> Condition:
        return Junction(False, parts)

    def all(self, *parts: Condition) -> Condition:
        return Junction(True, parts)

    def negate(self, part: Condition) -> Negation:
        return Negation(part)

    def compare(self, column: Token, operator: Token, value: Value) -> Compare:
        return Compare(str(column), str(operator), value)

    def among(self, column: Token, operator: Token, *values: Value) -> Among:
        return Among(str(column), str(operator), values)

    def between(self, column: Token, low: Value, high: Value) -> Junction:
        name = str(column)
        return Junction(True, (Compare(name, ">=", low), Compare(name, "<=", high)))

    def text(self, token: Token) -> str:
        return _read_text(token)

    def raw(self, token: Token) -> str:
        return token[2:-1]

    def span(self, token: Token) -> timedelta:
        return _read_span(token)

    def number(self, token: Token) -> int:
        return _read_number(token)

    def real(self, token: Token) -> float:
        return float(token)

    def now(self) -> Ago:
        return Ago(timedelta())

    def ago(self, token: Token) -> Ago:
        return Ago(_read_span(token))

    def moment(self, token: Token) -> datetime:
        return core.parse_time(token.strip('"'))
