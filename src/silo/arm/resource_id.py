"""Resource ids: text to parts and back, without regard to case. Pure.

An id is a chain of scopes: tenant, subscription, resource group, resource, nested resource,
extension resource. Everything that must compare ids compares ``key``.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from .errors import InvalidResourceId

RESOURCES = "Microsoft.Resources"
"""The namespace that subscriptions and resource groups belong to, though their ids hide it."""
_LONGEST = 2_048


@dataclass(frozen=True, slots=True)
class ResourceId:
    """Where a resource is, and what it is."""

    segments: tuple[str, ...]
    subscription: str = ""
    group: str = ""
    namespace: str = ""
    """Of the last resource in the chain: ``Microsoft.ContainerRegistry``."""
    type: str = ""
    """Without the namespace: ``registries/replications``, ``subscriptions/resourceGroups``."""
    name: str = ""
    names: tuple[str, ...] = ()
    """One for each step of ``type``."""
    text: str = field(init=False, compare=False)
    key: str = field(init=False, compare=False)
    """The text without regard to case: equal for equal resources."""

    def __post_init__(self) -> None:
        text = "/" + "/".join(self.segments)
        object.__setattr__(self, "text", text)
        object.__setattr__(self, "key", text.casefold())

    def __str__(self) -> str:
        return self.text

    def __hash__(self) -> int:
        return hash(self.key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ResourceId) and other.key == self.key

    @property
    def full_type(self) -> str:
        """Namespace and type: ``Microsoft.ContainerRegistry/registries/replications``."""
        return f"{self.namespace}/{self.type}"

    @property
    def parent(self) -> "ResourceId | None":
        """The scope right above: parent resource, group, subscription, tenant; None above that."""
        count = len(self.segments)
        if count == 0:
            return None
        if count <= 2 or "/" in self.type:  # noqa: PLR2004 - type and name
            return _parse(self.segments[:-2])
        return _parse(self.segments[:-4])

    @property
    def group_id(self) -> "ResourceId | None":
        """The resource group it is in, or is."""
        return _parse(self.segments[:4]) if self.group else None

    def iterate_scopes(self) -> Iterator["ResourceId"]:
        """Yield this id, then every scope above it, up to the tenant."""
        scope: ResourceId | None = self
        while scope is not None:
            yield scope
            scope = scope.parent

    def child(self, *segments: str) -> "ResourceId":
        """Return the id of something below: type and name, or ``providers``, namespace, …."""
        return _parse((*self.segments, *segments))


def parse_resource_id(text: str) -> ResourceId:
    """Read an id, keeping names as written and writing ARM's own words in ARM's casing.

    Raises:
        InvalidResourceId: the text is no id, or goes on after one.

    """
    if len(text) > _LONGEST or not text.startswith("/"):
        raise InvalidResourceId(text)
    segments = [segment for segment in text.split("/") if segment]
    id_, rest = split_path(segments)
    if rest:
        raise InvalidResourceId(text)
    return id_


def split_path(segments: Sequence[str]) -> tuple[ResourceId, tuple[str, ...]]:
    """Return the longest id that a path begins with, and the segments after it.

    ``…/registries/r/listCredentials`` is the registry and ``("listCredentials",)``;
    ``…/providers/Microsoft.X/registries`` is the group and the three segments after it.
    """
    end = _find_end(segments)
    return _parse(tuple(segments[:end])), tuple(segments[end:])


def _find_end(segments: Sequence[str]) -> int:
    count = len(segments)
    place = 0
    if count >= 2 and segments[0].casefold() == "subscriptions":  # noqa: PLR2004 - word and name
        place = 2
        if count >= 4 and segments[2].casefold() == "resourcegroups":  # noqa: PLR2004 - as above
            place = 4
    while place + 3 < count and segments[place].casefold() == "providers":
        place += 4
        while place + 1 < count and segments[place].casefold() != "providers":
            place += 2
    return place


def _parse(segments: tuple[str, ...]) -> ResourceId:
    """Read segments that ``_find_end`` has measured."""
    words = list(segments)
    subscription = group = namespace = type_ = ""
    names: tuple[str, ...] = ()
    place = 0
    if len(words) > 1 and words[0].casefold() == "subscriptions":
        words[0], subscription = "subscriptions", words[1]
        namespace, type_, names, place = RESOURCES, "subscriptions", (subscription,), 2
        if len(words) > 3 and words[2].casefold() == "resourcegroups":  # noqa: PLR2004
            words[2], group = "resourceGroups", words[3]
            type_, names, place = "subscriptions/resourceGroups", (subscription, group), 4
    while place < len(words):
        words[place], namespace = "providers", words[place + 1]
        place += 2
        start = place
        while place < len(words) and (place == start or words[place].casefold() != "providers"):
            place += 2
        type_, names = "/".join(words[start:place:2]), tuple(words[start + 1 : place : 2])
    return ResourceId(
        tuple(words), subscription, group, namespace, type_, names[-1] if names else "", names
    )
