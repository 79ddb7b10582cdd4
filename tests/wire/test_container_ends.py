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


def test_memory_has_an_end(make_container: Callable[..., ContainerGroup]) -> None:
    group = make_container("/bin/probe allocate 600 5", "--restart-policy", "Never")

    view = state_of(group, group.wait("Failed"))

    assert view["currentState"]["exitCode"] in {128, 137}
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

    outcome = az.refused(*create, "--image", probe_image.reference, *size)

    assert "Traceback" not in outcome.said
    assert "Internal" not in outcome.said


@pytest.mark.parametrize(
    ("what", "container"),
    [
        ("privileged", {"securityContext": {"privileged": True}}),
        ("too much memory", {"resources": {"requests": {"cpu": 1, "memoryInGB": 100000}}}),
        (
            "gpu",
            {
                "resources": {
                    "requests": {**RESOURCES["requests"], "gpu": {"count": 1, "sku": "V100"}}
                }
            },
        ),
        ("unknown volume", {"volumeMounts": [{"name": "none", "mountPath": "/none"}]}),
        ("no image", {"image": None}),
        ("relative mount", {"volumeMounts": [{"name": "empty", "mountPath": "relative"}]}),
        ("colon in mount", {"volumeMounts": [{"name": "empty", "mountPath": "/a:b"}]}),
        ("port 0", {"ports": [{"port": 0}]}),
    ],
)
def test_what_cannot_be_is_refused(
    az: Az,
    containers_group: str,
    probe_image: Image,
    unique: Callable[[str], str],
    tmp_path: Path,
    what: str,
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

    outcome = az.refused("rest", "--method", "put", "--url", url, "--body", f"@{body}")

    assert "InternalServerError" not in outcome.said, what
    az.refused("container", "show", "-g", containers_group, "-n", name, saying="NotFound")
