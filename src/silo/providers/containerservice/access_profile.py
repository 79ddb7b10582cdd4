"""Who reaches a cluster's API server: everybody, ranges, or nobody but the cluster. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from . import errors
from .parts import ANY, check_parts
from .sources import read_sources

_PATH = "properties.apiServerAccessProfile"
_PRIVATE, _PUBLIC_NAME = "enablePrivateCluster", "enablePrivateClusterPublicFQDN"
_RANGES, _ZONE = "authorizedIPRanges", "privateDNSZone"
_KNOWN: Mapping[str, Sequence[Any] | None] = {
    _RANGES: ANY,
    _PRIVATE: ANY,
    _PUBLIC_NAME: ANY,
    # Names lead somewhere within the cluster, and are in nobody's zone.
    _ZONE: ("system",),
}


def settle_access(
    given: Mapping[str, Any], before: Mapping[str, Any] | None, *, new: bool
) -> dict[str, Any] | None:
    """Return who reaches the API server as it is to be.

    Raises:
        ArmError: something cannot be had, contradicts the rest, or cannot be changed.

    """
    check_parts(_PATH, given, _KNOWN)
    ranges, kept = given.get(_RANGES) or (), before or {}
    read_sources(ranges)
    private = bool(kept.get(_PRIVATE))
    if given.get(_PRIVATE) is not None and bool(given[_PRIVATE]) != private:
        if not new:
            raise errors.PropertyCannotChange(f"{_PATH}.{_PRIVATE}")
        private = True
    if not private:
        if given.get(_ZONE) or given.get(_PUBLIC_NAME):
            raise errors.PropertyInvalid(f"{_PATH}.{_PRIVATE}", "only private clusters have those")
        return {_RANGES: list(ranges)} if ranges else None
    if ranges:
        why = "nobody reaches a private cluster from outside, so that no range has to be authorized"
        raise errors.PropertyInvalid(f"{_PATH}.{_RANGES}", why)
    named = given.get(_PUBLIC_NAME)
    if named is None:
        named = kept.get(_PUBLIC_NAME, True)
    return {_PRIVATE: True, _ZONE: "system", _PUBLIC_NAME: bool(named)}
