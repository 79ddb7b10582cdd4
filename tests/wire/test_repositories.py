"""``az acr repository`` and ``az acr manifest``: the contents of a registry."""

from collections.abc import Callable
from pathlib import Path

import pytest
from tools import images, programs
from tools.azure import Az, Principal, Registry


@pytest.fixture
def push(
    environment: dict[str, str], registry: Registry, pusher: Principal, tmp_path: Path
) -> Callable[..., images.Layout]:
    """Push an image of one's own by skopeo; returns what was pushed."""

    def copy(repository: str, tag: str, **more: object) -> images.Layout:
        image = images.make_image(
            tmp_path / f"{tag}-{len(more)}", tag, words=f"{repository} {tag}", **more
        )  # type: ignore[arg-type]
        command = ["skopeo", "copy", "--all", "--dest-creds", pusher.both, image.reference]
        target = f"docker://{registry.server}/{repository}:{tag}"
        programs.succeed(programs.run([*command, target], environment))
        return image

    return copy


def test_repositories_and_tags_are_listed(
    az: Az, registry: Registry, push: Callable[..., images.Layout], unique: Callable[[str], str]
) -> None:
    name = f"team/{unique('listed')}"
    for tag in ("one", "two"):
        push(name, tag)
    tags = ["acr", "repository", "show-tags", "-n", registry.name, "--repository", name]

    assert name in az("acr", "repository", "list", "-n", registry.name)
    assert az(*tags) == ["one", "two"]
    assert az(*tags, "--orderby", "time_desc", "--top", "1") == ["two"]
    detail = az(*tags, "--detail")
    assert {"name", "digest", "createdTime", "lastUpdateTime"} <= set(detail[0])


def test_a_repository_and_an_image_are_shown(
    az: Az, registry: Registry, push: Callable[..., images.Layout], unique: Callable[[str], str]
) -> None:
    name = unique("shown")
    image = push(name, "one")
    show = ["acr", "repository", "show", "-n", registry.name]

    repository = az(*show, "--repository", name)
    tag = az(*show, "--image", f"{name}:one")

    assert (repository["imageName"], repository["tagCount"]) == (name, 1)
    assert repository["manifestCount"] == 1
    assert tag["digest"] == image.digest


def test_manifests_are_listed_and_read_byte_for_byte(
    az: Az, registry: Registry, push: Callable[..., images.Layout], unique: Callable[[str], str]
) -> None:
    name = unique("manifests")
    image = push(name, "many", architectures=("amd64", "arm64"))
    where = ["-r", registry.name, "-n", name]

    listed = az("acr", "manifest", "list-metadata", *where)
    raw = az("acr", "manifest", "show", "-r", registry.name, "-n", f"{name}:many", "--raw")
    one = az("acr", "manifest", "show-metadata", "-r", registry.name, "-n", f"{name}:many")

    assert len(listed) == 3
    index = next(item for item in listed if item["digest"] == image.digest)
    assert (index["tags"], index["mediaType"]) == (["many"], images.INDEX)
    assert {item["architecture"] for item in listed if item is not index} == {"amd64", "arm64"}
    assert raw["mediaType"] == images.INDEX
    assert one["digest"] == image.digest


def test_a_locked_image_is_not_overwritten_or_deleted(
    az: Az, registry: Registry, push: Callable[..., images.Layout], unique: Callable[[str], str]
) -> None:
    name = unique("locked")
    push(name, "one")
    image = ["-n", registry.name, "--image", f"{name}:one"]

    changed = az("acr", "repository", "update", *image, "--write-enabled", "false")
    assert changed["changeableAttributes"]["writeEnabled"] is False
    with pytest.raises(programs.ProgramFailed):
        push(name, "one", architectures=("amd64",))
    az("acr", "repository", "update", *image, "--delete-enabled", "false")
    az.refused("acr", "repository", "delete", *image, "--yes")
    az("acr", "repository", "update", *image, "--delete-enabled", "true", "--write-enabled", "true")
    az("acr", "repository", "delete", *image, "--yes")


def test_an_untagged_image_keeps_its_manifest(
    az: Az, registry: Registry, push: Callable[..., images.Layout], unique: Callable[[str], str]
) -> None:
    name = unique("untagged")
    image = push(name, "one")

    az("acr", "repository", "untag", "-n", registry.name, "--image", f"{name}:one")

    listed = az("acr", "manifest", "list-metadata", "-r", registry.name, "-n", name)
    assert [item["digest"] for item in listed] == [image.digest]
    assert not listed[0].get("tags")


def test_an_image_and_a_repository_are_deleted(
    az: Az, registry: Registry, push: Callable[..., images.Layout], unique: Callable[[str], str]
) -> None:
    name = unique("deleted")
    for tag in ("one", "two"):
        push(name, tag)
    delete = ["acr", "repository", "delete", "-n", registry.name, "--yes"]
    tags = ["acr", "repository", "show-tags", "-n", registry.name, "--repository", name]

    az(*delete, "--image", f"{name}:one")
    assert az(*tags) == ["two"]
    az(*delete, "--repository", name)
    assert name not in az("acr", "repository", "list", "-n", registry.name)
    az.refused(*tags)


def test_az_signs_in_to_the_registry_as_a_principal(
    az: Az, registry: Registry, puller: Principal, push: Callable[..., images.Layout]
) -> None:
    push("basic", "one")
    account = ["-u", puller.client_id, "-p", puller.secret]

    tags = ["acr", "repository", "show-tags", "-n", registry.name, "--repository", "basic"]
    assert "one" in az(*tags, *account)
    delete = ["acr", "repository", "delete", "-n", registry.name, "--image", "basic:one", "--yes"]
    az.refused(*delete, *account)


def test_usage_grows_by_what_is_pushed(
    az: Az, make_registry: Callable[..., Registry], tmp_path: Path, environment: dict[str, str]
) -> None:
    registry = make_registry()
    token = az("acr", "login", "-n", registry.name, "--expose-token")["accessToken"]
    image = images.make_image(tmp_path / "image", "1")
    user = f"00000000-0000-0000-0000-000000000000:{token}"
    copy = ["skopeo", "copy", "--dest-creds", user, image.reference]
    programs.succeed(programs.run([*copy, f"docker://{registry.server}/usage:1"], environment))

    usage = az("acr", "show-usage", "-n", registry.name)["value"]

    stored = sum(path.stat().st_size for path in image.folder.glob("blobs/*/*"))
    size = next(item["currentValue"] for item in usage if item["name"] == "Size")
    assert stored * 0.9 <= size <= stored * 1.1
