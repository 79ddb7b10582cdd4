"""What a group's containers need, got and made while its network is still being made."""

import asyncio
from contextlib import suppress

from silo import core

from .containers import Credentials, Image
from .machine import Machine
from .plans import ContainerPlan, GroupPlan


class Fetching:
    """Asks for images in tasks of whoever runs the group; each question has one answer."""

    def __init__(
        self, machine: Machine, credentials: Credentials, tasks: asyncio.TaskGroup
    ) -> None:
        self._machine = machine
        self._credentials = credentials
        self._tasks = tasks
        self._begun: dict[str, asyncio.Task[Image | core.SiloError]] = {}
        self._laying: dict[str, asyncio.Task[None]] = {}

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

    def lay(self, plan: GroupPlan, container: ContainerPlan) -> None:
        """Have a container that will be started soon made ready, as soon as its image is here."""
        self.begin(container.image)
        image = self._begun[container.image]
        self._laying[container.name] = self._tasks.create_task(self._lay(plan, container, image))

    async def wait_laid(self, name: str) -> None:
        """Wait until nothing more is made of a container ahead of its start."""
        if (laying := self._laying.pop(name, None)) is not None:
            await laying

    async def _lay(
        self,
        plan: GroupPlan,
        container: ContainerPlan,
        image: asyncio.Task[Image | core.SiloError],
    ) -> None:
        found = await image
        if isinstance(found, Image):
            # Whatever is in the way is met again at its start, and told then.
            with suppress(core.SiloError):
                await self._machine.lay(plan, container, found)

    async def _fetch(self, image: str) -> Image | core.SiloError:
        # A refusal is for whoever takes the image: it must not end what goes on meanwhile.
        try:
            return await self._machine.pull(image, self._credentials)
        except core.SiloError as error:
            return error
