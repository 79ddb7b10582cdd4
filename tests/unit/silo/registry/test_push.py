"""Uploads: hashed on the way, whole or not at all, resumable by any worker."""

import errno
import hashlib

import pytest
from tests.unit.silo.registry.world import Client, Plane, digest_of

from silo import registry


async def start(client: Client, repository: str = "hello") -> str:
    answer = await client.send("POST", f"/v2/{repository}/blobs/uploads/")
    assert answer.status == 202
    assert answer.headers["range"] == "0-0"
    return answer.headers["location"]


async def test_a_monolithic_post_makes_a_blob(plane: Plane, owner: Client) -> None:
    digest = digest_of(b"data")

    answer = await owner.send("POST", f"/v2/hello/blobs/uploads/?digest={digest}", b"data")

    assert answer.status == 201
    assert answer.headers["location"] == f"/v2/hello/blobs/{digest}"
    assert answer.headers["docker-content-digest"] == digest
    assert (await owner.get(f"/v2/hello/blobs/{digest}")).body == b"data"
    assert list((plane.root / "uploads").iterdir()) == []


async def test_chunks_make_a_blob(owner: Client) -> None:
    place = await start(owner)
    first = await owner.send("PATCH", place, b"hello ", headers={"content-range": "0-5"})
    second = await owner.send("PATCH", place, [b"wor", b"ld"], headers={"content-range": "6-10"})
    status = await owner.get(place)
    done = await owner.send("PUT", f"{place}?digest={digest_of(b'hello world!')}", b"!")

    assert (first.status, first.headers["range"]) == (202, "0-5")
    assert (second.status, second.headers["range"]) == (202, "0-10")
    assert (status.status, status.headers["range"]) == (204, "0-10")
    assert done.status == 201


async def test_a_chunk_out_of_order_is_refused_with_what_has_come(owner: Client) -> None:
    place = await start(owner)
    await owner.send("PATCH", place, b"hello", headers={"content-range": "0-4"})

    early = await owner.send("PATCH", place, b"x", headers={"content-range": "0-0"})
    late = await owner.send(
        "PUT", f"{place}?digest={digest_of(b'x')}", b"x", headers={"content-range": "9-9"}
    )

    assert (early.status, early.headers["range"]) == (416, "0-4")
    assert late.status == 416
    assert (await owner.get(place)).headers["range"] == "0-4"


@pytest.mark.parametrize("body", [b"toolong", b"s"])
async def test_a_chunk_of_another_length_than_it_says_leaves_nothing(
    owner: Client, body: bytes
) -> None:
    place = await start(owner)
    await owner.send("PATCH", place, b"ab", headers={"content-range": "0-1"})

    answer = await owner.send("PATCH", place, body, headers={"content-range": "2-4"})

    assert (answer.status, answer.code) == (400, "SIZE_INVALID")
    assert (await owner.get(place)).headers["range"] == "0-1"


async def test_another_worker_goes_on_with_an_upload(plane: Plane, owner: Client) -> None:
    place = await start(owner)
    await owner.send("PATCH", place, b"one ")
    plane.door._push._content._hashers.clear()  # as in a process that has seen nothing of it

    await owner.send("PATCH", place, b"two")
    done = await owner.send("PUT", f"{place}?digest={digest_of(b'one two')}")

    assert done.status == 201


async def test_a_wrong_digest_leaves_neither_blob_nor_upload(plane: Plane, owner: Client) -> None:
    place = await start(owner)
    wrong = digest_of(b"other")

    answer = await owner.send("PUT", f"{place}?digest={wrong}", b"data")

    assert (answer.status, answer.code) == (400, "DIGEST_INVALID")
    assert (await owner.get(f"/v2/hello/blobs/{wrong}")).status == 404
    assert (await owner.get(place)).status == 404
    assert list((plane.root / "uploads").iterdir()) == []


async def test_what_has_come_before_a_client_hangs_up_stays(owner: Client) -> None:
    place = await start(owner)

    await owner.send("PATCH", place, b"half", hang_up=True)

    assert (await owner.get(place)).headers["range"] == "0-3"


async def test_an_upload_is_known_only_in_its_own_repository_and_registry(
    plane: Plane, owner: Client
) -> None:
    place = await start(owner)
    await plane.put("other")

    elsewhere = await owner.send("PATCH", place.replace("hello", "world"), b"x")
    abroad = await owner.send("PATCH", place, b"x", registry_name="other")

    assert (elsewhere.status, elsewhere.code) == (404, "BLOB_UPLOAD_UNKNOWN")
    assert (abroad.status, abroad.code) == (404, "BLOB_UPLOAD_UNKNOWN")


async def test_a_second_writer_of_one_upload_is_refused(plane: Plane, owner: Client) -> None:
    place = await start(owner)
    (path,) = (plane.root / "uploads").iterdir()
    taken = plane.door._push._content.open_upload(path.name)

    answer = await owner.send("PATCH", place, b"x")
    taken.close()

    assert (answer.status, answer.code) == (409, "BLOB_UPLOAD_INVALID")


async def test_a_cancelled_upload_is_gone(owner: Client) -> None:
    place = await start(owner)

    assert (await owner.send("DELETE", place)).status == 204
    assert (await owner.get(place)).status == 404


async def test_sha512_blobs_are_taken(owner: Client) -> None:
    digest = "sha512:" + hashlib.sha512(b"data").hexdigest()

    answer = await owner.send("POST", f"/v2/hello/blobs/uploads/?digest={digest}", b"data")

    assert answer.status == 201
    assert (await owner.get(f"/v2/hello/blobs/{digest}")).body == b"data"


async def test_a_full_disk_is_told_and_leaves_no_temporary_file(
    plane: Plane, owner: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write(_descriptor: int, _data: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("silo.registry.content.os.write", write)
        answer = await owner.send(
            "POST", f"/v2/hello/blobs/uploads/?digest={digest_of(b'data')}", b"data"
        )

    assert (answer.status, answer.code) == (507, "UNAVAILABLE")
    assert list((plane.root / "uploads").iterdir()) == []
    assert await owner.push_blob(b"data")


async def test_a_mount_needs_the_right_to_pull_from_the_source(plane: Plane, owner: Client) -> None:
    digest = await owner.push_blob(b"layer", "source")
    scope = "repository:target:pull,push"
    narrow = plane.as_bearer(await plane.get_access_token("owner", scope))
    wide = plane.as_bearer(await plane.get_access_token("owner", f"{scope} repository:source:pull"))
    path = f"/v2/target/blobs/uploads/?mount={digest}&from=source"

    assert (await narrow.send("POST", path)).status == 202
    assert (await wide.get(f"/v2/target/blobs/{digest}")).status == 404
    assert (await wide.send("POST", path)).status == 201
    assert (await wide.get(f"/v2/target/blobs/{digest}")).body == b"layer"


async def test_a_mount_of_what_is_not_there_becomes_an_upload(owner: Client) -> None:
    path = f"/v2/target/blobs/uploads/?mount={digest_of(b'no')}&from=nowhere"

    assert (await owner.send("POST", path)).status == 202


async def test_a_blob_is_on_record_with_who_pushed_it(plane: Plane, owner: Client) -> None:
    digest = await owner.push_blob(b"data")

    (record,) = await plane.list_log()

    assert record["operation"] == "Microsoft.ContainerRegistry/registries/push/write"
    assert record["caller"] == "owner"
    assert record["client_ip"] == "192.0.2.7"
    assert record["properties"] == {
        "operationName": "Push",
        "repository": "hello",
        "digest": digest,
        "size": 4,
    }


async def test_a_locked_repository_takes_no_upload(owner: Client) -> None:
    await owner.push_image("v1")
    await owner.send("PATCH", "/acr/v1/hello", b'{"writeEnabled":false}')

    assert (await owner.send("POST", "/v2/hello/blobs/uploads/")).status == 405


async def test_usage_counts_each_blob_once(plane: Plane, owner: Client) -> None:
    await owner.push_blob(b"12345", "one")
    await owner.push_blob(b"12345", "two")
    await owner.push_blob(b"678", "two")

    assert plane.store.read_now(lambda conn: registry.get_usage(conn, "acme")) == 8
