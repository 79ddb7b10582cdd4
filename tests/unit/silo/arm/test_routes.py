"""One walk from a path to its operation, whatever the casing; and the words for what is not."""

import pytest

from silo import arm
from silo.arm.errors import (
    InvalidResourceNamespace,
    InvalidResourceType,
    MethodNotAllowed,
    MissingSubscription,
)
from silo.arm.routes import Routes

GROUP = "/subscriptions/{subscription}/resourceGroups/{group}"
LOCK = "{scope}/providers/Microsoft.Authorization/locks/{name}"


async def answer(_call, _match, _body):
    return arm.Reply(200)


def build(*rows):
    return Routes(arm.Operation(f"op{i}", method, path, answer) for i, (method, path) in rows)


@pytest.fixture
def routes():
    paths = [
        ("GET", "/subscriptions"),
        ("GET", "/subscriptions/{subscription}/providers/{namespace}"),
        ("GET", f"{GROUP}/providers/Silo.Test/things"),
        ("GET", f"{GROUP}/providers/Silo.Test/things/{{name}}"),
        ("PUT", f"{GROUP}/providers/Silo.Test/things/{{name}}"),
        ("POST", f"{GROUP}/providers/Silo.Test/things/{{name}}/poke"),
        ("GET", f"{GROUP}/providers/Silo.Test/things/{{thing}}/parts/{{name}}"),
        ("PUT", LOCK),
        ("GET", "{scope}/providers/Microsoft.Authorization/locks"),
    ]
    return build(*enumerate(paths))


def find(routes, method, path):
    operation, match = routes.find(method, path, "2026-01-01")
    return operation.path, match


def test_ids_come_back_in_the_declared_casing(routes):
    _, match = find(
        routes, "GET", "//SUBSCRIPTIONS/s/resourcegroups/G1/PROVIDERS/silo.test/THINGS/One/"
    )

    assert str(match.id) == "/subscriptions/s/resourceGroups/G1/providers/Silo.Test/things/One"
    assert dict(match.names) == {"subscription": "s", "group": "G1", "name": "One"}


def test_a_collection_is_asked_for_at_the_scope_that_holds_it(routes):
    _, match = find(routes, "GET", "/subscriptions/s/resourceGroups/g/providers/Silo.Test/things")

    assert str(match.id) == "/subscriptions/s/resourceGroups/g"


def test_an_action_is_asked_for_at_its_resource(routes):
    _, match = find(
        routes, "POST", "/subscriptions/s/resourceGroups/g/providers/Silo.Test/things/one/poke"
    )

    assert match.id.name == "one"
    assert match.id.full_type == "Silo.Test/things"


def test_parents_of_a_nested_resource_are_named(routes):
    _, match = find(
        routes, "GET", "/subscriptions/s/resourceGroups/g/providers/Silo.Test/things/a/parts/b"
    )

    assert (match["thing"], match["name"]) == ("a", "b")


def test_a_word_that_leads_nowhere_may_still_be_a_name(routes):
    path, match = find(routes, "GET", "/subscriptions/s/providers/Silo.Test")

    assert path.endswith("{namespace}")
    assert match["namespace"] == "Silo.Test"
    assert str(match.id) == "/subscriptions/s"


@pytest.mark.parametrize(
    "scope",
    [
        "",
        "/subscriptions/s",
        "/subscriptions/s/resourceGroups/g",
        "/subscriptions/s/resourceGroups/g/providers/Silo.Test/things/one",
        "/subscriptions/s/resourceGroups/g/providers/Silo.Test/things/one/parts/providers",
        "/providers/Microsoft.Management/managementGroups/m",
    ],
)
def test_an_extension_hangs_on_any_scope(routes, scope):
    path, match = find(routes, "PUT", f"{scope}/providers/microsoft.authorization/LOCKS/l")

    assert path == LOCK
    assert match.scope == (scope or "/")
    assert str(match.id) == f"{scope}/providers/Microsoft.Authorization/locks/l"
    assert dict(match.names) == {"name": "l"}


def test_half_a_scope_holds_no_extension(routes):
    with pytest.raises(arm.ArmError):
        routes.find("PUT", "/subscriptions/providers/Microsoft.Authorization/locks/l")


def test_a_wrong_method_is_told_the_right_ones(routes):
    with pytest.raises(MethodNotAllowed) as caught:
        routes.find("DELETE", "/subscriptions/s/resourceGroups/g/providers/Silo.Test/things/one")

    assert caught.value.headers == {"allow": "GET, PUT"}


@pytest.mark.parametrize(
    ("path", "leaf"),
    [
        ("/", MissingSubscription),
        ("/nothing/here", MissingSubscription),
        ("/subscriptions/s/providers", MissingSubscription),
        ("/subscriptions/s/providers/Silo.Else/things/one", InvalidResourceNamespace),
        ("/subscriptions/s/providers/Silo.Test/wings/one", InvalidResourceType),
        (
            "/subscriptions/s/resourceGroups/g/providers/Silo.Test/things/one/x",
            InvalidResourceType,
        ),
    ],
)
def test_what_is_not_served_is_told_in_azures_words(routes, path, leaf):
    with pytest.raises(leaf):
        routes.find("GET", path)


def test_one_path_is_not_declared_twice():
    with pytest.raises(ValueError, match="declared twice"):
        build(*enumerate([("GET", "/a/{x}"), ("GET", "/A/{y}")]))
