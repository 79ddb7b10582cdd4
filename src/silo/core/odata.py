"""OData filters: parsed by odata-query, evaluated over JSON documents.

The subset is what Azure's tools send: ``eq ne gt ge lt le``, ``and or not``, ``in``,
``startswith endswith contains``, ``x/any(c:c eq '')`` and the calls a door allows by name.
"""

import functools
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

from odata_query import ast
from odata_query.exceptions import ODataException

from .clock import parse_time
from .errors import FilterMalformed

Document = Mapping[str, Any]
Predicate = Callable[[Document], bool]
Calls = Mapping[str, Callable[[Document, tuple[Any, ...]], bool]]
"""Functions of one API, e.g. ARM's ``atScope()``: document and argument values to yes or no."""

MAX_LENGTH = 4_096
"""Longer than any filter a tool sends; keeps the parser's work bounded."""


def _parse(text: str) -> Any:
    """Return the tree of a filter with any function name; evaluation knows which ones exist.

    No subclass of the parser: its generator wants a grammar in every class.
    """
    # Making its tables takes longer than importing anything else: not at every start.
    from odata_query.grammar import ODataLexer, ODataParser  # noqa: PLC0415

    parser = ODataParser()
    # The library's only hook for function names.
    parser._function_call = ast.Call  # type: ignore[method-assign] # noqa: SLF001
    return parser.parse(ODataLexer().tokenize(text))


def parse_filter(
    text: str, calls: Calls | None = None, properties: Collection[str] | None = None
) -> Predicate:
    """Return the filter as a function; names match without regard to case, as in Azure.

    ``properties`` are the names that it may use, in lower case; all, if none are given.

    Raises:
        FilterMalformed: it cannot be parsed, or uses what is not there or not supported.

    """
    if len(text) > MAX_LENGTH:
        raise FilterMalformed("The filter is too long.")
    try:
        tree = _parse(text)
    except (ODataException, ValueError, RecursionError, AttributeError, TypeError) as error:
        raise FilterMalformed(f"Invalid filter clause: {error}") from None
    if tree is None:
        raise FilterMalformed("Invalid filter clause: it is empty.")
    if properties is not None:
        for name in _list_names(tree, frozenset()):
            if name.casefold() not in properties:
                raise FilterMalformed(
                    f"Invalid filter clause: Could not find a property named '{name}'."
                )
    known = {name.casefold(): call for name, call in (calls or {}).items()}
    return functools.partial(_matches, tree, known)


def _list_names(node: Any, bound: frozenset[str]) -> Iterator[str]:
    """Yield the properties of the document itself that an expression names."""
    match node:
        case ast.Identifier() | ast.Attribute():
            first = _path(node)[0]
            if first not in bound:
                yield first
        case ast.CollectionLambda():
            inner: Any = node.lambda_
            yield from _list_names(node.owner, bound)
            yield from _list_names(inner.expression, bound | {inner.identifier.name})
        case ast.Call():
            for argument in node.args:
                yield from _list_names(argument, bound)
        case ast.List():
            for item in node.val:
                yield from _list_names(item, bound)
        case ast.Compare() | ast.BoolOp():
            yield from _list_names(node.left, bound)
            yield from _list_names(node.right, bound)
        case ast.UnaryOp():
            yield from _list_names(node.operand, bound)


def _matches(tree: Any, calls: Calls, document: Document) -> bool:
    return bool(_evaluate(tree, calls, document, {}))


def find_property(document: Any, path: str) -> Any:
    """Return the value at ``a/b`` in a document without regard to case, or None."""
    value = document
    for step in path.split("/"):
        if not isinstance(value, Mapping):
            return None
        value = next((v for k, v in value.items() if k.casefold() == step.casefold()), None)
    return value


def _evaluate(  # noqa: C901, PLR0911 - one arm per kind of node
    node: Any, calls: Calls, document: Document, bound: Mapping[str, Any]
) -> Any:
    match node:
        case ast.BoolOp(op=ast.And()):
            return _evaluate(node.left, calls, document, bound) and _evaluate(
                node.right, calls, document, bound
            )
        case ast.BoolOp():
            return _evaluate(node.left, calls, document, bound) or _evaluate(
                node.right, calls, document, bound
            )
        case ast.UnaryOp(op=ast.Not()):
            return not _evaluate(node.operand, calls, document, bound)
        case ast.Compare():
            left = _evaluate(node.left, calls, document, bound)
            right = _evaluate(node.right, calls, document, bound)
            return _compare(type(node.comparator).__name__, left, right)
        case ast.Call():
            args = tuple(_evaluate(arg, calls, document, bound) for arg in node.args)
            return _call(node.func.name, args, calls, document)
        case ast.CollectionLambda():
            items = _evaluate(node.owner, calls, document, bound) or ()
            inner: Any = node.lambda_
            tests = (
                _evaluate(inner.expression, calls, document, {**bound, inner.identifier.name: item})
                for item in items
            )
            return any(tests) if isinstance(node.operator, ast.Any) else all(tests)
        case ast.Identifier() | ast.Attribute():
            return _resolve(node, document, bound)
        case ast.List():
            return [_evaluate(item, calls, document, bound) for item in node.val]
        case ast.Null():
            return None
        case ast.Boolean():
            return node.val.casefold() == "true"
        case ast.Integer():
            return int(node.val)
        case ast.String() | ast.GUID() | ast.DateTime() | ast.Date() | ast.Float():
            return str(node.val)
    raise FilterMalformed("Invalid filter clause: this expression is not supported.")


def _path(node: Any) -> list[str]:
    if isinstance(node, ast.Attribute):
        return [*_path(node.owner), node.attr]
    return [node.name]


def _resolve(node: Any, document: Document, bound: Mapping[str, Any]) -> Any:
    first, *rest = _path(node)
    value = bound[first] if first in bound else find_property(document, first)
    return find_property(value, "/".join(rest)) if rest else value


def _call(name: str, args: tuple[Any, ...], calls: Calls, document: Document) -> bool:
    folded = tuple(arg.casefold() if isinstance(arg, str) else arg for arg in args)
    match name.casefold(), folded:
        case "startswith", (str(text), str(part)):
            return text.startswith(part)
        case "endswith", (str(text), str(part)):
            return text.endswith(part)
        case "contains", (str(text), str(part)):
            return part in text
        case "startswith" | "endswith" | "contains", (_, _):
            return False
        case known, _ if known in calls:
            return calls[known](document, args)
    raise FilterMalformed(f"Invalid filter clause: the function '{name}' is not supported here.")


def _compare(operator: str, left: Any, right: Any) -> bool:
    if operator == "In":
        return any(_compare("Eq", left, item) for item in right)
    left, right = _fold(left), _fold(right)
    if operator in {"Eq", "NotEq"}:
        return (left == right) is (operator == "Eq")
    if left is None or right is None or type(left) is not type(right):
        return False
    order: dict[str, bool] = {
        "Lt": left < right,
        "LtE": left <= right,
        "Gt": left > right,
        "GtE": left >= right,
    }
    return order[operator]


def _fold(value: Any) -> Any:
    """Compare text without case, and text that is a time as that time."""
    if not isinstance(value, str):
        return value
    if len(value) > len("2026-01-01") and value[:4].isdigit():
        try:
            return parse_time(value).timestamp()
        except ValueError:
            pass
    return value.casefold()
