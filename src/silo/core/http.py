"""Reading what strangers send: bounded in size, depth and time."""

import asyncio
import json
import math
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from typing import Any

from .errors import BodyMalformed, BodyTooLarge, BodyTooSlow

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]

IDLE_S = 30.0
"""A client that sends nothing for so long is cut off."""
JSON_DEPTH = 64
"""Azure's own documents nest about fifteen deep."""


async def iterate_body(
    receive: Receive, *, limit: int, idle_s: float = IDLE_S
) -> AsyncIterator[bytes]:
    """Yield the parts of a body as they come.

    Raises:
        BodyTooLarge: more than ``limit`` bytes. BodyTooSlow: silence. BodyMalformed: cut off.

    """
    total = 0
    more = True
    while more:
        try:
            async with asyncio.timeout(idle_s):
                message = await receive()
        except TimeoutError:
            raise BodyTooSlow(f"No data came for {idle_s:.0f} seconds.") from None
        if message["type"] == "http.disconnect":
            raise BodyMalformed("The connection closed before the body was complete.")
        part: bytes = message.get("body", b"")
        total += len(part)
        if total > limit:
            raise BodyTooLarge(f"The body is larger than the {limit} bytes allowed here.")
        if part:
            yield part
        more = message.get("more_body", False)


async def read_body(receive: Receive, *, limit: int, total_s: float = 60.0) -> bytes:
    """Return a whole body of at most ``limit`` bytes, come within ``total_s`` seconds."""
    try:
        async with asyncio.timeout(total_s):
            return b"".join([part async for part in iterate_body(receive, limit=limit)])
    except TimeoutError:
        raise BodyTooSlow(f"The body did not arrive within {total_s:.0f} seconds.") from None


def parse_json(data: bytes) -> Any:
    """Read UTF-8 JSON; refuse what RFC 8259 does not have (NaN) and absurd depth.

    Raises:
        BodyMalformed: with the reason.

    """
    try:
        value = json.loads(
            data.decode("utf-8"), parse_constant=_refuse_constant, parse_float=_parse_float
        )
    except UnicodeDecodeError:
        raise BodyMalformed("The body is not valid UTF-8.") from None
    except RecursionError:
        raise BodyMalformed("The JSON nests too deeply.") from None
    except ValueError as error:
        raise BodyMalformed(f"The body is not valid JSON: {error}.") from None
    if _depth_exceeds(value, JSON_DEPTH):
        raise BodyMalformed("The JSON nests too deeply.")
    if b"\\u" in data and not _is_unicode(value):
        raise BodyMalformed("The body has half a surrogate pair, which is no character.")
    return value


def parse_json_object(data: bytes) -> dict[str, Any]:
    """Read a JSON object, as ``parse_json``."""
    value = parse_json(data)
    if not isinstance(value, dict):
        raise BodyMalformed("The body must be a JSON object.")
    return value


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _parse_float(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text} is too large a number")
    return value


def _is_unicode(value: Any) -> bool:
    """Tell whether every text can be written as UTF-8, as the database and the log do."""
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True


def _depth_exceeds(value: Any, limit: int) -> bool:
    level = [value]
    for _ in range(limit):
        level = [
            child
            for item in level
            if isinstance(item, dict | list)
            for child in (item.values() if isinstance(item, dict) else item)
        ]
        if not level:
            return False
    return True
