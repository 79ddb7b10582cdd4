"""Wire shapes of roles and their assignments, both ways.

Source: https://learn.microsoft.com/rest/api/authorization/role-assignments/create (2022-04-01) and
…/role-definitions/create-or-update (2022-05-01-preview).
"""

import re
from collections.abc import Callable
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError
from pydantic.alias_generators import to_camel

from silo import access, arm

GUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
ASSIGNMENTS = "providers/Microsoft.Authorization/roleAssignments"
DEFINITIONS = "providers/Microsoft.Authorization/roleDefinitions"

Pattern = Annotated[str, StringConstraints(min_length=1, max_length=500)]
Patterns = Annotated[tuple[Pattern, ...], Field(max_length=2_048)]


class Shape(BaseModel):
    """Camel case on the wire; what is null counts as absent."""

    model_config = ConfigDict(
        frozen=True, extra="ignore", alias_generator=to_camel, populate_by_name=True
    )


S = TypeVar("S", bound=Shape)


class RoleAssignmentProperties(Shape):
    """What a client may say of an assignment."""

    role_definition_id: str
    principal_id: str
    principal_type: str | None = None
    description: str | None = Field(default=None, max_length=1_024)
    condition: str | None = Field(default=None, max_length=8_192)
    condition_version: str | None = Field(default=None, max_length=8)
    delegated_managed_identity_resource_id: str | None = None


class PermissionProperties(Shape):
    """One entry of a role's permissions."""

    actions: Patterns = ()
    not_actions: Patterns = ()
    data_actions: Patterns = ()
    not_data_actions: Patterns = ()


class RoleDefinitionProperties(Shape):
    """What a client may say of a custom role."""

    role_name: Annotated[str, StringConstraints(min_length=1, max_length=512)]
    description: str | None = Field(default="", max_length=2_048)
    type: str | None = None
    permissions: tuple[PermissionProperties, ...] = Field(min_length=1, max_length=16)
    assignable_scopes: tuple[str, ...] = Field(min_length=1, max_length=2_000)


def parse_properties(shape: type[S], body: Any) -> S:
    """Read the ``properties`` of a body.

    Raises:
        arm.InvalidRequestContent: with the first thing that is wrong.

    """
    wanted = body.get("properties") if isinstance(body, dict) else None
    if not isinstance(wanted, dict):
        raise arm.InvalidRequestContent("The body must be an object with 'properties'")
    try:
        return shape.model_validate(wanted)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(step) for step in first["loc"])
        raise arm.InvalidRequestContent(f"properties.{place}: {first['msg']}") from None


def parse_guid(text: str, refuse: Callable[[str], arm.ArmError]) -> str:
    """Return a GUID in lower case, or raise what ``refuse`` makes of it."""
    if not GUID.fullmatch(text):
        raise refuse(text)
    return text.lower()


def get_definition_prefix(scope: str) -> str:
    """Return where the ids of roles begin for one who asks at a scope.

    az compares role ids as text, so an answer and the list of roles must say them alike: below
    the subscription that was asked, else below the tenant.
    """
    subscription = arm.parse_resource_id(scope).subscription
    return f"/subscriptions/{subscription}" if subscription else ""


def render_assignment(assignment: access.RoleAssignment, prefix: str) -> dict[str, Any]:
    """Return an assignment as ARM says it."""
    above = "" if assignment.scope == access.ROOT else assignment.scope
    return {
        "id": f"{above}/{ASSIGNMENTS}/{assignment.name}",
        "name": assignment.name,
        "type": "Microsoft.Authorization/roleAssignments",
        "properties": {
            "roleDefinitionId": f"{prefix}/{DEFINITIONS}/{assignment.role_definition_id}",
            "principalId": assignment.principal_id,
            "principalType": assignment.principal_type,
            "scope": assignment.scope,
            "condition": assignment.condition or None,
            "conditionVersion": assignment.condition_version or None,
            "createdOn": assignment.created_on,
            "updatedOn": assignment.updated_on,
            "createdBy": assignment.created_by,
            "updatedBy": assignment.updated_by,
            "delegatedManagedIdentityResourceId": None,
            "description": assignment.description or None,
        },
    }


def render_definition(definition: access.RoleDefinition, prefix: str) -> dict[str, Any]:
    """Return a role as ARM says it."""
    return {
        "id": f"{prefix}/{DEFINITIONS}/{definition.id}",
        "name": definition.id,
        "type": "Microsoft.Authorization/roleDefinitions",
        "properties": {
            "roleName": definition.role_name,
            "type": definition.type,
            "description": definition.description,
            "assignableScopes": list(definition.assignable_scopes),
            "permissions": [render_permission(item) for item in definition.permissions],
        },
    }


def render_permission(permission: access.Permission) -> dict[str, Any]:
    """Return an entry of a role's permissions as ARM says it."""
    return {
        "actions": list(permission.actions),
        "notActions": list(permission.not_actions),
        "dataActions": list(permission.data_actions),
        "notDataActions": list(permission.not_data_actions),
    }
