"""The document of a resource: from a body, merged with a patch, and back to the wire. Pure."""

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from silo import core

from .errors import InvalidRequestContent, InvalidTags, LocationRequired
from .locations import parse_location
from .provider import Call, ResourceType
from .resources import Resource

P = TypeVar("P", bound=BaseModel)

_OURS = frozenset({"id", "name", "type", "systemdata", "etag"})
"""What a client sends back after reading; these are ours to say."""
_REPLACED = frozenset({"tags"})
"""A patch gives these whole: ``az … --tags ""`` takes all tags away."""
_TAGS = 50
_TAG_NAME = 512
_TAG_VALUE = 256
_IDENTITIES = frozenset({"none", "systemassigned", "userassigned", "systemassigned,userassigned"})


def read_document(body: Any, full_type: str, *, located: bool) -> dict[str, Any]:
    """Return the wish that a PUT body states; unknown parts are kept.

    Raises:
        InvalidRequestContent, LocationRequired, LocationNotAvailable, InvalidTags.

    """
    document = _without_ours(require_object(body))
    return _check_envelope(document, full_type, located=located)


def patch_document(
    current: Mapping[str, Any], body: Any, full_type: str, *, located: bool
) -> dict[str, Any]:
    """Return the document with a patch merged in (RFC 7396; tags are replaced as a whole)."""
    patch = _without_ours(require_object(body))
    merged = dict(current)
    for name, value in patch.items():
        if value is None and name not in {"properties", "location"}:
            merged.pop(name, None)
        elif value is not None:
            merged[name] = value if name in _REPLACED else merge_patch(merged.get(name), value)
    return _check_envelope(merged, full_type, located=located)


def require_object(body: Any) -> Mapping[str, Any]:
    """Return the body, which must be a JSON object."""
    if body is None:
        raise InvalidRequestContent("The request content is empty and should be a JSON object")
    if not isinstance(body, dict):
        raise InvalidRequestContent("The request content must be a JSON object")
    return body


def merge_patch(target: Any, patch: Any) -> Any:
    """Return the target with a JSON merge patch applied (RFC 7396 section 2)."""
    if not isinstance(patch, dict):
        return patch
    merged = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = merge_patch(merged.get(name), value)
    return merged


def read_properties(type_: ResourceType[P], document: Mapping[str, Any]) -> P:
    """Return the ``properties`` as the type's shape, or refuse with every place that is wrong."""
    try:
        return type_.properties.model_validate(document.get("properties") or {})
    except ValidationError as error:
        details = [
            {
                "code": "InvalidRequestContent",
                "target": ".".join(("properties", *(str(step) for step in problem["loc"]))),
                "message": problem["msg"],
            }
            for problem in error.errors(include_url=False, include_input=False)[:20]
        ]
        first = details[0]
        reason = f"Path '{first['target']}': {first['message']}"
        raise InvalidRequestContent(reason, details) from None


def dump_properties(wanted: BaseModel) -> dict[str, Any]:
    """Return properties as they are stored."""
    return wanted.model_dump(mode="json", by_alias=True, exclude_none=True)


def observe_resource(
    conn: core.Connection, resource: Resource, type_: ResourceType[Any]
) -> Resource:
    """Return a resource about to be shown, with what its type's ``view`` sees of it now."""
    if type_.view is None:
        return resource
    return resource.with_properties(**type_.view(conn, resource))


def render_resource(
    resource: Resource, namespace: str, type_: ResourceType[Any], call: Call
) -> dict[str, Any]:
    """Return a resource as clients see it."""
    properties = {**resource.properties, **type_.render(resource, call)}
    if None in properties.values():
        properties = {name: value for name, value in properties.items() if value is not None}
    if type_.has_state:
        properties["provisioningState"] = resource.state
    body: dict[str, Any] = {
        "id": resource.id.text,
        "name": resource.id.name,
        "type": type_.shown_as or f"{namespace}/{type_.name}",
        **resource.document,
        "properties": properties,
        "systemData": render_system_data(resource),
    }
    if type_.has_etag:
        body["etag"] = resource.etag
    return body


def render_system_data(resource: Resource) -> dict[str, str]:
    """Return who made and who last changed a resource."""
    return {
        "createdBy": resource.created.by,
        "createdByType": resource.created.by_type,
        "createdAt": resource.created.at,
        "lastModifiedBy": resource.changed.by,
        "lastModifiedByType": resource.changed.by_type,
        "lastModifiedAt": resource.changed.at,
    }


def check_tags(tags: Any) -> dict[str, str]:
    """Return the tags, or refuse what breaks Azure's limits (50 tags, 512 and 256 characters)."""
    if not isinstance(tags, dict):
        raise InvalidRequestContent("Path 'tags': an object is expected")
    if len(tags) > _TAGS:
        raise InvalidTags(f"The number of tags '{len(tags)}' exceeds the maximum of '{_TAGS}'.")
    folded = set()
    for name, value in tags.items():
        if not isinstance(value, str):
            raise InvalidRequestContent(f"Path 'tags.{name[:50]}': a string is expected")
        if not name or len(name) > _TAG_NAME or any(mark in "<>%&\\?/" for mark in name):
            raise InvalidTags(
                f"The tag name '{name[:50]}' is empty, too long or has reserved characters "
                "'<,>,%,&,\\,?,/'."
            )
        if len(value) > _TAG_VALUE:
            raise InvalidTags(f"The value of the tag '{name}' exceeds {_TAG_VALUE} characters.")
        folded.add(name.casefold())
    if len(folded) != len(tags):
        raise InvalidTags("Tag names must differ in more than their case.")
    return tags


def _without_ours(body: Mapping[str, Any]) -> dict[str, Any]:
    document = {name: value for name, value in body.items() if name.casefold() not in _OURS}
    properties = document.get("properties")
    if isinstance(properties, dict) and "provisioningState" in properties:
        document["properties"] = {k: v for k, v in properties.items() if k != "provisioningState"}
    return document


def _check_envelope(document: dict[str, Any], full_type: str, *, located: bool) -> dict[str, Any]:
    properties = document.get("properties")
    if properties is not None and not isinstance(properties, dict):
        raise InvalidRequestContent("Path 'properties': an object is expected")
    location = document.get("location")
    if location is not None and not isinstance(location, str):
        raise InvalidRequestContent("Path 'location': a string is expected")
    if location:
        document["location"] = parse_location(location, full_type)
    elif located:
        raise LocationRequired
    if document.get("tags") is not None:
        check_tags(document["tags"])
    _check_identity(document.get("identity"))
    return {name: value for name, value in document.items() if value is not None}


def _check_identity(identity: Any) -> None:
    if identity is None:
        return
    kind = identity.get("type") if isinstance(identity, dict) else None
    if not isinstance(kind, str) or kind.replace(" ", "").casefold() not in _IDENTITIES:
        raise InvalidRequestContent(
            "Path 'identity.type': one of 'None', 'SystemAssigned', 'UserAssigned' and "
            "'SystemAssigned, UserAssigned' is expected"
        )
    users = identity.get("userAssignedIdentities")
    if users is not None and not isinstance(users, dict):
        raise InvalidRequestContent("Path 'identity.userAssignedIdentities': an object is expected")
