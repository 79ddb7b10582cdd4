from typing import Any

import pytest
from pydantic import ValidationError

from silo.providers.managedidentity.properties import FederatedIdentityCredential

GOOD: dict[str, Any] = {"issuer": "https://i.example/a", "subject": "s", "audiences": ["a"]}


def test_unknown_properties_are_kept_and_shown() -> None:
    shape = FederatedIdentityCredential.model_validate({**GOOD, "note": 1})

    assert shape.model_dump(by_alias=True)["note"] == 1


@pytest.mark.parametrize(
    "change",
    [
        {"issuer": "http://i.example"},
        {"issuer": "https://"},
        {"issuer": "https://i.example/?q=1"},
        {"issuer": "x" * 601},
        {"subject": ""},
        {"audiences": []},
        {"audiences": ["a", "b"]},
        {"audiences": None},
    ],
)
def test_what_entra_would_not_take_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        FederatedIdentityCredential.model_validate({**GOOD, **change})
