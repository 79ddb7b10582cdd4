"""Resource groups: the one type whose deletion takes everything below along.

The reconciler does the cascade; a group has nothing in the world besides what it holds.
Source: https://learn.microsoft.com/rest/api/resources/resource-groups (2024-11-01)
"""

from typing import Any

from pydantic import BaseModel, ConfigDict

from silo import arm

from .errors import NotSupported

_VERSIONS = ("2024-11-01", "2024-03-01", "2022-09-01", "2021-04-01", "2020-06-01", "2019-10-01")


class ResourceGroupProperties(BaseModel):
    """A group says nothing of itself but its state."""

    model_config = ConfigDict(frozen=True, extra="allow")


def make_type() -> arm.ResourceType[ResourceGroupProperties]:
    """Return the declaration."""
    groups: arm.ResourceType[ResourceGroupProperties] = arm.ResourceType(
        name="subscriptions/resourceGroups",
        properties=ResourceGroupProperties,
        api_versions=_VERSIONS,
        path="/subscriptions/{subscription}/resourceGroups/{name}",
        shown_as="Microsoft.Resources/resourceGroups",
        tracked=False,
        remove=remove_group,
        name_pattern=r"[-\w.()]{0,89}[-\w()]",
        actions=tuple(
            arm.Action(name, refuse, statuses=(400,), coverage=f"refused: {reason}")
            for name, reason in (
                ("exportTemplate", "templates are not supported yet"),
                ("moveResources", "resources do not move between groups"),
                ("validateMoveResources", "resources do not move between groups"),
            )
        ),
    )
    return groups


async def remove_group(_resource: arm.Resource) -> None:
    """Do nothing: the reconciler has removed what was in the group before it asks."""


async def refuse(call: arm.Call, resource: arm.Resource, _body: Any) -> arm.Reply:
    """Refuse what is not built."""
    verb = call.path.rstrip("/").rpartition("/")[2]
    raise NotSupported(
        f"The operation '{verb[:50]}' on the resource group '{resource.id.name}' is not supported "
        "yet. Nothing was changed."
    )
