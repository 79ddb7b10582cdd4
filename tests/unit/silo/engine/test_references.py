import pytest

from silo.engine.errors import ImageInaccessible
from silo.engine.references import Reference, parse_reference

DIGEST = "sha256:" + "a" * 64


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("nginx", Reference("docker.io", "library/nginx", "latest", "")),
        ("me/app:2", Reference("docker.io", "me/app", "2", "")),
        ("one.azurecr.io/a/b:1", Reference("one.azurecr.io", "a/b", "1", "")),
        ("localhost:5000/a", Reference("localhost:5000", "a", "latest", "")),
        (f"one.azurecr.io/a@{DIGEST}", Reference("one.azurecr.io", "a", "latest", DIGEST)),
        (f"one.azurecr.io/a:x@{DIGEST}", Reference("one.azurecr.io", "a", "x", DIGEST)),
    ],
)
def test_names_are_read_as_docker_reads_them(text, expected):
    assert parse_reference(text) == expected


def test_docker_hub_is_served_by_another_host():
    assert parse_reference("nginx").endpoint == "registry-1.docker.io"


@pytest.mark.parametrize(
    "text",
    [
        *("", "A", "a b", "a:", "a@", "a@sha256:1", "one.io/", "one.io/../b", "one.io/a//b"),
        *("one.io/a?x", "one.io/a#x", "x@y.io/a", "one.io:99999999/a", "a" * 300, "é.io/a"),
        *("one.io/a:b:c", "one.io/a\n", "[::1]:5000/a"),
    ],
)
def test_what_is_no_name_is_refused(text):
    with pytest.raises(ImageInaccessible):
        parse_reference(text)
