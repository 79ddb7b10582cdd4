from tests.unit.silo.kube import kube_world as world

from silo.kube import name_server


def test_name_server_is_where_the_kubelets_send_pods():
    found = name_server.list_objects(world.PLAN)
    service = found["/api/v1/namespaces/kube-system/services/kube-dns"]

    assert service["spec"]["clusterIP"] == world.PLAN.dns_service == "10.0.0.10"
    assert all(path.endswith(f"/{one['metadata']['name']}") for path, one in found.items())


def test_what_a_deployment_needs_is_made_before_it():
    kinds = [one["kind"] for one in name_server.list_objects(world.PLAN).values()]

    assert kinds[0] == "ServiceAccount"
    assert kinds[-1] == "Deployment"


def test_its_image_comes_from_nowhere_else():
    *_, deployment = name_server.list_objects(world.PLAN).values()
    (container,) = deployment["spec"]["template"]["spec"]["containers"]

    assert (container["image"], container["imagePullPolicy"]) == (name_server.IMAGE, "Never")
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
