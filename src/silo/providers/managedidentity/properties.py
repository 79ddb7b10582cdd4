"""Wire shapes of identities and of the issuers they trust.

Source: https://learn.microsoft.com/rest/api/managedidentity (2024-11-30).
"""

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints
from pydantic.alias_generators import to_camel

LONGEST = 600
"""Entra's limit for issuer, subject and audience."""


def _check_issuer(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme != "https" or not parts.hostname or parts.query or parts.fragment:
        raise ValueError("it must be an https URL without query and fragment")
    return text


Text = Annotated[str, StringConstraints(min_length=1, max_length=LONGEST)]


class UserAssignedIdentity(BaseModel):
    """What a client may say: nothing that counts, the directory gives the ids."""

    model_config = ConfigDict(
        frozen=True, extra="allow", alias_generator=to_camel, populate_by_name=True
    )


class FederatedIdentityCredential(BaseModel):
    """Whose tokens are as good as a secret of the identity's."""

    model_config = ConfigDict(
        frozen=True, extra="allow", alias_generator=to_camel, populate_by_name=True
    )

    issuer: Annotated[Text, AfterValidator(_check_issuer)]
    subject: Text
    audiences: tuple[Text, ...] = Field(min_length=1, max_length=1)
    """Entra takes exactly one."""
