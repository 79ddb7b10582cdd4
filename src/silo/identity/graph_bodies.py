"""What clients may send to Graph, in Graph's words. A property that is not here is refused.

Properties the directory decides on are typed; the rest is kept and shown as it came. A value that
would promise what is not done here (a dynamic group, a guest) is refused by its handler.
"""

import math
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError
from pydantic.alias_generators import to_camel

from silo import core

from .graph_errors import BadRequest

Text = Annotated[str, StringConstraints(max_length=1024, pattern=r"\A[^\x00-\x1f\x7f]*\Z")]
Name = Annotated[
    str, StringConstraints(min_length=1, max_length=256, pattern=r"\A[^\x00-\x1f\x7f]+\Z")
]
Prose = Annotated[
    str, StringConstraints(max_length=1024, pattern=r"\A[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]*\Z")
]
LongText = Annotated[str, StringConstraints(max_length=64 * 1024)]
Texts = Annotated[list[Text], Field(max_length=1000)]
_REFERENCE = ("@odata.id", 0)
"""The one note that says something: what a ``$ref`` links to."""
_YEARS = (1950, 9000)
"""Of times in requests; X.509 begins there, and arithmetic on them must not overflow."""
Documents = Annotated[list[dict[str, Any]], Field(max_length=1000)]


class Body(BaseModel):
    """A request body; what it does not know it refuses."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        extra="forbid",
        frozen=True,
        strict=True,
        regex_engine="python-re",
    )


class Kept(Body):
    """A part that is kept as it came."""

    model_config = ConfigDict(extra="allow")


class PasswordProfile(Body):
    """A new password."""

    password: Annotated[str, StringConstraints(max_length=256)] | None = None
    force_change_password_next_sign_in: bool | None = None
    force_change_password_next_sign_in_with_mfa: Literal[False] | None = None


class UserBody(Body):
    """A user, whole or in part."""

    account_enabled: bool | None = None
    display_name: Name | None = None
    user_principal_name: Name | None = None
    mail_nickname: Annotated[Text, StringConstraints(max_length=64)] | None = None
    password_profile: PasswordProfile | None = None
    password_policies: Text | None = None
    user_type: Literal["Member"] | None = None
    given_name: Text | None = None
    surname: Text | None = None
    job_title: Text | None = None
    department: Text | None = None
    company_name: Text | None = None
    employee_id: Text | None = None
    employee_type: Text | None = None
    office_location: Text | None = None
    street_address: Text | None = None
    city: Text | None = None
    state: Text | None = None
    postal_code: Text | None = None
    country: Text | None = None
    usage_location: Text | None = None
    preferred_language: Text | None = None
    mail: Text | None = None
    mobile_phone: Text | None = None
    fax_number: Text | None = None
    business_phones: Texts | None = None
    other_mails: Texts | None = None
    age_group: Text | None = None
    consent_provided_for_minor: Text | None = None
    show_in_address_list: bool | None = None
    on_premises_immutable_id: Text | None = None


class ChangePasswordBody(Body):
    """A person's own change of password."""

    current_password: Annotated[str, StringConstraints(max_length=256)]
    new_password: Annotated[str, StringConstraints(max_length=256)]


class GroupBody(Body):
    """A group, whole or in part; security groups with assigned members are what there is."""

    display_name: Name | None = None
    description: Prose | None = None
    mail_nickname: Annotated[Name, StringConstraints(max_length=64)] | None = None
    mail_enabled: bool | None = None
    security_enabled: bool | None = None
    group_types: Texts | None = None
    is_assignable_to_role: bool | None = None
    visibility: Text | None = None
    owners: Texts | None = Field(None, alias="owners@odata.bind")
    members: Texts | None = Field(None, alias="members@odata.bind")


class ReferenceBody(Body):
    """A link to an object."""

    reference: Text = Field(alias="@odata.id")


class RedirectUris(Kept):
    """``web``, ``spa`` or ``publicClient`` of an application."""

    redirect_uris: Annotated[list[Text], Field(max_length=256)] | None = None


class KeyBody(Body):
    """A certificate."""

    key: LongText | None = None
    key_id: Text | None = None
    type: Text | None = None
    usage: Text | None = None
    display_name: Text | None = None
    custom_key_identifier: Text | None = None
    start_date_time: Text | None = None
    end_date_time: Text | None = None


class PasswordBody(Body):
    """A client secret to be made; its text is never the caller's choice."""

    display_name: Text | None = None
    start_date_time: Text | None = None
    end_date_time: Text | None = None
    key_id: Text | None = None
    hint: Text | None = None
    custom_key_identifier: Text | None = None
    secret_text: None = None


class AddPasswordBody(Body):
    """``addPassword``."""

    password_credential: PasswordBody | None = None


class RemovePasswordBody(Body):
    """``removePassword``."""

    key_id: Text


class ApplicationBody(Body):
    """An application, whole or in part."""

    display_name: Name | None = None
    identifier_uris: Annotated[list[Text], Field(max_length=50)] | None = None
    key_credentials: Annotated[list[KeyBody], Field(max_length=50)] | None = None
    password_credentials: Annotated[list[PasswordBody], Field(max_length=50)] | None = None
    web: RedirectUris | None = None
    spa: RedirectUris | None = None
    public_client: RedirectUris | None = None
    is_fallback_public_client: bool | None = None
    sign_in_audience: Text | None = None
    api: dict[str, Any] | None = None
    app_roles: Documents | None = None
    add_ins: Documents | None = None
    required_resource_access: Documents | None = None
    optional_claims: dict[str, Any] | None = None
    group_membership_claims: Text | None = None
    info: dict[str, Any] | None = None
    parental_control_settings: dict[str, Any] | None = None
    is_device_only_auth_supported: bool | None = None
    oauth2_require_post_response: bool | None = None
    service_management_reference: Text | None = None
    description: Prose | None = None
    notes: Prose | None = None
    tags: Texts | None = None
    default_redirect_uri: Text | None = None


class ServicePrincipalBody(Body):
    """A service principal, whole or in part."""

    app_id: Text | None = None
    account_enabled: bool | None = None
    display_name: Name | None = None
    app_role_assignment_required: bool | None = None
    key_credentials: Annotated[list[KeyBody], Field(max_length=50)] | None = None
    password_credentials: Annotated[list[PasswordBody], Field(max_length=50)] | None = None
    service_principal_type: Literal["Application"] | None = None
    description: Prose | None = None
    homepage: Text | None = None
    info: dict[str, Any] | None = None
    login_url: Text | None = None
    logout_url: Text | None = None
    notes: Prose | None = None
    notification_email_addresses: Texts | None = None
    preferred_single_sign_on_mode: Text | None = None
    reply_urls: Texts | None = None
    tags: Texts | None = None


class FederationBody(Body):
    """A federated identity credential, whole or in part."""

    name: Annotated[Name, StringConstraints(max_length=120)] | None = None
    issuer: Annotated[Name, StringConstraints(max_length=600)] | None = None
    subject: Annotated[Text, StringConstraints(min_length=1, max_length=600)] | None = None
    audiences: Annotated[list[Name], Field(min_length=1, max_length=1)] | None = None
    description: Prose | None = None


class MemberGroupsBody(Body):
    """``getMemberGroups`` and ``getMemberObjects``."""

    security_enabled_only: bool | None = None


class CheckGroupsBody(Body):
    """``checkMemberGroups``; Graph takes twenty."""

    group_ids: Annotated[list[Text], Field(max_length=20)]


class CheckObjectsBody(Body):
    """``checkMemberObjects``."""

    ids: Annotated[list[Text], Field(max_length=20)]


class IdsBody(Body):
    """``getByIds``; Graph takes a thousand."""

    ids: Annotated[list[Text], Field(max_length=1000)]
    types: Texts | None = None


class RoleAssignmentBody(Body):
    """A directory role for somebody."""

    role_definition_id: Text
    principal_id: Text
    directory_scope_id: Text | None = None


def read_time(text: str | None, default: datetime) -> datetime:
    """Return a time a client sent, or the default if it sent none."""
    if text is None:
        return default
    try:
        moment = core.parse_time(text).astimezone(UTC)
    except (ValueError, OverflowError):
        raise BadRequest(f"Cannot convert the literal '{text}' to the type Edm.DateTime.") from None
    if not _YEARS[0] <= moment.year <= _YEARS[1]:
        raise BadRequest(f"The time '{text}' is too far away.")
    return moment


def read_reference(reference: str) -> str:
    """Return the object id at the end of an ``@odata.id`` link."""
    return reference.rstrip("/").rpartition("/")[2].casefold()


def read_body_shape(shape: type[Body], document: Any) -> Body:
    """Return a JSON object as the shape a route takes.

    Raises:
        BadRequest: a property is unknown or has a value it cannot have.

    """
    clean = _clean(document, 0)
    try:
        return shape.model_validate(clean)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        name = "/".join(str(each) for each in first["loc"])[:256]
        if first["type"] == "extra_forbidden":
            raise BadRequest(f"Invalid property '{name}'.") from None
        message = f"Invalid value specified for property '{name}': {first['msg']}."
        raise BadRequest(message) from None


def _clean(value: Any, depth: int) -> Any:
    """Leave out OData's notes (``@odata.type``); refuse what cannot be stored or said again."""
    if isinstance(value, dict):
        return {
            _check_text(key): _clean(each, depth + 1)
            for key, each in value.items()
            if "@odata." not in key or key.endswith("@odata.bind") or (key, depth) == _REFERENCE
        }
    if isinstance(value, list):
        return [_clean(each, depth + 1) for each in value]
    if isinstance(value, float) and not math.isfinite(value):
        raise BadRequest("The body has a number that is not finite.")
    return _check_text(value) if isinstance(value, str) else value


def _check_text(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise BadRequest("The body has text that is not valid Unicode.") from None
    return text
