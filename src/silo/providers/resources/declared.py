"""What the running application declares, asked for when a request needs it.

The catalogue holds this provider too, so it is finished only after the provider is made.
"""

from collections.abc import Callable

from silo import arm

GetCatalogue = Callable[[], arm.Catalogue]
"""Handed over by the application."""


def is_tracked(catalogue: arm.Catalogue, resource_id: arm.ResourceId) -> bool:
    """Tell whether an id is of a type that is listed, and tagged, as a resource of its own."""
    type_ = catalogue.find_type(resource_id.full_type)
    return type_ is not None and type_.tracked
