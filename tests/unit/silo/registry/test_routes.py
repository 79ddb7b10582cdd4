"""Paths of the data plane: what they name, and what they may not smuggle in."""

import pytest

from silo.registry.errors import NameInvalid
from silo.registry.routes import Kind, parse_route


@pytest.mark.parametrize(
    ("path", "kind", "name"),
    [
        ("/acr/v1/_deleted/_catalog", Kind.ACR_DELETED, "_catalog"),
        ("/acr/v1/_deleted/team/app/_tags", Kind.ACR_DELETED, "team/app"),
        ("/acr/v1/_deleted/team/app/_manifests/sha256:1", Kind.ACR_DELETED, "team/app"),
        ("/v2/blobs/uploads/manifests/v1", Kind.MANIFEST, "blobs/uploads"),
    ],
)
def test_a_path_names_its_repository(path: str, kind: Kind, name: str) -> None:
    found = parse_route(path)

    assert (found.kind, found.name) == (kind, name)


@pytest.mark.parametrize("bad", ["\x00", "a\r\nset-cookie: x", "a b", "..", "A", "a//b", "é"])
@pytest.mark.parametrize(
    "path", ["/acr/v1/_deleted/{}", "/acr/v1/{}/_tags", "/v2/{}/tags/list", "/v2/{}/blobs/x"]
)
def test_a_name_that_breaks_the_grammar_goes_no_further(path: str, bad: str) -> None:
    """It would be repeated in the scope of the challenge, which is a header."""
    with pytest.raises(NameInvalid):
        parse_route(path.format(bad))
