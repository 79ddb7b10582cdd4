"""ACR's own lists, attributes and locks."""

from typing import Any

import pytest
from tests.unit.silo.registry.world import Client, Plane, digest_of

UNLOCKED = {
    "deleteEnabled": True,
    "writeEnabled": True,
    "readEnabled": True,
    "listEnabled": True,
}
TIME = "2026-11-23T10:00:00.0000000Z"


async def patch(client: Client, path: str, body: bytes) -> Any:
    return await client.send("PATCH", f"/acr/v1/{path}", body)


async def test_a_repository_is_shown_as_acr_shows_it(owner: Client) -> None:
    await owner.push_image("v1", "team/app")
    await owner.put_manifest(
        "latest", (await owner.get("/v2/team/app/manifests/v1")).body, "team/app"
    )

    answer = await owner.get("/acr/v1/team/app")

    assert answer.json == {
        "registry": "acme.azurecr.silo.localhost:8443",
        "imageName": "team/app",
        "createdTime": TIME,
        "lastUpdateTime": TIME,
        "manifestCount": 1,
        "tagCount": 2,
        "changeableAttributes": UNLOCKED,
    }


async def test_tags_and_manifests_are_shown_as_acr_shows_them(owner: Client) -> None:
    digest = await owner.push_image("v1")
    tag = {
        "name": "v1",
        "digest": digest,
        "createdTime": TIME,
        "lastUpdateTime": TIME,
        "signed": False,
        "changeableAttributes": UNLOCKED,
    }
    manifest = {
        "digest": digest,
        "imageSize": len((await owner.get("/v2/hello/manifests/v1")).body) + 37 + 2,
        "createdTime": TIME,
        "lastUpdateTime": TIME,
        "architecture": "amd64",
        "os": "linux",
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "configMediaType": "application/vnd.oci.image.config.v1+json",
        "tags": ["v1"],
        "changeableAttributes": UNLOCKED,
    }
    head = {"registry": "acme.azurecr.silo.localhost:8443", "imageName": "hello"}

    assert (await owner.get("/acr/v1/hello/_tags")).json == {**head, "tags": [tag]}
    assert (await owner.get("/acr/v1/hello/_tags/v1")).json == {**head, "tag": tag}
    assert (await owner.get("/acr/v1/hello/_manifests")).json == {**head, "manifests": [manifest]}
    one = await owner.get(f"/acr/v1/hello/_manifests/{digest}")
    assert one.json == {**head, "manifest": manifest}


async def test_lists_come_in_pages_that_link(owner: Client) -> None:
    for name in ("a", "b", "c"):
        await owner.push_image("v1", name)
        await owner.push_image(name, "a")

    catalog = await owner.get("/v2/_catalog?n=2")
    rest = await owner.get("/v2/_catalog?last=b&n=2")
    acr = await owner.get("/acr/v1/_catalog?n=2")
    tags = await owner.get("/v2/a/tags/list?n=3")
    none = await owner.get("/v2/a/tags/list?n=0")

    assert catalog.json == {"repositories": ["a", "b"]}
    assert catalog.headers["link"] == '</v2/_catalog?last=b&n=2>; rel="next"'
    assert (rest.json, "link" in rest.headers) == ({"repositories": ["c"]}, False)
    assert acr.headers["link"] == '</acr/v1/_catalog?last=b&n=2>; rel="next"'
    assert tags.json == {"name": "a", "tags": ["a", "b", "c"]}
    assert tags.headers["link"] == '</v2/a/tags/list?last=c&n=3>; rel="next"'
    assert none.json == {"name": "a", "tags": []}


async def test_tags_are_ordered_by_time_across_pages(plane: Plane, owner: Client) -> None:
    for name in ("b", "c", "a"):
        await owner.push_image(name)
        plane.clock.advance(seconds=1)

    first = await owner.get("/acr/v1/hello/_tags?orderby=timedesc&n=2")
    second = await owner.get("/acr/v1/hello/_tags?orderby=timedesc&n=2&last=c")
    ascending = await owner.get("/acr/v1/hello/_tags?orderby=timeasc")

    assert [tag["name"] for tag in first.json["tags"]] == ["a", "c"]
    link = "</acr/v1/hello/_tags?last=c&n=2&orderby=timedesc>"
    assert first.headers["link"] == f'{link}; rel="next"'
    assert [tag["name"] for tag in second.json["tags"]] == ["b"]
    assert [tag["name"] for tag in ascending.json["tags"]] == ["b", "c", "a"]


async def test_tags_of_one_manifest_are_listed(owner: Client) -> None:
    digest = await owner.push_image("v1")
    await owner.push_image("v2")

    answer = await owner.get(f"/acr/v1/hello/_tags?digest={digest}")

    assert [tag["name"] for tag in answer.json["tags"]] == ["v1"]


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("hello/_tags/none", 404, "TAG_UNKNOWN"),
        ("hello/_manifests/" + digest_of(b"none"), 404, "MANIFEST_UNKNOWN"),
        ("hello/_manifests/v1", 400, "DIGEST_INVALID"),
        ("nothing", 404, "NAME_UNKNOWN"),
        ("nothing/_tags", 404, "NAME_UNKNOWN"),
        ("hello/_tags?n=x", 400, "PAGINATION_NUMBER_INVALID"),
        ("hello/_tags?orderby=size", 400, "BAD_REQUEST"),
        ("hello/_streaming", 405, "UNSUPPORTED"),
    ],
)
async def test_what_is_not_there_is_said(owner: Client, path: str, status: int, code: str) -> None:
    await owner.push_image("v1")

    answer = await owner.get(f"/acr/v1/{path}")

    assert (answer.status, answer.code) == (status, code)


async def test_soft_delete_is_refused_honestly(plane: Plane) -> None:
    plane.directory.add("restorer", "Microsoft.ContainerRegistry/registries/deleted/read")

    answer = await plane.as_service("restorer").get("/acr/v1/_deleted/_catalog")

    assert (answer.status, answer.code) == (405, "UNSUPPORTED")
    assert "not supported yet" in answer.json["errors"][0]["message"]


async def test_a_locked_tag_neither_moves_nor_goes(owner: Client) -> None:
    await owner.push_image("v1")
    body = (await owner.get("/v2/hello/manifests/v1")).body
    locked = await patch(owner, "hello/_tags/v1", b'{"writeEnabled":false}')

    moved = await owner.put_manifest("v1", body)
    untagged = await owner.send("DELETE", "/acr/v1/hello/_tags/v1")
    deleted = await owner.send("DELETE", f"/v2/hello/manifests/{digest_of(body)}")
    dropped = await owner.send("DELETE", "/acr/v1/hello")

    assert locked.json["tag"]["changeableAttributes"] == UNLOCKED | {"writeEnabled": False}
    assert {moved.status, untagged.status, deleted.status, dropped.status} == {405}
    assert moved.json["errors"][0]["message"].startswith("The operation is disallowed")

    await patch(owner, "hello/_tags/v1", b'{"writeEnabled":true}')
    assert (await owner.send("DELETE", "/acr/v1/hello/_tags/v1")).status == 202
    assert (await owner.get(f"/v2/hello/manifests/{digest_of(body)}")).status == 200


async def test_a_manifest_locked_against_deletion_stays(owner: Client) -> None:
    digest = await owner.push_image("v1")
    await patch(owner, f"hello/_manifests/{digest}", b'{"deleteEnabled":false}')

    assert (await owner.send("DELETE", f"/v2/hello/manifests/{digest}")).status == 405
    assert (await owner.send("DELETE", "/acr/v1/hello")).status == 405


async def test_what_may_not_be_listed_is_left_out(owner: Client) -> None:
    await owner.push_image("v1", "open")
    await owner.push_image("v1", "hidden")
    await patch(owner, "hidden", b'{"listEnabled":false}')
    await patch(owner, "open/_tags/v1", b'{"listEnabled":false}')

    assert (await owner.get("/v2/_catalog")).json == {"repositories": ["open"]}
    assert (await owner.get("/v2/open/tags/list")).json["tags"] == []
    assert (await owner.get("/acr/v1/open/_tags")).json["tags"] == []
    assert (await owner.get("/v2/open/manifests/v1")).status == 200


@pytest.mark.parametrize("body", [b"", b"[]", b'{"writeEnabled":"no"}', b"{"])
async def test_a_lock_is_a_boolean(owner: Client, body: bytes) -> None:
    await owner.push_image("v1")

    assert (await patch(owner, "hello", body)).status == 400


async def test_a_repository_is_deleted_with_all_it_holds(plane: Plane, owner: Client) -> None:
    digest = await owner.push_image("v1")

    answer = await owner.send("DELETE", "/acr/v1/hello")

    assert answer.status == 202
    assert answer.json == {"manifestsDeleted": [digest], "tagsDeleted": ["v1"]}
    assert (await owner.get("/v2/_catalog")).json == {"repositories": []}
    assert (await owner.get("/acr/v1/hello")).status == 404
    assert (await plane.list_log())[-2]["properties"]["operationName"] == "Delete"


async def test_a_repository_without_manifests_is_unknown_to_acr(owner: Client) -> None:
    digest = await owner.push_image("v1")
    await owner.send("DELETE", f"/v2/hello/manifests/{digest}")

    assert (await owner.get("/acr/v1/hello")).status == 404
    assert (await owner.get("/v2/_catalog")).json == {"repositories": []}
