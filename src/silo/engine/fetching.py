"""The images of a group, asked for while its network is still being made."""

import asyncio

from silo import core

from .containers import Credentials, Image
from .machine import Machine


class Fetching:
    """Asks for images in tasks of whoever runs the group; each question has one answer."""

    def __init__(
        self, machine: Machine, credentials: Credentials, tasks: asyncio.TaskGroup
    ) -> None:
        self._machine = machine
        self._credentials = credentials
        self._tasks = tasks
        self._begun: dict[str, asyncio.Task[Image | core.SiloError]] = {}

    def begin(self, image: str) -> None:
        """Ask for an image that will be taken soon."""
        if image not in self._begun:
            self._begun[image] = self._tasks.create_task(self._fetch(image))

    async def take(self, image: str) -> Image:
        """Return the image, fetched if it is not here; whoever takes it again asks again.

        Raises:
            SiloError: it cannot be had; `ImageInaccessible` says that asking was refused.

        """
        self.begin(image)
        try:
            found = await self._begun[image]
        finally:
            del self._begun[image]
        if isinstance(found, core.SiloError):
            raise found
        return found

    async def _fetch(self, image: str) -> Image | core.SiloError:
        # A refusal is for whoever takes the image: it must not end what goes on meanwhile.
        try:
            return await self._machine.pull(image, self._credentials)
        except core.SiloError as error:
            return error
