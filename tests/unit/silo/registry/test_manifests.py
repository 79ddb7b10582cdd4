"""Manifests: checked whole, kept as they are, never half there."""

import json
from typing import Any

import pytest
from tests.unit.silo.registry.world import (
    LAYER,
    OCI_IMAGE,
    OCI_INDEX,
    Client,
    Plane,
    descriptor,
    digest_of,
    make_image,
)

FOREIGN = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"
DOCKER_IMAGE = "application/vnd.docker.distribution.manifest.v2+json"


def make_index(*manifests: bytes, **more: Any) -> bytes:
    items = [descriptor(body, OCI_IMAGE) for body in manifests]
    document = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": items, **more}
    return json.dumps(document).encode()


async def test_a_manifest_needs_what_it_refers_to(owner: Client) -> None:
    answer = await owner.put_manifest("v1", make_image("missing"))
    assert (answer.status, answer.code) == (400, "MANIFEST_BLOB_UNKNOWN")

    index = await owner.put_manifest("v1", make_index(make_image("missing")), kind=OCI_INDEX)
    assert (index.status, index.code) == (400, "MANIFEST_BLOB_UNKNOWN")
    assert (await owner.get("/v2/hello/manifests/v1")).status == 404


async def test_a_blob_of_another_repository_does_not_count(owner: Client) -> None:
    await owner.push_image("v1", "other")

    assert (await owner.put_manifest("v1", make_image("v1"))).code == "MANIFEST_BLOB_UNKNOWN"


async def test_an_index_is_kept_over_its_images(owner: Client) -> None:
    await owner.push_image("amd64")
    body = make_index(make_image("amd64"))

    put = await owner.put_manifest("multi", body, kind=OCI_INDEX)
    got = await owner.get("/v2/hello/manifests/multi")

    assert put.status == 201
    assert put.headers["location"] == f"/v2/hello/manifests/{digest_of(body)}"
    assert (got.body, got.headers["content-type"]) == (body, OCI_INDEX)


async def test_docker_manifests_keep_their_media_type(owner: Client) -> None:
    await owner.push_image("v1")
    body = make_image("v1", mediaType=DOCKER_IMAGE)

    assert (await owner.put_manifest("docker", body, kind=DOCKER_IMAGE)).status == 201
    got = await owner.get("/v2/hello/manifests/docker")
    assert (got.body, got.headers["content-type"]) == (body, DOCKER_IMAGE)


async def test_layers_that_live_elsewhere_need_not_be_pushed(owner: Client) -> None:
    await owner.push_image("v1")
    body = make_image("v1", layers=[descriptor(b"elsewhere", FOREIGN)])

    assert (await owner.put_manifest("v2", body)).status == 201


@pytest.mark.parametrize(
    "change",
    [
        {"schemaVersion": 1},
        {"schemaVersion": "2"},
        {"mediaType": DOCKER_IMAGE},
        {"mediaType": 7},
        {"layers": None},
        {"layers": [{"mediaType": LAYER, "digest": "sha256:1", "size": 1}]},
        {"layers": [{**descriptor(b"v1", LAYER), "size": -1}]},
        {"layers": [{**descriptor(b"v1", LAYER), "size": 99}]},
        {"layers": [{**descriptor(b"x", FOREIGN), "size": 10**30}]},
        {"config": "none"},
        {"subject": {"digest": "sha256:x"}},
        {"annotations": {"a": 1}},
    ],
)
async def test_what_contradicts_itself_is_refused(owner: Client, change: dict[str, Any]) -> None:
    await owner.push_image("v1")

    answer = await owner.put_manifest("v2", make_image("v1", **change))

    assert (answer.status, answer.code) == (400, "MANIFEST_INVALID")


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"\xff", b"[" * 100_000, b'{"a":' * 100 + b"1" + b"}" * 100]
)
async def test_what_is_no_document_is_refused(owner: Client, body: bytes) -> None:
    answer = await owner.put_manifest("v1", body)

    assert (answer.status, answer.code) == (400, "MANIFEST_INVALID")


async def test_a_manifest_of_more_than_four_mebibytes_is_refused(owner: Client) -> None:
    answer = await owner.put_manifest("v1", b" " * (4 << 20) + b"{}")

    assert answer.status == 413


async def test_an_unknown_kind_of_manifest_is_refused(owner: Client) -> None:
    answer = await owner.put_manifest("v1", b"{}", kind="application/vnd.x+json")

    assert (answer.status, answer.code) == (400, "MANIFEST_INVALID")


async def test_a_manifest_is_put_only_under_its_own_digest(owner: Client) -> None:
    await owner.push_image("v1")
    body = make_image("v1", annotations={"a": "b"})

    wrong = await owner.put_manifest(digest_of(b"other"), body)
    right = await owner.put_manifest(f"{digest_of(body)}?tag=a&tag=b", body)

    assert (wrong.status, wrong.code) == (400, "DIGEST_INVALID")
    assert right.status == 201
    assert (await owner.get("/v2/hello/manifests/b")).body == body


async def test_referrers_are_listed_with_their_kind_and_notes(owner: Client) -> None:
    subject = await owner.push_image("v1")
    target = descriptor(make_image("v1"), OCI_IMAGE)
    await owner.push_blob(b"sbom")
    sbom = make_image(
        "sbom", subject=target, artifactType="application/sbom", annotations={"by": "me"}
    )
    signature = make_image("sbom", subject=target)
    put = await owner.put_manifest(digest_of(sbom), sbom)
    await owner.put_manifest(digest_of(signature), signature)

    every = await owner.get(f"/v2/hello/referrers/{subject}")
    one = await owner.get(f"/v2/hello/referrers/{subject}?artifactType=application/sbom")
    none = await owner.get(f"/v2/hello/referrers/{digest_of(b'none')}")

    assert put.headers["oci-subject"] == subject
    assert every.headers["content-type"] == OCI_INDEX
    assert [item["digest"] for item in every.json["manifests"]] == [
        digest_of(sbom),
        digest_of(signature),
    ]
    assert one.headers["oci-filters-applied"] == "artifactType"
    assert one.json["manifests"] == [
        {
            "mediaType": OCI_IMAGE,
            "digest": digest_of(sbom),
            "size": len(sbom),
            "artifactType": "application/sbom",
            "annotations": {"by": "me"},
        }
    ]
    assert every.json["manifests"][1]["artifactType"].endswith("image.config.v1+json")
    assert none.json["manifests"] == []


async def test_a_subject_may_come_later(owner: Client) -> None:
    await owner.push_image("v1")
    later = {"mediaType": OCI_IMAGE, "digest": digest_of(b"later"), "size": 5}

    answer = await owner.put_manifest("v2", make_image("v1", subject=later))

    assert (answer.status, answer.headers["oci-subject"]) == (201, digest_of(b"later"))


async def test_deleting_an_image_takes_its_tags_and_referrers(owner: Client) -> None:
    subject = await owner.push_image("v1")
    await owner.put_manifest("also", make_image("v1"))
    note = make_image("v1", subject=descriptor(make_image("v1"), OCI_IMAGE))
    await owner.put_manifest(digest_of(note), note)

    assert (await owner.send("DELETE", f"/v2/hello/manifests/{subject}")).status == 202

    assert (await owner.get("/v2/hello/tags/list")).json == {"name": "hello", "tags": []}
    assert (await owner.get(f"/v2/hello/manifests/{digest_of(note)}")).status == 404
    assert (await owner.send("DELETE", f"/v2/hello/manifests/{subject}")).status == 404


async def test_a_manifest_is_deleted_by_digest_alone(owner: Client) -> None:
    await owner.push_image("v1")

    answer = await owner.send("DELETE", "/v2/hello/manifests/v1")

    assert (answer.status, answer.code) == (405, "UNSUPPORTED")


async def test_a_blob_in_use_is_not_deleted(owner: Client) -> None:
    digest = await owner.push_image("v1")
    layer = f"/v2/hello/blobs/{digest_of(b'v1')}"

    assert (await owner.send("DELETE", layer)).status == 405
    await owner.send("DELETE", f"/v2/hello/manifests/{digest}")
    assert (await owner.send("DELETE", layer)).status == 202
    assert (await owner.get(layer)).status == 404
    assert (await owner.send("DELETE", layer)).status == 404


async def test_a_manifest_and_its_record_are_one(plane: Plane, owner: Client) -> None:
    digest = await owner.push_image("v1")

    record = (await plane.list_log())[-1]

    assert record["properties"]["digest"] == digest
    assert record["properties"]["tags"] == ["v1"]
    assert record["http_status"] == 201
