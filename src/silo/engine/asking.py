"""One HTTP GET over a connection that is there already, for probes: its status, nothing more."""

import asyncio
import contextlib
import socket
import ssl

from .plans import HttpGet

_LINE_BYTES = 8 * 1024
_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""A probe does not care for certificates: it asks whether somebody answers."""
_TLS.check_hostname = False
_TLS.verify_mode = ssl.CERT_NONE


async def ask(connection: socket.socket, question: HttpGet) -> int:
    """Return the status of the answer, or 0 for one that is none (RFC 9112 section 4)."""
    context = _TLS if question.scheme == "https" else None
    try:
        reader, writer = await asyncio.open_connection(
            sock=connection,
            ssl=context,
            server_hostname="localhost" if context else None,
            limit=_LINE_BYTES,
        )
    except BaseException:
        connection.close()
        raise
    try:
        writer.write(render_request(question))
        await writer.drain()
        return parse_status(await reader.readline())
    except (ValueError, asyncio.LimitOverrunError):
        return 0
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


def render_request(question: HttpGet) -> bytes:
    """Return the bytes of the request."""
    given = {name.lower() for name, _ in question.headers}
    headers = [
        *(() if "host" in given else (("Host", f"localhost:{question.port}"),)),
        *(() if "user-agent" in given else (("User-Agent", "silo-probe/1"),)),
        *question.headers,
        ("Connection", "close"),
    ]
    path = question.path.replace(" ", "%20")
    lines = [f"GET {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers), "", ""]
    return "\r\n".join(lines).encode("latin-1", "replace")


def parse_status(line: bytes) -> int:
    """Return the status of a status line, or 0."""
    words = line.split(b" ", 2)
    if len(words) < 2 or not words[0].startswith(b"HTTP/1."):  # noqa: PLR2004
        return 0
    return int(words[1]) if words[1].isdigit() else 0
