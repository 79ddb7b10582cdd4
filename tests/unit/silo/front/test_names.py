import pytest

from silo import front

NAMES = front.Names("silo.test", 8443)


@pytest.mark.parametrize(
    ("host", "door", "registry", "family"),
    [
        ("management.silo.test:8443", front.Door.MANAGEMENT, "", "silo"),
        ("LOGIN.silo.test", front.Door.LOGIN, "", "silo"),
        ("graph.silo.test.", front.Door.GRAPH, "", "silo"),
        ("oidc.silo.test:8443", front.Door.OIDC, "", "silo"),
        ("Web1.azurecr.silo.test:8443", front.Door.REGISTRY, "web1", "silo"),
        ("management.azure.com", front.Door.MANAGEMENT, "", "azure"),
        ("login.microsoftonline.com", front.Door.LOGIN, "", "azure"),
        ("web1.azurecr.io", front.Door.REGISTRY, "web1", "azure"),
    ],
)
def test_a_host_name_opens_its_door_and_is_answered_in_its_family(host, door, registry, family):
    place = NAMES.find_place(host)

    assert place
    assert (place.door, place.registry, place.urls.family) == (door, registry, family)


@pytest.mark.parametrize(
    "host", ["", "example.com", "a.b.azurecr.io", ".azurecr.io", "management.silo.test.evil.com"]
)
def test_any_other_name_opens_nothing(host):
    assert NAMES.find_place(host) is None


def test_the_port_is_in_the_urls_unless_it_is_443():
    assert NAMES.urls.resource_manager == "https://management.silo.test:8443"
    assert front.Names("silo.test", 443).urls.login == "https://login.silo.test"
    assert NAMES.urls.login_server("Web1") == "web1.azurecr.silo.test:8443"


def test_azures_names_are_claimed_only_where_a_shell_asked_for_them():
    assert not NAMES.claims("management.azure.com")
    assert NAMES.claims_with_azure("management.azure.com")
    assert NAMES.claims_with_azure("web1.azurecr.io")
    assert NAMES.claims("anything.silo.test")
    assert not NAMES.claims_with_azure("example.com")
