from tests.unit.silo.kube import kube_world as world

from silo.kube import pulling


def test_plugin_is_asked_for_images_of_silos_registries_alone(tmp_path):
    config = pulling.describe_plugin(world.node_in(tmp_path), world.KIT)

    (plugin,) = config["providers"]
    assert plugin["matchImages"] == ["*.azurecr.silo.test:8443"]
    assert plugin["name"] == world.KIT.credentials.name
    assert plugin["env"] == [{"name": "SSL_CERT_FILE", "value": "/etc/silo/ca-bundle.crt"}]


def test_pods_are_refused_at_the_metadata_endpoint_in_the_nodes_namespace(tmp_path, monkeypatch):
    said = []
    monkeypatch.setattr(pulling, "run", lambda *words: said.append(words))

    pulling.close_metadata(world.node_in(tmp_path))

    ((*place, rules),) = said
    assert place == ["nsenter", "--net=/run/netns/n", "--", "nft"]
    assert "hook forward" in rules
    assert "ip daddr 169.254.169.254 reject" in rules
