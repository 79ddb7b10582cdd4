"""Clean-up: what nothing needs goes, and a push that happens meanwhile never loses."""

import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.unit.silo.registry.world import Client, Plane, digest_of, make_image

from silo import core, registry


def age(plane: Plane, hours: float) -> None:
    """Let time pass for files too, which know only the machine's clock."""
    plane.clock.advance(hours=hours)
    now = plane.clock.now().timestamp()
    for folder, _, names in os.walk(plane.root):
        for name in names:
            os.utime(Path(folder) / name, (now - hours * 3600,) * 2)


async def collect(plane: Plane) -> registry.Collected:
    return await registry.collect(plane.store, plane.root, plane.clock)


def path_of(plane: Plane, data: bytes) -> Path:
    text = digest_of(data).removeprefix("sha256:")
    return plane.root / "blobs" / "sha256" / text[:2] / text


async def test_what_a_manifest_needs_stays(plane: Plane, owner: Client) -> None:
    await owner.push_image("v1")
    age(plane, 1000)

    assert await collect(plane) == registry.Collected()
    assert (await owner.get(f"/v2/hello/blobs/{digest_of(b'v1')}")).status == 200


async def test_a_blob_that_no_manifest_came_for_goes_after_its_grace(
    plane: Plane, owner: Client
) -> None:
    await owner.push_blob(b"data")
    age(plane, 23)
    assert await collect(plane) == registry.Collected()

    age(plane, 25)
    assert await collect(plane) == registry.Collected(links=1, blobs=1, size=4)
    assert not path_of(plane, b"data").exists()
    assert (await owner.get(f"/v2/hello/blobs/{digest_of(b'data')}")).status == 404
    assert await owner.push_blob(b"data")


async def test_a_question_about_a_blob_renews_its_grace(plane: Plane, owner: Client) -> None:
    digest = await owner.push_blob(b"data")
    age(plane, 23)
    assert (await owner.send("HEAD", f"/v2/hello/blobs/{digest}")).status == 200
    age(plane, 23)

    assert await collect(plane) == registry.Collected()


async def test_what_another_repository_links_stays(plane: Plane, owner: Client) -> None:
    await owner.push_image("v1", "one")
    await owner.push_image("v1", "two")
    await owner.send("DELETE", "/acr/v1/one")
    age(plane, 25)

    assert (await collect(plane)).blobs == 0
    assert (await owner.get(f"/v2/two/blobs/{digest_of(b'v1')}")).status == 200


async def test_a_deleted_registry_gives_its_space_back(plane: Plane, owner: Client) -> None:
    await owner.push_image("v1")
    await plane.store.write(lambda conn: registry.delete_registry(conn, "acme"))
    age(plane, 25)

    collected = await collect(plane)

    assert (collected.repositories, collected.blobs) == (1, 2)
    assert not path_of(plane, b"v1").exists()


async def test_abandoned_uploads_go_and_live_ones_stay(plane: Plane, owner: Client) -> None:
    old = (await owner.send("POST", "/v2/hello/blobs/uploads/")).headers["location"]
    age(plane, 25)
    new = (await owner.send("POST", "/v2/hello/blobs/uploads/")).headers["location"]

    (path,) = (p for p in (plane.root / "uploads").iterdir() if new.endswith(p.name[-36:]))
    os.utime(path, (plane.clock.now().timestamp(),) * 2)

    assert (await collect(plane)).uploads == 1
    assert (await owner.get(old)).status == 404
    assert (await owner.get(new)).status == 204


async def test_a_push_between_looking_and_removing_keeps_its_file(
    plane: Plane, owner: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    await owner.push_blob(b"data")
    age(plane, 25)
    rename = Path.rename
    now = plane.clock.now().timestamp()

    def push_first(self: Path, target: Any) -> Any:
        if self == path_of(plane, b"data"):
            self.write_bytes(b"data")  # a push puts its own file in the place of the old one
            os.utime(self, (now, now))
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", push_first)

    assert (await collect(plane)).blobs == 0
    assert path_of(plane, b"data").read_bytes() == b"data"


async def test_a_push_whose_file_was_removed_is_told_to_push_again(
    plane: Plane, owner: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("silo.registry.content.Content.has", lambda _self, _digest: False)

    answer = await owner.send(
        "POST", f"/v2/hello/blobs/uploads/?digest={digest_of(b'data')}", b"data"
    )

    assert (answer.status, answer.code) == (503, "UNAVAILABLE")


async def test_a_run_that_was_killed_half_way_is_settled_by_the_next(
    plane: Plane, owner: Client
) -> None:
    await owner.push_image("v1")
    trash = plane.root / "trash"
    path_of(plane, b"v1").rename(trash / digest_of(b"v1").replace(":", "-"))
    (trash / f"sha256-{'0' * 64}").write_bytes(b"unlinked")
    age(plane, 25)

    await collect(plane)

    assert (await owner.get(f"/v2/hello/blobs/{digest_of(b'v1')}")).body == b"v1"
    assert list(trash.iterdir()) == []


async def test_pushing_the_same_image_again_after_clean_up_works(
    plane: Plane, owner: Client
) -> None:
    digest = await owner.push_image("v1")
    await owner.send("DELETE", f"/v2/hello/manifests/{digest}")
    age(plane, 25)
    assert (await collect(plane)).blobs == 2

    await owner.push_image("v1")

    assert (await owner.get("/v2/hello/manifests/v1")).body == make_image("v1")


async def test_grace_can_be_given(plane: Plane, owner: Client) -> None:
    await owner.push_blob(b"data")
    age(plane, 1)

    collected = await registry.collect(plane.store, plane.root, plane.clock, timedelta(minutes=30))

    assert collected.blobs == 1
    assert isinstance(plane.store, core.Store)
