"""Waiting for a state, for as long as a step may take."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from .errors import StepFailed
from .processes import SYSTEM_PATH

STEP_S = 120.0
"""The longest that one step may take on a busy machine; most take a second or two."""
_LOOK_S = 0.05


async def wait_until(true: Callable[[], Awaitable[bool]], otherwise: str) -> None:
    """Return once it is so.

    Raises:
        StepFailed: it takes too long, in these words.

    """
    try:
        async with asyncio.timeout(STEP_S):
            while True:
                if await true():
                    return
                await asyncio.sleep(_LOOK_S)
    except TimeoutError:
        raise StepFailed(f"{otherwise} within {STEP_S:.0f} seconds") from None


async def forwards(network: Path) -> bool:
    """Tell whether a node's kube-proxy has said where services are."""
    chain = ("list", "chain", "ip", "kube-proxy", "services")
    asked = await asyncio.create_subprocess_exec(
        *("nsenter", f"--net={network}", "--", "nft", *chain),
        env={"PATH": SYSTEM_PATH},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    return await asked.wait() == 0
