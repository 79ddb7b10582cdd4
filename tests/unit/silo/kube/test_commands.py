import json
from datetime import timedelta

import pytest
from cryptography import x509
from tests.unit.silo.kube import kube_world as world

from silo import kube
from silo.kube import commands, control_plane

NAME = "0" * 32
PODS = "/api/v1/namespaces/aks-command/pods"


class FakeApi:
    """An API server that notes what it is told and has the pods that it is given."""

    def __init__(self, *pods):
        self.pods = list(pods)
        self.made = {}
        self.gone = []
        self.owners = []

    async def put(self, path, document):
        self.made[path] = document

    async def list(self, path, fields=""):
        assert path == PODS
        name = fields.partition("=")[2]
        return [pod for pod in self.pods if not name or pod["metadata"]["name"] == name], "1"

    async def create(self, path, document):
        self.made[path] = document
        return {**document, "metadata": {**document["metadata"], "uid": "u"}}

    async def amend(self, _path, parts):
        self.owners += parts["metadata"]["ownerReferences"]
        return True

    async def delete(self, path):
        self.gone.append(path.rpartition("/namespaces/aks-command/")[2])

    async def read_text(self, path, _params):
        return f"said by {path.split('/')[-2]}"


def make_pod(name=NAME, *, at="2026-05-01T00:00:00Z", **status):
    return {"metadata": {"name": name, "creationTimestamp": at}, "status": status}


def ended(code):
    state = {"terminated": {"exitCode": code, "startedAt": "s", "finishedAt": "f"}}
    return {"phase": "Succeeded", "containerStatuses": [{"state": state}]}


async def test_command_runs_as_nobody_with_what_it_was_given():
    api = FakeApi()
    command = commands.Command("kubectl get pods", "emlw", "config")
    await commands.begin_command(api, NAME, command, world.NOW)

    secret = api.made["/api/v1/namespaces/aks-command/secrets"]
    pod = api.made[PODS]
    assert secret["stringData"] == {"line": "kubectl get pods", "kubeconfig": "config"}
    assert secret["data"] == {"files.zip": "emlw"}
    spec = pod["spec"]
    assert spec["automountServiceAccountToken"] is False
    assert spec["securityContext"]["runAsNonRoot"] is True
    (container,) = spec["containers"]
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert {mount["mountPath"] for mount in container["volumeMounts"] if mount["readOnly"]} == {
        "/given",
        "/kubernetes",
    }
    assert api.owners[0]["uid"] == "u"


async def test_what_nobody_asked_about_for_long_goes_with_the_next():
    api = FakeApi(make_pod("old"), make_pod("young", at="2026-05-01T01:30:00Z"))
    now = world.NOW + timedelta(hours=2)
    await commands.begin_command(api, NAME, commands.Command("x", "", "c"), now)

    assert api.gone == ["pods/old"]
    assert api.made["/api/v1/namespaces/aks-command/secrets"]["data"] == {}


async def test_what_a_command_would_have_signed_in_with_goes_where_it_has_no_pod():
    api = FakeApi()
    create = api.create

    async def refuse_pods(path, document):
        if path == PODS:
            raise kube.StepFailed("exceeded quota")
        return await create(path, document)

    api.create = refuse_pods
    with pytest.raises(kube.StepFailed):
        await commands.begin_command(api, NAME, commands.Command("x", "", "c"), world.NOW)

    assert api.gone == [f"secrets/{NAME}"]


async def test_only_silos_own_pods_are_exempt_where_commands_run(tmp_path):
    api, paths = FakeApi(), world.paths_in(tmp_path)
    await commands.begin_command(api, NAME, commands.Command("x", "", "c"), world.NOW)
    control_plane.prepare(world.PLAN, paths, world.NOW)

    assert "labels" not in api.made["/api/v1/namespaces/aks-command"]["metadata"]
    (plugin,) = json.loads((paths.config / "admission.json").read_text())["plugins"]
    own = x509.load_pem_x509_certificate((paths.pki / "silo.crt").read_bytes())
    (name,) = own.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    assert plugin["configuration"]["exemptions"] == {"usernames": [name.value]}


@pytest.mark.parametrize("code", [0, 3])
async def test_ended_command_tells_its_code_and_log_and_keeps_no_secret(code):
    api = FakeApi(make_pod(**ended(code)))
    found = await commands.find_command(api, NAME)

    assert (found.ended, found.exit_code, found.log) == (True, code, f"said by {NAME}")
    assert (found.started, found.finished) == ("s", "f")
    assert api.gone == [f"secrets/{NAME}"]


@pytest.mark.parametrize(
    ("status", "ended_", "reason"),
    [
        ({}, False, ""),
        ({"phase": "Pending"}, False, ""),
        ({"containerStatuses": [{"state": {"running": {}}}]}, False, ""),
        (
            {"containerStatuses": [{"state": {"waiting": {"reason": "ContainerCreating"}}}]},
            False,
            "",
        ),
        (
            {"containerStatuses": [{"state": {"waiting": {"reason": "ErrImageNeverPull"}}}]},
            True,
            "ErrImageNeverPull: ",
        ),
        ({"phase": "Failed", "reason": "DeadlineExceeded"}, True, "DeadlineExceeded"),
    ],
)
async def test_command_that_never_ran_says_why(status, ended_, reason):
    found = await commands.find_command(FakeApi(make_pod(**status)), NAME)

    assert (found.ended, found.exit_code, found.reason) == (ended_, None, reason)


async def test_result_is_not_told_before_its_log_can_be():
    api = FakeApi(make_pod(**ended(0)))

    async def fail(_path, _params):
        raise kube.StepFailed("the kubelet does not answer")

    api.read_text = fail

    assert await commands.find_command(api, NAME) == commands.CommandResult()


async def test_unknown_command_is_none():
    assert await commands.find_command(FakeApi(make_pod("other")), NAME) is None
