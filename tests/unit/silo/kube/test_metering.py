import base64

from tests.unit.silo.kube import kube_world as world

from silo.kube import certificates, control_plane, metering
from silo.kube.certificates import Pair


def find_objects(folder):
    paths = world.paths_in(folder)
    control_plane.prepare(world.PLAN, paths, world.NOW)
    return metering.list_objects(Pair(paths.pki, "metrics-server"), Pair(paths.pki, "ca"))


def test_api_server_asks_by_the_clusters_own_certificates(tmp_path):
    found = find_objects(tmp_path)

    api = found["/apis/apiregistration.k8s.io/v1/apiservices/v1beta1.metrics.k8s.io"]["spec"]
    authority = base64.b64decode(api["caBundle"])
    assert authority == Pair(world.paths_in(tmp_path).pki, "ca").certificate.read_bytes()
    assert "insecureSkipTLSVerify" not in api
    shown = certificates.Pair(world.paths_in(tmp_path).pki, "metrics-server").read()[0]
    names = shown.extensions.get_extension_for_class(certificates.x509.SubjectAlternativeName)
    assert [name.value for name in names.value] == ["metrics-server.kube-system.svc"]


def test_no_kubelet_is_taken_on_trust(tmp_path):
    *_, deployment, _ = find_objects(tmp_path).values()

    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    assert "--kubelet-insecure-tls" not in container["args"]
    assert any(word.startswith("--kubelet-certificate-authority=") for word in container["args"])
    assert (container["image"], container["imagePullPolicy"]) == (metering.IMAGE, "Never")


def test_who_sees_pods_sees_what_they_use(tmp_path):
    found = find_objects(tmp_path)

    name = "system:aggregated-metrics-reader"
    role = found[f"/apis/rbac.authorization.k8s.io/v1/clusterroles/{name}"]
    assert role["metadata"]["labels"]["rbac.authorization.k8s.io/aggregate-to-view"] == "true"
    assert role["rules"][0]["apiGroups"] == ["metrics.k8s.io"]
