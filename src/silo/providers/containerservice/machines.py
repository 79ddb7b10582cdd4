"""Which machines a pool has: what is remembered so that a node keeps its name and address. Pure.

As in a scale set of Azure's, a number that was used once comes back no more.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from silo import kube

from .properties import AgentPool

_PLACES = 50_000
"""The node space has more, but the last of it is not the pools'."""
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_NUMBER = 6

Memory = Mapping[str, Any]
"""``place``: of the next node. ``pools``: by name ``next`` number and the ``live`` nodes, each
``[number, place]``."""


def settle(kept: Memory, pools: Sequence[AgentPool]) -> dict[str, Any]:
    """Return the memory once every pool has as many machines as it is to have.

    More are numbered on, fewer are those that came last.
    """
    before: Mapping[str, Any] = kept.get("pools") or {}
    live = {pool.name: list_live(kept, pool.name)[: pool.count or 0] for pool in pools}
    place = int(kept.get("place") or kube.FIRST_NODE_PLACE)
    after: dict[str, Any] = {}
    for pool in pools:
        number = int((before.get(pool.name) or {}).get("next") or 0)
        machines = live[pool.name]
        while len(machines) < (pool.count or 0):
            place = _find_free(place, live.values())
            machines.append((number, place))
            number, place = number + 1, place + 1
        after[pool.name] = {"next": number, "live": [list(each) for each in machines]}
    return {"place": place, "pools": after}


def list_live(kept: Memory, pool: str) -> list[tuple[int, int]]:
    """Return number and place of each of a pool's machines."""
    found = (kept.get("pools") or {}).get(pool) or {}
    return [(int(number), int(place)) for number, place in found.get("live") or ()]


def drop(kept: Memory, pool: str, numbers: Collection[int]) -> dict[str, Any]:
    """Return the memory without some machines of a pool."""
    left = [list(each) for each in list_live(kept, pool) if each[0] not in numbers]
    pools = dict(kept.get("pools") or {})
    pools[pool] = {**pools[pool], "live": left}
    return {**kept, "pools": pools}


def write_number(number: int) -> str:
    """Return the number of a machine in a scale set, as Azure writes it: base 36."""
    text = ""
    while number:
        number, rest = divmod(number, len(_DIGITS))
        text = _DIGITS[rest] + text
    return text.rjust(_NUMBER, "0")


def _find_free(place: int, live: Iterable[list[tuple[int, int]]]) -> int:
    taken = {each for machines in live for _, each in machines}
    first, count = kube.FIRST_NODE_PLACE, _PLACES
    places = (first + (place - first + step) % count for step in range(count))
    return next(each for each in places if each not in taken)
