"""podman and skopeo: other people's clients, other people's habits."""

import json
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tools import images, programs
from tools.azure import Az, Principal, Registry

Shell = Callable[..., programs.Outcome]


@pytest.fixture
def podman(environment: dict[str, str]) -> Iterator[Shell]:
    """Run podman on a store of its own."""
    # Its run root may be no longer than 50 bytes, so the folder is not pytest's.
    with tempfile.TemporaryDirectory(prefix="silo-podman-", ignore_cleanup_errors=True) as name:
        Path(name, "auth.json").write_text("{}")
        variables = {
            **environment,
            "REGISTRY_AUTH_FILE": f"{name}/auth.json",
            "XDG_RUNTIME_DIR": name,
        }
        store = ["--root", f"{name}/root", "--runroot", f"{name}/run", "--storage-driver", "vfs"]
        yield lambda *words, **more: programs.run(["podman", *store, *words], variables, **more)


def test_podman_signs_in_pushes_and_pulls(
    podman: Shell, registry: Registry, pusher: Principal, tmp_path: Path
) -> None:
    image = images.make_image(tmp_path / "image", "1")
    name = f"{registry.server}/podman/hello:1"
    login = ["login", registry.server, "-u", pusher.client_id, "--password-stdin"]

    assert "Login Succeeded" in programs.succeed(podman(*login, stdin=pusher.secret)).said
    programs.succeed(podman("pull", image.reference))
    found = programs.succeed(podman("images", "--quiet")).out.strip()
    programs.succeed(podman("tag", found, name))
    programs.succeed(podman("push", name))
    programs.succeed(podman("rmi", "--all", "--force"))
    programs.succeed(podman("pull", name))

    assert name in programs.succeed(podman("images", "--format", "{{.Repository}}:{{.Tag}}")).out
    programs.succeed(podman("logout", registry.server))
    programs.succeed(podman("rmi", "--all", "--force"))
    programs.refuse(podman("pull", name), "unauthorized")


def test_podman_is_refused_with_a_made_up_password(podman: Shell, registry: Registry) -> None:
    login = ["login", registry.server, "-u", registry.name, "-p", "guess"]

    programs.refuse(podman(*login), "invalid username/password")


def test_podman_may_not_push_as_one_who_pulls(
    podman: Shell, registry: Registry, puller: Principal, tmp_path: Path
) -> None:
    image = images.make_image(tmp_path / "image", "1")
    programs.succeed(podman("pull", image.reference))
    found = programs.succeed(podman("images", "--quiet")).out.strip()

    target = f"docker://{registry.server}/podman/denied:1"
    programs.refuse(podman("push", "--creds", puller.both, found, target), "denied")


@pytest.mark.parametrize(("form", "media_type"), [
    ("oci", images.MANIFEST),
    ("v2s2", "application/vnd.docker.distribution.manifest.v2+json"),
])  # fmt: skip
def test_skopeo_round_trip_keeps_every_byte(
    shell: Shell, registry: Registry, pusher: Principal, tmp_path: Path, form: str, media_type: str
) -> None:
    image = images.make_image(tmp_path / "image", "1")
    name = f"docker://{registry.server}/skopeo/{form}:1"
    copy = ["skopeo", "copy", "--format", form, "--dest-creds", pusher.both]

    programs.succeed(shell(*copy, image.reference, name))
    raw = programs.succeed(shell("skopeo", "inspect", "--raw", "--creds", pusher.both, name)).out
    back = ["skopeo", "copy", "--src-creds", pusher.both, name, f"dir:{tmp_path / 'back'}"]
    programs.succeed(shell(*back))

    assert json.loads(raw)["mediaType"] == media_type
    assert (tmp_path / "back" / "manifest.json").read_text() == raw


def test_skopeo_copies_a_multi_architecture_index(
    shell: Shell, registry: Registry, pusher: Principal, tmp_path: Path
) -> None:
    image = images.make_image(tmp_path / "i", "1", architectures=("amd64", "arm64", "s390x"))
    name = f"docker://{registry.server}/skopeo/multi:1"
    both = ["--src-creds", pusher.both, "--dest-creds", pusher.both]

    to_silo = ["skopeo", "copy", "--all", "--preserve-digests", "--dest-creds", pusher.both]
    programs.succeed(shell(*to_silo, image.reference, name))
    across = f"docker://{registry.server}/skopeo/other:1"
    programs.succeed(shell("skopeo", "copy", "--all", "--preserve-digests", *both, name, across))

    found = shell("skopeo", "inspect", "--raw", "--creds", pusher.both, across).json
    platforms = [item["platform"]["architecture"] for item in found["manifests"]]
    assert platforms == ["amd64", "arm64", "s390x"]


def test_skopeo_lists_tags_and_deletes(
    shell: Shell, registry: Registry, az: Az, tmp_path: Path
) -> None:
    token = az("acr", "login", "-n", registry.name, "--expose-token")["accessToken"]
    owner = f"00000000-0000-0000-0000-000000000000:{token}"
    image = images.make_image(tmp_path / "image", "1")
    repository = f"docker://{registry.server}/skopeo/tags"
    for tag in ("a", "b"):
        copy = ["skopeo", "copy", "--dest-creds", owner, image.reference]
        programs.succeed(shell(*copy, f"{repository}:{tag}"))

    listed = programs.succeed(shell("skopeo", "list-tags", "--creds", owner, repository)).json
    assert listed["Tags"] == ["a", "b"]
    programs.succeed(shell("skopeo", "delete", "--creds", owner, f"{repository}:a"))
    programs.refuse(shell("skopeo", "inspect", "--creds", owner, f"{repository}:b"), "unknown")


@pytest.mark.parametrize("verb", ["inspect", "list-tags", "delete", "copy"])
def test_skopeo_without_credentials_is_refused(
    shell: Shell, registry: Registry, tmp_path: Path, verb: str
) -> None:
    name = f"docker://{registry.server}/skopeo/secret"
    target = name if verb == "list-tags" else f"{name}:1"
    words = ["skopeo", verb, "--no-creds", target]
    if verb == "copy":
        image = images.make_image(tmp_path / "image", "1")
        words = ["skopeo", "copy", "--dest-no-creds", image.reference, target]

    programs.refuse(shell(*words))


def test_one_who_pulls_may_not_delete(
    shell: Shell, registry: Registry, pusher: Principal, puller: Principal, tmp_path: Path
) -> None:
    image = images.make_image(tmp_path / "image", "1")
    name = f"docker://{registry.server}/skopeo/kept:1"
    copy = ["skopeo", "copy", "--dest-creds", pusher.both, image.reference, name]
    programs.succeed(shell(*copy))

    programs.refuse(shell("skopeo", "delete", "--creds", puller.both, name))
    programs.succeed(shell("skopeo", "inspect", "--creds", puller.both, name))
