"""From a path to the operation that answers it: one walk over a tree of words, built at start."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from .errors import (
    InvalidResourceNamespace,
    InvalidResourceType,
    MethodNotAllowed,
    MissingSubscription,
)
from .provider import Match, Operation
from .resource_id import split_path

_SCOPE = "{scope}"


@dataclass(slots=True)
class _Node:
    """One place in the tree; ``word`` is in the casing that answers carry."""

    word: str = ""
    words: "dict[str, _Node]" = field(default_factory=dict)
    anything: "_Node | None" = None
    operations: dict[str, Operation] = field(default_factory=dict)


class Routes:
    """Every operation, found by method and path without regard to case."""

    def __init__(self, operations: Iterable[Operation]) -> None:
        self._plain = _Node()
        self._extension = _Node()
        self._types: dict[str, set[str]] = {}
        self._names: dict[int, tuple[tuple[int, str], ...]] = {}
        for operation in operations:
            self._add(operation)

    def find(self, method: str, path: str, api_version: str = "") -> tuple[Operation, Match]:
        """Return the operation and what the path named.

        Raises:
            MethodNotAllowed: the path is served with other methods. Several 404 leaves: it is not.

        """
        segments = [segment for segment in path.split("/") if segment]
        folded = [segment.casefold() for segment in segments]
        allowed: set[str] = set()
        for node, start, words in self._walk_all(segments, folded):
            operation = node.operations.get(method)
            if operation is not None:
                return operation, self._match(operation, segments, start, words)
            allowed.update(node.operations)
        if allowed:
            raise MethodNotAllowed(method, tuple(allowed))
        raise self._explain(segments, api_version)

    def _add(self, operation: Operation) -> None:
        segments = [segment for segment in operation.path.split("/") if segment]
        node = self._plain
        if segments[0] == _SCOPE:
            node = self._extension
            del segments[0]
        self._names[id(operation)] = tuple(
            (place, word[1:-1]) for place, word in enumerate(segments) if word.startswith("{")
        )
        self._note_type(segments)
        for segment in segments:
            if segment.startswith("{"):
                node.anything = node.anything or _Node()
                node = node.anything
            else:
                node = node.words.setdefault(segment.casefold(), _Node(segment))
        if operation.method in node.operations:
            raise ValueError(f"{operation.method} {operation.path} is declared twice")
        node.operations[operation.method] = operation

    def _note_type(self, segments: Sequence[str]) -> None:
        if "providers" in segments[:-1]:
            place = segments.index("providers")
            namespace = segments[place + 1].casefold()
            self._types.setdefault(namespace, set()).update(
                segment.casefold() for segment in segments[place + 2 : place + 3]
            )

    def _walk_all(
        self, segments: Sequence[str], folded: Sequence[str]
    ) -> Iterator[tuple[_Node, int, tuple[str, ...]]]:
        """Yield every place the path may mean: whole paths first, then extensions, last first."""
        for node, words in _walk(self._plain, segments, folded, 0, ()):
            yield node, 0, words
        for start in range(len(folded) - 1, -1, -1):
            if folded[start] == "providers" and not split_path(segments[:start])[1]:
                for node, words in _walk(self._extension, segments, folded, start, ()):
                    yield node, start, words

    def _match(
        self, operation: Operation, segments: Sequence[str], start: int, words: tuple[str, ...]
    ) -> Match:
        scope, _ = split_path(segments[:start])
        id_, _ = split_path((*scope.segments, *words))
        names = {name: words[place] for place, name in self._names[id(operation)]}
        return Match(id_, scope.text if operation.path.startswith(_SCOPE) else id_.text, names)

    def _explain(self, segments: Sequence[str], api_version: str) -> Exception:
        """Return the 404 that says what is not served."""
        folded = [segment.casefold() for segment in segments]
        places = [i for i, word in enumerate(folded[:-1]) if word == "providers"]
        if not places:
            return MissingSubscription()
        namespace = segments[places[-1] + 1]
        if namespace.casefold() not in self._types:
            return InvalidResourceNamespace(namespace[:200])
        steps = segments[places[-1] + 2 :]
        return InvalidResourceType(namespace, "/".join(steps[::2])[:200], api_version[:50])


def _walk(
    node: _Node,
    segments: Sequence[str],
    folded: Sequence[str],
    place: int,
    words: tuple[str, ...],
) -> Iterator[tuple[_Node, tuple[str, ...]]]:
    """Yield the nodes at the end of the path that serve something; exact words go first."""
    if place == len(segments):
        if node.operations:
            yield node, words
        return
    exact = node.words.get(folded[place])
    if exact is not None:
        yield from _walk(exact, segments, folded, place + 1, (*words, exact.word))
    if node.anything is not None:
        yield from _walk(node.anything, segments, folded, place + 1, (*words, segments[place]))
