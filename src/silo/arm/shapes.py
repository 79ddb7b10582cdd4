"""What the wire shapes of resource types have in common."""

from typing import Any

from pydantic import BaseModel, BeforeValidator, ConfigDict
from pydantic.alias_generators import to_camel


class Shape(BaseModel):
    """Part of a body: camelCase on the wire; unknown parts are kept and reported back."""

    model_config = ConfigDict(
        frozen=True, extra="allow", alias_generator=to_camel, populate_by_name=True
    )


def in_casing_of(*words: str) -> BeforeValidator:
    """Accept a word in any casing, as Azure does, and keep it in its own."""
    known = {word.casefold(): word for word in words}

    def restore(value: Any) -> Any:
        return known.get(value.casefold(), value) if isinstance(value, str) else value

    return BeforeValidator(restore)
