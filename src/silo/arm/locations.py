"""The locations that this instance accepts. One machine plays them all; no region is pretended."""

from dataclasses import dataclass

from .errors import LocationNotAvailable


@dataclass(frozen=True, slots=True)
class Location:
    """One name that a resource may be said to be in."""

    name: str
    display_name: str
    geography: str


LOCATIONS = tuple(
    Location(display.lower().replace(" ", ""), display, geography)
    for geography, displays in (
        ("Europe", ("West Europe", "North Europe", "Germany West Central", "France Central")),
        ("Europe", ("Sweden Central", "Switzerland North", "Norway East", "Poland Central")),
        ("UK", ("UK South", "UK West")),
        ("US", ("East US", "East US 2", "Central US", "North Central US", "South Central US")),
        ("US", ("West US", "West US 2", "West US 3")),
        ("Canada", ("Canada Central",)),
        ("South America", ("Brazil South",)),
        ("Asia Pacific", ("East Asia", "Southeast Asia", "Japan East", "Australia East")),
        ("India", ("Central India",)),
    )
    for display in displays
)
GLOBAL = "global"
"""For what is in no place, such as DNS zones."""
_NAMES = frozenset(location.name for location in LOCATIONS) | {GLOBAL}


def parse_location(text: str, full_type: str) -> str:
    """Return the name of a location written as name or display name.

    Raises:
        LocationNotAvailable: it is none of this instance's.

    """
    name = text.replace(" ", "").lower()
    if name in _NAMES:
        return name
    known = ", ".join(f"'{location.name}'" for location in LOCATIONS)
    raise LocationNotAvailable(
        f"The provided location '{text[:100]}' is not available for resource type '{full_type}'. "
        f"List of available regions for the resource type is {known}."
    )
