from dataclasses import replace

from tests.unit.silo.kube import kube_world as world

from silo.kube import name_server


def test_name_server_is_where_the_kubelets_send_pods():
    found = name_server.list_objects(world.PLAN)
    service = found["/api/v1/namespaces/kube-system/services/kube-dns"]

    assert service["spec"]["clusterIP"] == world.PLAN.dns_service == "10.0.0.10"
    assert all(path.endswith(f"/{one['metadata']['name']}") for path, one in found.items())


def test_names_of_a_private_cluster_are_found_within_it_alone():
    path = "/api/v1/namespaces/kube-system/configmaps/coredns"

    def render(plan):
        return name_server.list_objects(plan)[path]["data"]["Corefile"]

    private = replace(world.PLAN, public_address="", private_fqdn="k.privatelink.example")
    assert f"{private.address} k.privatelink.example {private.fqdn}\n" in render(private)
    assert "hosts" not in render(world.PLAN)
    assert "PRIVATE" not in render(world.PLAN)


def test_what_a_deployment_needs_is_made_before_it():
    kinds = [one["kind"] for one in name_server.list_objects(world.PLAN).values()]

    assert kinds[0] == "ServiceAccount"
    assert kinds[-1] == "Deployment"


def test_its_image_comes_from_nowhere_else():
    *_, deployment = name_server.list_objects(world.PLAN).values()
    (container,) = deployment["spec"]["template"]["spec"]["containers"]

    assert (container["image"], container["imagePullPolicy"]) == (name_server.IMAGE, "Never")
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
