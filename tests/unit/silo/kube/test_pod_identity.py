import json
from dataclasses import replace
from pathlib import Path

import pytest
from tests.unit.silo.kube import kube_world as world

from silo import kube
from silo.kube import pod_identity

PLAN = replace(world.PLAN, pod_identity=True)
DIRECTORY = kube.Directory(
    "https://login.test/t/", "aud", "tenant-1", Path("/"), "", "https://login.test", str
)


def test_policies_fail_closed_and_are_about_pods_that_ask():
    objects = pod_identity.list_objects(PLAN, DIRECTORY)

    policies = [one["spec"] for one in objects.values() if "matchConstraints" in one["spec"]]
    assert len(policies) == 2
    for spec in policies:
        assert spec["failurePolicy"] == "Fail"
        labels = spec["matchConstraints"]["objectSelector"]["matchLabels"]
        assert labels == {"azure.workload.identity/use": "true"}


def test_environment_is_of_the_instances_own_directory():
    text = json.dumps(pod_identity.list_objects(PLAN, DIRECTORY))

    for value in ("tenant-1", "https://login.test/", "/var/run/secrets/azure/tokens"):
        assert value in text


@pytest.mark.parametrize(
    ("version", "served", "flags"),
    [("1.36.3", "v1", set()), ("1.35.4", "v1beta1", {"feature-gates", "runtime-config"})],
)
def test_policies_are_spoken_of_as_the_minor_does(version, served, flags):
    plan = replace(PLAN, version=version)

    assert set(pod_identity.flag_api_server(plan)) == flags
    objects = pod_identity.list_objects(plan, DIRECTORY)
    found = {path: one["apiVersion"] for path, one in objects.items()}
    assert all(path.startswith(f"/apis/{kind}/") for path, kind in found.items())
    mutating = {kind for path, kind in found.items() if "mutating" in path}
    assert mutating == {f"admissionregistration.k8s.io/{served}"}


def test_policies_go_where_they_are_not_wanted():
    wanted = pod_identity.list_objects(PLAN, DIRECTORY)

    assert pod_identity.list_objects(world.PLAN, None) == dict.fromkeys(wanted)


def test_nobody_has_an_identity_without_a_directory():
    with pytest.raises(kube.StepFailed, match="directory"):
        pod_identity.list_objects(PLAN, None)
