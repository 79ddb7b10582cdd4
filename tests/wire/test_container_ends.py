"""How containers end, and what is made of it: exit codes, restarts, limits, refusals."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tools.azure import Az
from tools.containers import ContainerGroup, Image, containers

RESOURCES = {"requests": {"cpu": 0.2, "memoryInGB": 0.2}}
GPU = {"count": 1, "sku": "V100"}


def state_of(group: ContainerGroup, shown: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = containers(shown)[group.name]["instanceView"]
    return found


@pytest.mark.parametrize(("code", "state"), [(0, "Succeeded"), (7, "Failed")])
def test_an_end_is_told_with_its_exit_code(
    make_container: Callable[..., ContainerGroup], code: int, state: str
) -> None:
    group = make_container(f"/bin/probe exit {code}", "--restart-policy", "Never")

    view = state_of(group, group.wait(state))

    assert view["currentState"]["state"] == "Terminated"
    assert view["currentState"]["exitCode"] == code
    assert view["currentState"]["detailStatus"] == ("Error" if code else "Completed")
    assert view["restartCount"] == 0


@pytest.mark.parametrize(
    ("policy", "command"),
    [("OnFailure", "/bin/probe exit 3 0.2"), ("Always", "/bin/probe exit 0 0.2")],
)
def test_a_container_is_restarted_as_its_policy_says(
    make_container: Callable[..., ContainerGroup], policy: str, command: str
) -> None:
    group = make_container(command, "--restart-policy", policy)

    deadline = time.monotonic() + 60
    while (view := state_of(group, group.show()))["restartCount"] < 2:
        assert time.monotonic() < deadline
    assert view["previousState"]["state"] == "Terminated"
    assert view["previousState"]["exitCode"] == int(command.split()[2])


def test_a_container_that_succeeds_is_not_restarted_on_failure(
    make_container: Callable[..., ContainerGroup],
) -> None:
    group = make_container("/bin/probe exit 0", "--restart-policy", "OnFailure")

    assert state_of(group, group.wait("Succeeded"))["restartCount"] == 0


@pytest.mark.parametrize("level", ["process", "sandbox"])
def test_memory_has_an_end(
    make_container_from_file: Callable[..., ContainerGroup], level: str
) -> None:
    group = make_container_from_file(
        {"one": {"command": ["/bin/probe", "allocate", "600", "5"]}},
        {"silo-isolation": level},
        restartPolicy="Never",
    )

    current = containers(group.wait("Failed"))["one"]["instanceView"]["currentState"]

    assert current["exitCode"] in ({137} if level == "process" else {128, 137})
    assert level == "sandbox" or current["detailStatus"] == "OOMKilled"
    assert "mebibytes" not in group.logs()


@pytest.mark.parametrize("kind", ["missing", "unknown host", "wrong password"])
def test_an_image_that_cannot_be_had_is_refused(
    az: Az, containers_group: str, probe_image: Image, unique: Callable[[str], str], kind: str
) -> None:
    image = probe_image.reference
    password = probe_image.password
    if kind == "missing":
        image = f"{probe_image.server}/tests/none:1"
    elif kind == "unknown host":
        image = image.replace(probe_image.server, "registry.invalid")
    else:
        password = "wrong"
    create = ["container", "create", "-g", containers_group, "-n", unique("unseen"), "--image"]
    size = ["--os-type", "Linux", "--cpu", "0.2", "--memory", "0.2"]
    access = ["--registry-login-server", probe_image.server, "--registry-username"]

    az.refused(
        *(*create, image, *size, *access, probe_image.username, "--registry-password", password),
        saying="InaccessibleImage",
    )


def test_windows_is_refused_for_now(
    az: Az, containers_group: str, probe_image: Image, unique: Callable[[str], str]
) -> None:
    create = ["container", "create", "-g", containers_group, "-n", unique("windows")]
    size = ["--os-type", "Windows", "--cpu", "1", "--memory", "1"]

    az.refused(
        *(*create, "--image", probe_image.reference, *size),
        saying="Resource requested: '1' CPU '1' GB memory 'Windows' OS",
    )


@pytest.mark.parametrize(
    ("code", "container"),
    [
        ("InvalidSecurityContext", {"securityContext": {"privileged": True}}),
        ("ServiceUnavailable", {"resources": {"requests": {"cpu": 1, "memoryInGB": 100000}}}),
        ("ContainerGroupQuotaReached", {"resources": {"requests": {"cpu": 1000, "memoryInGB": 1}}}),
        ("'1' 'V100' GPU", {"resources": {"requests": {**RESOURCES["requests"], "gpu": GPU}}}),
        ("InvalidVolumeMount", {"volumeMounts": [{"name": "none", "mountPath": "/none"}]}),
        ("MissingImage", {"image": None}),
        ("InvalidVolumeMount", {"volumeMounts": [{"name": "empty", "mountPath": "relative"}]}),
        ("InvalidVolumeMount", {"volumeMounts": [{"name": "empty", "mountPath": "/a:b"}]}),
        ("InvalidContainerPort", {"ports": [{"port": 0}]}),
    ],
)
def test_what_cannot_be_is_refused(
    az: Az,
    containers_group: str,
    probe_image: Image,
    unique: Callable[[str], str],
    tmp_path: Path,
    code: str,
    container: dict[str, Any],
) -> None:
    name = unique("refused")
    properties = {"image": probe_image.reference, "resources": RESOURCES, **container}
    document = {
        "location": "westeurope",
        "properties": {
            "osType": "Linux",
            "containers": [{"name": "one", "properties": properties}],
            "volumes": [{"name": "empty", "emptyDir": {}}],
            "imageRegistryCredentials": probe_image.document,
        },
    }
    body = tmp_path / "body.json"
    body.write_text(json.dumps(document))
    scope = az("group", "show", "-n", containers_group)["id"]
    path = f"{scope}/providers/Microsoft.ContainerInstance/containerGroups/{name}"
    url = f"{path}?api-version=2023-05-01"

    az.refused("rest", "--method", "put", "--url", url, "--body", f"@{body}", saying=code)

    az.refused("container", "show", "-g", containers_group, "-n", name, saying="NotFound")
