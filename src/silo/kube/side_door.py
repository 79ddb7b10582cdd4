"""Silo's own way to a cluster's API where not everybody may come in by the front.

It begins at the cluster's router, so that no rule there has to know Silo from whoever else is on
this machine; a socket in a folder of root's leads to it.
"""

import asyncio
import contextlib
from pathlib import Path

import structlog

from silo import core, engine

log = structlog.get_logger()

_CHUNK = 65536


class SideDoor:
    """Passes on what comes by a socket file."""

    def __init__(self, networks: engine.Networks, member: str, port: int, path: Path) -> None:
        self._networks = networks
        self._member = member
        self._port = port
        self._path = path

    async def run(self) -> None:
        """Pass on for ever."""
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._path.unlink(missing_ok=True)
        server = await asyncio.start_unix_server(self._serve, self._path)
        self._path.chmod(0o600)
        try:
            await server.serve_forever()
        finally:
            self._path.unlink(missing_ok=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            made = await self._networks.connect(self._member, self._port)
            there, back = await asyncio.open_connection(sock=made)
        except (core.SiloError, OSError) as error:
            log.debug("a cluster's API is not there", member=self._member, why=str(error))
            writer.close()
            return
        with contextlib.suppress(OSError):
            try:
                async with asyncio.TaskGroup() as tasks:
                    tasks.create_task(_pass_on(reader, back))
                    tasks.create_task(_pass_on(there, writer))
            except* OSError:
                pass
            finally:
                back.close()
                writer.close()


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while chunk := await reader.read(_CHUNK):
        writer.write(chunk)
        await writer.drain()
    # Who has said everything may still be answered.
    if writer.can_write_eof():
        writer.write_eof()
