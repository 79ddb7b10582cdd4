"""Images that nothing uses any more: forgotten after a week, sooner when the disk gets full.

As the kubelet does it (Kubernetes, "Garbage collection of unused containers and images"): above 85
percent the ones that were used longest ago go first, until 80 are reached. What was used in the
last half hour stays in any case: a container that is to be started again names it. An image is a
name in containerd's list; its clean-up then takes layers that no other image, no container and no
lease, which is a pull under way, names.
"""

import asyncio
import shutil
from datetime import datetime, timedelta
from pathlib import Path

import structlog
from google.protobuf import field_mask_pb2
from grpc import aio

from silo import core

from .api import containers_pb2, descriptor_pb2, images_pb2
from .client import Client, is_missing, is_present, tolerating
from .errors import EngineError
from .paths import Paths

log = structlog.get_logger()

EVERY_S = 300.0
KEPT = timedelta(days=7)
YOUNG = timedelta(minutes=30)
HIGH, LOW = 0.85, 0.80
"""Of the disk; above the one images go, until the other is reached."""
_USED = "silo.used-at"
OFTEN = timedelta(minutes=5)
"""How exactly the last use is known."""


class ImageSweeper:
    """Looks after unused images, for ever."""

    def __init__(self, paths: Paths, clock: core.Clock) -> None:
        self._disk = paths.containerd
        self._clock = clock
        self._client = Client(paths.socket, clock)

    async def run(self) -> None:
        """Sweep until cancelled."""
        try:
            while True:
                try:
                    await self.sweep()
                except (aio.AioRpcError, EngineError, OSError) as error:
                    log.warning("images were not looked through", reason=str(error))
                await asyncio.sleep(EVERY_S)
        finally:
            await self.close()

    async def close(self) -> None:
        """Hang up."""
        await self._client.close()

    async def sweep(self) -> list[str]:
        """Forget what is due; return the digests."""
        containers = self._client.containers
        listed = await self._client.call(containers.list, containers_pb2.ListContainersRequest())
        used = {container.image for container in listed.containers}
        found = await self._client.call(self._client.images.list, images_pb2.ListImagesRequest())
        now = self._clock.now()
        idle: list[tuple[datetime, str]] = []
        for image in found.images:
            at = read_use(image)
            if image.name not in used:
                idle.append((at, image.name))
            elif now - at > OFTEN:
                await note_use(self._client, image.name, now)
        gone: list[str] = []
        for at, name in sorted(idle):
            due = choose(now - at, measure_use(self._disk), begun=bool(gone))
            if due and await self._forget(name, at):
                gone.append(name)
        return gone

    async def _forget(self, name: str, used_at: datetime) -> bool:
        """Remove an image, unless somebody has come to use it since it was looked at."""
        images = self._client.images
        with tolerating(is_missing):
            found = await self._client.call(images.get, images_pb2.GetImageRequest(name=name))
            if read_use(found.image) == used_at:
                # Answered when its layers are gone, so that the disk can be asked again.
                request = images_pb2.DeleteImageRequest(name=name, sync=True)
                await self._client.call(images.delete, request)
                log.info("unused image removed", digest=name)
                return True
        return False


def choose(age: timedelta, full: float, *, begun: bool) -> bool:
    """Return whether an unused image goes, that was last used so long ago. Pure.

    ``full`` is the part of the disk in use, ``begun`` whether images have been removed for it.
    """
    if age > KEPT:
        return True
    return age > YOUNG and full > (LOW if begun else HIGH)


def measure_use(disk: Path) -> float:
    """Return which part of the disk is in use."""
    usage = shutil.disk_usage(disk)
    return usage.used / (usage.used + usage.free)


def read_use(image: images_pb2.Image) -> datetime:
    """Return when an image was last used, as far as is known."""
    if text := image.labels.get(_USED):
        return core.parse_time(text)
    return core.parse_time(image.created_at.ToJsonString())


async def record_image(
    client: Client, name: str, manifest: descriptor_pb2.Descriptor, lease: str, now: datetime
) -> None:
    """Put an image on containerd's list, used just now, or note that it was."""
    image = images_pb2.Image(name=name, target=manifest)
    image.labels[_USED] = core.render_time(now)
    with tolerating(is_present):
        request = images_pb2.CreateImageRequest(image=image)
        await client.call(client.images.create, request, lease=lease)
        return
    await note_use(client, name, now)


async def note_use(client: Client, name: str, now: datetime) -> bool:
    """Note that an image is in use; return whether it is there."""
    # containerd 2.4.2 falls over an image without a target, also when only a label is to change.
    target = descriptor_pb2.Descriptor(digest=name)
    image = images_pb2.Image(name=name, target=target, labels={_USED: core.render_time(now)})
    mask = field_mask_pb2.FieldMask(paths=[f"labels.{_USED}"])
    request = images_pb2.UpdateImageRequest(image=image, update_mask=mask)
    try:
        await client.call(client.images.update, request)
    except aio.AioRpcError as error:
        if is_missing(error):
            return False
        raise
    return True
