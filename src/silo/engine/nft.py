"""The kernel's packet filter, through libnftables and its JSON (``man 5 libnftables-json``).

Nothing is started: the library speaks netlink itself. What is handed over is applied as a whole or
not at all.
"""

import ctypes
import functools
import json
from collections.abc import Iterable, Mapping
from typing import Any

from silo import core

from .descriptors import has_selectable

_LIBRARY = "libnftables.so.1"
_OUTPUT_JSON = 1 << 4

Command = Mapping[str, Any]
"""``{"add": {"rule": {…}}}`` and its like."""


class RulesRefused(core.SiloError):
    """The kernel or the library did not take the rules; those of before are in force."""


def find_library() -> str | None:
    """Return what is wrong with the library, or None."""
    try:
        _load()
    except OSError as error:
        return f"{_LIBRARY} cannot be loaded (Debian: libnftables1): {error}"
    return None


def run(commands: Iterable[Command]) -> Any:
    """Run commands as one transaction in the namespace of this thread; return what is answered.

    Raises:
        RulesRefused: nothing was changed.

    """
    if not has_selectable():
        # The library waits with select(2), which would end this process.
        raise RulesRefused("Too many files are open to reach the packet filter.")
    library = _load()
    text = json.dumps({"nftables": list(commands)}).encode()
    context = library.nft_ctx_new(0)
    if not context:
        raise RulesRefused("The packet filter cannot be opened.")
    try:
        library.nft_ctx_buffer_output(context)
        library.nft_ctx_buffer_error(context)
        library.nft_ctx_output_set_flags(context, _OUTPUT_JSON)
        if library.nft_run_cmd_from_buffer(context, text) != 0:
            reason = library.nft_ctx_get_error_buffer(context) or b"no reason given"
            raise RulesRefused(f"The packet filter refused: {reason.decode(errors='replace')}")
        output = library.nft_ctx_get_output_buffer(context)
        return json.loads(output) if output else None
    finally:
        library.nft_ctx_free(context)


def replace_table(name: str, content: Iterable[Command]) -> list[Command]:
    """Return the transaction after which a table has this content and no other."""
    table = {"table": {"family": "inet", "name": name}}
    return [{"add": table}, {"delete": table}, {"add": table}, *content]


def remove_table(name: str) -> list[Command]:
    """Return the transaction after which there is no such table."""
    table = {"table": {"family": "inet", "name": name}}
    return [{"add": table}, {"delete": table}]


def has_table(name: str) -> bool:
    """Tell whether there is such a table in the namespace of this thread."""
    found = run([{"list": {"tables": {"family": "inet"}}}]) or {}
    return any(one.get("table", {}).get("name") == name for one in found.get("nftables", ()))


@functools.cache
def _load() -> ctypes.CDLL:
    library = ctypes.CDLL(_LIBRARY)
    library.nft_ctx_new.restype = ctypes.c_void_p
    library.nft_ctx_new.argtypes = [ctypes.c_uint32]
    for name in ("nft_ctx_free", "nft_ctx_buffer_output", "nft_ctx_buffer_error"):
        getattr(library, name).argtypes = [ctypes.c_void_p]
    library.nft_ctx_output_set_flags.argtypes = [ctypes.c_void_p, ctypes.c_uint]
    library.nft_run_cmd_from_buffer.argtypes = [ctypes.c_void_p, ctypes.c_char_p]
    for name in ("nft_ctx_get_error_buffer", "nft_ctx_get_output_buffer"):
        getattr(library, name).argtypes = [ctypes.c_void_p]
        getattr(library, name).restype = ctypes.c_char_p
    return library
