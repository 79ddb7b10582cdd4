"""oras: artifacts, attachments and what refers to what (OCI 1.1)."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from tools import images, programs
from tools.azure import Az, Principal, Registry
from tools.strangers import oras_path

TYPE = "application/vnd.example.sbom"
Oras = Callable[..., programs.Outcome]


@pytest.fixture
def folder_with_files(tmp_path: Path) -> Path:
    path = tmp_path / "files"
    path.mkdir()
    (path / "sbom.json").write_text('{"parts": ["busybox"]}')
    (path / "data.bin").write_bytes(bytes(range(256)) * 4096)
    return path


@pytest.fixture
def oras(
    environment: dict[str, str],
    registry: Registry,
    pusher: Principal,
    tmp_path: Path,
    folder_with_files: Path,
) -> Oras:
    """Run oras, signed in as a principal that may push."""
    variables = {**environment, "DOCKER_CONFIG": str(tmp_path / "config")}

    def run(*words: str | Path, stdin: str | None = None) -> programs.Outcome:
        command = [oras_path(), *words]
        return programs.run(command, variables, folder=folder_with_files, stdin=stdin)

    login = ["login", registry.server, "-u", pusher.client_id, "--password-stdin"]
    programs.succeed(run(*login, stdin=pusher.secret))
    return run


def test_files_are_pushed_and_pulled(oras: Oras, registry: Registry, tmp_path: Path) -> None:
    name = f"{registry.server}/oras/files:1"

    programs.succeed(oras("push", name, "sbom.json:application/json", "data.bin"))
    programs.succeed(oras("pull", name, "-o", tmp_path / "back"))

    assert (tmp_path / "back" / "data.bin").read_bytes() == bytes(range(256)) * 4096
    assert "oras/files" in programs.succeed(oras("repo", "ls", registry.server)).out
    tags = programs.succeed(oras("repo", "tags", f"{registry.server}/oras/files")).out
    assert tags.split() == ["1"]


def test_attachments_are_found_by_oras_and_by_az(oras: Oras, az: Az, registry: Registry) -> None:
    name = f"{registry.server}/oras/attached:1"
    programs.succeed(oras("push", name, "data.bin"))

    programs.succeed(oras("attach", name, "--artifact-type", TYPE, "sbom.json:application/json"))

    tree = programs.succeed(oras("discover", name, "--format", "json"))
    found = tree.json.get("referrers") or tree.json["manifests"]
    assert [item["artifactType"] for item in found] == [TYPE]
    listed = az("acr", "manifest", "list-referrers", "-r", registry.name, "-n", "oras/attached:1")
    references = listed.get("manifests") or listed.get("references")
    assert [item["digest"] for item in references] == [found[0]["digest"]]
    nothing = oras("discover", name, "--format", "json", "--artifact-type", "application/other")
    assert "artifactType" not in json.dumps(nothing.json)


def test_an_image_is_copied_with_all_that_refers_to_it(
    oras: Oras, registry: Registry, make_registry: Callable[..., Registry], az: Az, tmp_path: Path
) -> None:
    name = f"{registry.server}/oras/copied:1"
    programs.succeed(oras("push", name, "data.bin"))
    programs.succeed(oras("attach", name, "--artifact-type", TYPE, "sbom.json:application/json"))
    other = make_registry()
    token = az("acr", "login", "-n", other.name, "--expose-token")["accessToken"]
    zero = "00000000-0000-0000-0000-000000000000"
    login = ["login", other.server, "-u", zero, "--password-stdin"]
    programs.succeed(oras(*login, stdin=token))

    programs.succeed(oras("cp", "--recursive", name, f"{other.server}/oras/copied:1"))

    tree = programs.succeed(oras("discover", f"{other.server}/oras/copied:1", "--format", "json"))
    assert TYPE in json.dumps(tree.json)


def test_a_layer_is_mounted_within_a_registry_without_sending_it_again(
    oras: Oras, registry: Registry
) -> None:
    source = f"{registry.server}/oras/mount-from:1"
    programs.succeed(oras("push", source, "data.bin"))

    outcome = programs.succeed(oras("cp", source, f"{registry.server}/oras/mount-to:1"))

    assert "Mounted" in outcome.said


def test_an_image_made_here_goes_in_and_out_by_oras(
    oras: Oras, registry: Registry, tmp_path: Path
) -> None:
    image = images.make_image(tmp_path / "layout", "1", architectures=("amd64", "arm64"))
    name = f"{registry.server}/oras/image:1"

    programs.succeed(oras("cp", "--from-oci-layout", f"{image.folder}:1", name))

    raw = programs.succeed(oras("manifest", "fetch", name)).out
    digest = image.digest.removeprefix("sha256:")
    assert raw.encode() == (image.folder / "blobs" / "sha256" / digest).read_bytes()


def test_oras_is_refused_without_signing_in(
    environment: dict[str, str], registry: Registry, tmp_path: Path
) -> None:
    variables = {**environment, "DOCKER_CONFIG": str(tmp_path)}

    for words in (["repo", "ls", registry.server], ["discover", f"{registry.server}/oras/files:1"]):
        programs.refuse(programs.run([oras_path(), *words], variables))
