"""What a cluster's API holds of one kind, kept as it is now: listed once, then told of changes."""

from collections.abc import Callable, Mapping
from typing import Any, Generic, NoReturn, TypeVar

from .api import Api

T = TypeVar("T")


class Mirror(Generic[T]):
    """A collection, each object reduced to what is asked of it."""

    def __init__(self, path: str, read: Callable[[Mapping[str, Any]], T]) -> None:
        self.path = path
        self.items: dict[str, T] = {}
        """By uid."""
        self.complete = False
        """Whether it has been listed."""
        self._read = read

    async def follow(self, api: Api, changed: Callable[[], None]) -> NoReturn:
        """Keep it as it is.

        Raises:
            StepFailed: nobody answers, or too much has changed to be told: list it again.

        """
        items: dict[str, T] = {}
        version = ""
        async for page, version in api.pages(self.path):  # noqa: B007
            # What is not asked of an object is not held until the last page has come.
            items.update({self._key(item): self._read(item) for item in page})
        self.items = items
        self.complete = True
        changed()
        while True:
            version = await self._watch(api, version, changed)

    async def _watch(self, api: Api, version: str, changed: Callable[[], None]) -> str:
        async for kind, item in api.watch(self.path, version):
            version = item["metadata"]["resourceVersion"]
            if kind == "BOOKMARK":
                continue
            if kind == "DELETED":
                self.items.pop(self._key(item), None)
            else:
                self.items[self._key(item)] = self._read(item)
            changed()
        return version

    def _key(self, item: Mapping[str, Any]) -> str:
        return str(item["metadata"]["uid"])
