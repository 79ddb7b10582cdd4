"""From where a cluster's API may be asked: Azure's authorised ranges. Pure."""

import ipaddress
from collections.abc import Iterable

from . import errors

_PATH = "properties.apiServerAccessProfile.authorizedIPRanges"
_MOST = 200


def read_sources(ranges: Iterable[str]) -> tuple[str, ...]:
    """Return ranges as networks; ``0.0.0.0/32`` is the cluster alone.

    Raises:
        PropertyInvalid: one of them is none of IPv4.

    """
    found = []
    for each in ranges:
        try:
            found.append(str(ipaddress.IPv4Network(str(each))))
        except ValueError:
            raise errors.PropertyInvalid(_PATH, f"'{str(each)[:50]}' is no range of IPv4") from None
    if len(found) > _MOST:
        raise errors.PropertyInvalid(_PATH, f"there are more than {_MOST} ranges")
    return tuple(found)
