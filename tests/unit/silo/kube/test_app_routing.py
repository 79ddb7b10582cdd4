import pytest
from tests.unit.silo.kube.test_addons import FakeApi

from silo.kube import app_routing


class Api(FakeApi):
    async def delete(self, path):
        self.held.pop(path, None)


def find(objects, kind):
    (found,) = [one for one in objects.values() if one["kind"] == kind]
    return found


@pytest.mark.parametrize("controller", ["", "None"])
def test_nothing_is_there_unless_it_is_wanted(controller):
    assert app_routing.list_objects(controller) == {}


def test_class_and_service_are_called_as_on_aks():
    objects = app_routing.list_objects("AnnotationControlled")

    assert find(objects, "IngressClass")["metadata"]["name"] == "webapprouting.kubernetes.azure.com"
    service = find(objects, "Service")
    assert (service["metadata"]["name"], service["spec"]["type"]) == ("nginx", "LoadBalancer")
    # Whoever administers the cluster may write its annotations: they are not ours.
    assert "annotations" not in service["metadata"]
    assert all(
        "/app-routing-system" in path or one["metadata"]["name"] == app_routing.CLASS
        for path, one in objects.items()
    )


def test_internal_controller_has_an_internal_address():
    notes = find(app_routing.list_objects("Internal"), "Service")["metadata"]["annotations"]

    assert notes == {"service.beta.kubernetes.io/azure-load-balancer-internal": "true"}
    assert "annotations" not in find(app_routing.list_objects("External"), "Service")["metadata"]


def test_proxy_keeps_to_the_stricter_standard_and_writes_no_more_than_it_has_to():
    objects = app_routing.list_objects("External")
    spec = find(objects, "Deployment")["spec"]["template"]["spec"]
    (container,) = spec["containers"]

    assert spec["securityContext"]["runAsNonRoot"] is True
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    verbs = {
        (resource, verb)
        for rule in find(objects, "ClusterRole")["rules"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }
    writes = {pair for pair in verbs if pair[1] not in {"get", "list", "watch"}}
    assert writes == {("ingresses/status", "patch"), ("events", "create"), ("events", "patch")}


async def test_it_goes_when_it_is_not_wanted_any_more_and_only_then():
    api = Api()
    for path, document in app_routing.list_objects("External").items():
        await api.put(path, document)
    await app_routing.clear(api, "Internal")
    assert len(api.held) == len(app_routing.list_objects("External"))

    await app_routing.clear(api, "")
    assert list(api.held) == ["/api/v1/namespaces/app-routing-system"]
    await app_routing.clear(api, "")


async def test_somebody_elses_class_of_that_name_stays():
    api, path = Api(), f"/apis/networking.k8s.io/v1/ingressclasses/{app_routing.CLASS}"
    await api.put(path, {"metadata": {"name": app_routing.CLASS}})
    await app_routing.clear(api, "")

    assert list(api.held) == [path]
