"""docker, its real daemon included: build, push, pull, run, and be refused."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from tools import docker, images, programs
from tools.azure import Az, Principal, Registry

ZERO = "00000000-0000-0000-0000-000000000000"


@pytest.fixture(scope="module")
def image(docker_host: str, environment: dict[str, str], folder: Path) -> str:
    """Build an image by the daemon; returns its local name."""
    client = docker.Docker(docker_host, environment, folder / "docker-builder")
    context = images.make_build_context(folder / "context", "hello from docker")
    client("build", "--quiet", "--tag", "built:here", context)
    return "built:here"


def test_az_acr_login_then_push_pull_and_run(
    az: Az, registry: Registry, image: str, new_docker: Callable[[], docker.Docker]
) -> None:
    client = new_docker()
    name = f"{registry.server}/docker/hello:1"
    login = ["acr", "login", "-n", registry.name]
    chosen = {name: client.environment[name] for name in ("DOCKER_HOST", "DOCKER_CONFIG")}

    assert "Login Succeeded" in programs.succeed(az.run(*login, **chosen)).said
    client("tag", image, name)
    pushed = client("push", name)
    client("rmi", name)
    client("pull", name)

    digest = pushed.split("digest: ")[1].split()[0]
    assert digest in client("inspect", "--format", "{{.RepoDigests}}", name)
    assert client("run", "--rm", "--network", "none", name) == "hello from docker"
    manifest = az("acr", "manifest", "show", "-r", registry.name, "-n", "docker/hello:1")
    assert manifest["mediaType"] == "application/vnd.docker.distribution.manifest.v2+json"


def test_a_pushing_principal_pushes_again_what_is_there(
    registry: Registry, pusher: Principal, image: str, new_docker: Callable[[], docker.Docker]
) -> None:
    client = new_docker()
    programs.succeed(client.login(registry.server, pusher.client_id, pusher.secret))

    for name in ("docker/first:1", "docker/second:1"):
        client("tag", image, f"{registry.server}/{name}")
        client("push", f"{registry.server}/{name}")

    assert "exists" in client("push", f"{registry.server}/docker/second:1")


def test_a_pulling_principal_pulls_and_may_not_push(
    registry: Registry,
    pusher: Principal,
    puller: Principal,
    image: str,
    new_docker: Callable[[], docker.Docker],
) -> None:
    name = f"{registry.server}/docker/pull-only"
    owner, client = new_docker(), new_docker()
    programs.succeed(owner.login(registry.server, pusher.client_id, pusher.secret))
    owner("tag", image, f"{name}:1")
    owner("push", f"{name}:1")
    programs.succeed(client.login(registry.server, puller.client_id, puller.secret))

    client("pull", f"{name}:1")
    client("tag", image, f"{name}:2")

    programs.refuse(client.run("push", f"{name}:2"), "denied")


def test_without_signing_in_nothing_is_pulled_or_pushed(
    registry: Registry, image: str, new_docker: Callable[[], docker.Docker]
) -> None:
    client = new_docker()
    name = f"{registry.server}/docker/hello:1"

    pulling = client.run("pull", f"{registry.server}/docker/secret:9")
    programs.refuse(pulling, "authentication required")
    client("tag", image, name)
    programs.refuse(client.run("push", name), "authentication required")


@pytest.mark.parametrize("user", ["registry-name", ZERO, "nobody"])
def test_a_made_up_password_signs_nobody_in(
    registry: Registry, user: str, new_docker: Callable[[], docker.Docker]
) -> None:
    account = registry.name if user == "registry-name" else user

    programs.refuse(new_docker().login(registry.server, account, "guess"), "unauthorized")


def test_the_admin_user_works_while_it_is_switched_on(
    az: Az,
    make_registry: Callable[..., Registry],
    image: str,
    new_docker: Callable[[], docker.Docker],
) -> None:
    registry = make_registry("--admin-enabled", "true")
    told = az("acr", "credential", "show", "-n", registry.name)
    account = (registry.server, told["username"], told["passwords"][0]["value"])
    client = new_docker()

    programs.succeed(client.login(*account))
    client("tag", image, f"{registry.server}/admin:1")
    client("push", f"{registry.server}/admin:1")
    az("acr", "update", "-n", registry.name, "--admin-enabled", "false")

    programs.refuse(new_docker().login(*account), "unauthorized")


def test_a_token_of_one_registry_does_not_open_another(
    az: Az,
    registry: Registry,
    make_registry: Callable[..., Registry],
    new_docker: Callable[[], docker.Docker],
) -> None:
    other = make_registry()
    token = az("acr", "login", "-n", registry.name, "--expose-token")["accessToken"]

    programs.succeed(new_docker().login(registry.server, ZERO, token))

    programs.refuse(new_docker().login(other.server, ZERO, token), "unauthorized")


def test_a_multi_architecture_index_is_made_by_docker_and_pulled(
    registry: Registry,
    pusher: Principal,
    tmp_path: Path,
    environment: dict[str, str],
    new_docker: Callable[[], docker.Docker],
) -> None:
    layout = images.make_image(tmp_path / "i", "1", architectures=("amd64", "arm64"))
    name = f"{registry.server}/docker/multi:1"
    copy = ["skopeo", "copy", "--all", "--dest-creds", pusher.both, layout.reference]
    programs.succeed(programs.run([*copy, f"docker://{name}"], environment))
    client = new_docker()
    programs.succeed(client.login(registry.server, pusher.client_id, pusher.secret))

    client("pull", "--platform", "linux/arm64", name)

    inspected = json.loads(client("inspect", name))[0]
    assert inspected["Architecture"] == "arm64"
    assert layout.digest in str(inspected["RepoDigests"])


def test_a_disabled_principal_pulls_no_more_within_a_minute(
    az: Az,
    registry: Registry,
    image: str,
    make_principal: Callable[..., Principal],
    new_docker: Callable[[], docker.Docker],
) -> None:
    principal = make_principal("AcrPush", registry.id)
    client = new_docker()
    name = f"{registry.server}/docker/disabled:1"
    programs.succeed(client.login(registry.server, principal.client_id, principal.secret))
    client("tag", image, name)
    client("push", name)

    az("ad", "sp", "update", "--id", principal.client_id, "--set", "accountEnabled=false")

    programs.refuse(client.run("pull", name))
    programs.refuse(new_docker().login(registry.server, principal.client_id, principal.secret))
