"""Reading: by tag and digest, whole, in part, or not at all when nothing changed."""

import pytest
from tests.unit.silo.registry.world import Client, Plane, digest_of, make_image


async def test_a_manifest_comes_back_byte_for_byte(owner: Client) -> None:
    digest = await owner.push_image("v1")

    by_tag = await owner.get("/v2/hello/manifests/v1")
    by_digest = await owner.get(f"/v2/hello/manifests/{digest}")
    head = await owner.send("HEAD", "/v2/hello/manifests/v1")

    assert by_tag.body == by_digest.body == make_image("v1")
    assert by_tag.headers["docker-content-digest"] == digest
    assert by_tag.headers["content-type"] == "application/vnd.oci.image.manifest.v1+json"
    assert (head.status, head.body) == (200, b"")
    assert head.headers["content-length"] == str(len(by_tag.body))


async def test_a_tag_that_moves_is_seen_at_once(owner: Client) -> None:
    await owner.push_image("v1")
    assert (await owner.get("/v2/hello/manifests/v1")).status == 200

    await owner.push_blob(b"new")
    await owner.put_manifest("v1", make_image("new"))

    assert (await owner.get("/v2/hello/manifests/v1")).body == make_image("new")


async def test_unchanged_content_is_not_sent_again(owner: Client) -> None:
    digest = await owner.push_image("v1")
    blob = digest_of(b"v1")
    for path, name in ((f"manifests/{digest}", digest), (f"blobs/{blob}", blob)):
        same = await owner.get(f"/v2/hello/{path}", headers={"if-none-match": f'"{name}"'})
        other = await owner.get(f"/v2/hello/{path}", headers={"if-match": '"sha256:other"'})

        assert (same.status, same.body) == (304, b"")
        assert other.status == 412


@pytest.mark.parametrize(
    ("wanted", "status", "body", "place"),
    [
        ("bytes=0-3", 206, b"0123", "bytes 0-3/10"),
        ("bytes=8-", 206, b"89", "bytes 8-9/10"),
        ("bytes=-3", 206, b"789", "bytes 7-9/10"),
        ("bytes=5-99", 206, b"56789", "bytes 5-9/10"),
        ("bytes=4-2", 200, b"0123456789", None),
        ("bytes=0-1,4-5", 200, b"0123456789", None),
        ("lines=0-1", 200, b"0123456789", None),
        ("bytes=10-", 416, None, "bytes */10"),
        ("bytes=-0", 416, None, "bytes */10"),
    ],
)
async def test_ranges(
    owner: Client, wanted: str, status: int, body: bytes | None, place: str | None
) -> None:
    digest = await owner.push_blob(b"0123456789")

    answer = await owner.get(f"/v2/hello/blobs/{digest}", headers={"range": wanted})

    assert answer.status == status
    assert answer.headers.get("content-range") == place
    assert body is None or answer.body == body


async def test_a_range_of_another_content_is_answered_whole(owner: Client) -> None:
    digest = await owner.push_blob(b"0123456789")

    answer = await owner.get(
        f"/v2/hello/blobs/{digest}", headers={"range": "bytes=0-1", "if-range": '"other"'}
    )

    assert answer.status == 200


async def test_a_whole_blob_goes_from_file_to_socket(plane: Plane, owner: Client) -> None:
    digest = await owner.push_blob(b"0123456789")

    answer = await owner.get(f"/v2/hello/blobs/{digest}", sendfile=True)
    empty = await owner.get(f"/v2/hello/blobs/{await owner.push_blob(b'')}", sendfile=True)

    assert answer.path_sent == str(plane.root / "blobs/sha256" / digest[7:9] / digest[7:])
    assert answer.headers["content-length"] == "10"
    assert (empty.path_sent, empty.body) == ("", b"")


async def test_a_blob_is_read_only_where_it_is_linked(owner: Client) -> None:
    digest = await owner.push_blob(b"data", "mine")

    assert (await owner.get(f"/v2/mine/blobs/{digest}")).status == 200
    other = await owner.send("HEAD", f"/v2/yours/blobs/{digest}")
    assert other.status == 404


async def test_what_may_not_be_read_is_refused(owner: Client) -> None:
    await owner.push_image("v1")
    for path in ("hello/_tags/v1", "hello"):
        await owner.send("PATCH", f"/acr/v1/{path}", b'{"readEnabled":false}')
        assert (await owner.get("/v2/hello/manifests/v1")).status == 405
        await owner.send("PATCH", f"/acr/v1/{path}", b'{"readEnabled":true}')
    assert (await owner.get("/v2/hello/manifests/v1")).status == 200


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/v2/hello/manifests/none", 404, "MANIFEST_UNKNOWN"),
        ("/v2/hello/manifests/sha256:12", 400, "DIGEST_INVALID"),
        ("/v2/hello/manifests/-bad", 400, "TAG_INVALID"),
        ("/v2/HELLO/manifests/v1", 400, "NAME_INVALID"),
        ("/v2/../secret/manifests/v1", 400, "NAME_INVALID"),
        (f"/v2/{'a' * 300}/manifests/v1", 400, "NAME_INVALID"),
        ("/v2/hello/blobs/..%2f..", 400, "DIGEST_INVALID"),
        ("/v2/hello/what/v1", 404, "NAME_UNKNOWN"),
        ("/v3", 404, "NAME_UNKNOWN"),
    ],
)
async def test_bad_paths_are_refused_in_the_specifications_words(
    owner: Client, path: str, status: int, code: str
) -> None:
    answer = await owner.get(path)

    assert (answer.status, answer.code) == (status, code)


async def test_equal_pulls_are_counted_together(plane: Plane, owner: Client) -> None:
    digest = await owner.push_image("v1")
    before = len(await plane.list_log())
    for _ in range(3):
        await owner.get("/v2/hello/manifests/v1")

    (record,) = (await plane.list_log())[before:]

    assert record["operation"] == "Microsoft.ContainerRegistry/registries/pull/read"
    assert (record["properties"]["count"], record["properties"]["reference"]) == (3, digest)
