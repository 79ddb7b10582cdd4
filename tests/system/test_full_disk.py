"""A full disk: writes say so in the API's own shape, reads go on, and space heals it."""

import json
import os
import subprocess
from contextlib import closing, suppress
from pathlib import Path

import pytest
from bench.clients import MANIFEST_TYPE
from bench.images import digest_of, make_manifest, push_image
from tests.sockets import Ending, ask, head

SIZE = "96m"
REPOSITORY = "full/app"
FULL = {500, 503, 507}
"""What Silo may answer when there is no room; 500 is Azure's word in places, but never bare."""


@pytest.fixture(scope="module")
def small_disk(tmp_path_factory: pytest.TempPathFactory):
    """Mount a small file system of its own; skip where that is not allowed."""
    place = tmp_path_factory.mktemp("small")
    if os.geteuid() != 0:
        pytest.skip("mounting a small file system needs root")
    mount = ["mount", "-t", "tmpfs", "-o", f"size={SIZE},mode=0755", "silo-test", str(place)]
    done = subprocess.run(mount, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"no file system can be mounted here: {done.stderr.strip()}")
    yield place
    subprocess.run(["umount", "--lazy", str(place)], check=True)


@pytest.fixture(scope="module")
def silo(small_disk: Path, open_silo):
    """Run a Silo whose state and content are on the small file system, and nothing else is."""
    return open_silo(small_disk / "state")


@pytest.fixture
def caller(silo):
    """Return a client of that Silo."""
    with closing(silo.open_caller()) as caller:
        yield caller


@pytest.fixture
def filler(small_disk: Path):
    """Fill the disk to the last byte on demand, and empty it in the end."""
    path = small_disk / "filler"

    def fill() -> None:
        for size in (65536, 512):  # down to the last page, and the rest of the one begun
            with path.open("ab", buffering=0) as file, suppress(OSError):
                while True:
                    file.write(b"\0" * size)

    yield fill
    path.unlink(missing_ok=True)


def test_a_full_disk_is_told_reads_go_on_and_space_heals(
    silo, registry, caller, small_disk, filler
):
    token, registry_token = silo.sign_in(), registry.sign_in(REPOSITORY, "pull,push")
    layer = os.urandom(40_000)
    digest = push_image(registry, REPOSITORY, "before", [layer], registry_token)
    silo.create_group("before", token)
    base = f"https://{registry.host}/v2/{REPOSITORY}"

    filler()
    refusals = [
        caller.call(
            "PUT", silo.group_url(f"full{number}"), document={"location": "westeurope"}, token=token
        )
        for number in range(40)
    ]
    pushes = [_try_push(silo, registry, registry_token, 3_000_000) for _ in range(5)]
    pushes += [_try_push(silo, registry, registry_token, 30_000) for _ in range(5)]
    manifest = caller.call(
        "PUT",
        f"{base}/manifests/during",
        body=make_manifest([layer, layer]),
        headers={"Content-Type": MANIFEST_TYPE},
        token=registry_token,
    )
    read = caller.call("GET", f"{base}/manifests/before", token=registry_token)
    blob = caller.call("GET", f"{base}/blobs/{digest_of(layer)}", token=registry_token)
    group = caller.call("GET", silo.group_url("before"), token=token)

    refused = [answer for answer in refusals if answer.status in FULL]
    print("groups:", sorted({answer.status for answer in refusals}), refusals[-1].body)
    print("pushes:", sorted({answer.status for answer in pushes}), pushes[-1].body)
    print("manifest:", manifest.status, manifest.body)
    assert refused
    assert all(answer.status in FULL | {200, 201} for answer in refusals)
    assert all(set(answer.json()["error"]) >= {"code", "message"} for answer in refused)
    assert {answer.status for answer in pushes} <= FULL
    assert all(json.loads(answer.body)["errors"][0]["code"] for answer in pushes)
    assert manifest.status in FULL | {201}
    assert "unexpected condition" not in f"{[answer.body for answer in (*refused, *pushes)]}"
    assert (read.status, digest_of(read.body)) == (200, digest)
    assert (blob.status, digest_of(blob.body)) == (200, digest_of(layer))
    assert group.status == 200

    (small_disk / "filler").unlink()
    push_image(registry, REPOSITORY, "after", [os.urandom(3_000_000)], registry_token)
    silo.create_group("after", token)
    silo.create_group("full39", token)
    verified = silo.silo("audit", "verify", "--json").json

    assert verified["firstBroken"] is None
    assert '"unhandled"' not in silo.log.read_text()


def test_a_start_with_a_full_disk_loses_nothing(silo, registry, small_disk, filler):
    token, registry_token = silo.sign_in(), registry.sign_in(REPOSITORY, "pull,push")
    layer = os.urandom(50_000)
    digest = push_image(registry, REPOSITORY, "kept", [layer], registry_token)
    silo.create_group("kept", token)

    filler()
    silo.kill()
    with suppress(Exception):  # it may refuse to start without room; it may not damage anything
        silo.start()
    (small_disk / "filler").unlink()
    if not silo.alive:
        silo.start()
    manifest = silo.once(
        "GET", f"https://{registry.host}/v2/{REPOSITORY}/manifests/kept", token=registry_token
    )
    group = silo.once("GET", silo.group_url("kept"), token=token)

    assert (manifest.status, digest_of(manifest.body)) == (200, digest)
    assert group.status == 200
    assert silo.silo("audit", "verify", "--json").json["firstBroken"] is None


def _try_push(silo, registry, token: str, size: int) -> Ending:
    """Push a blob that does not fit; return the answer that said so."""
    data = os.urandom(size)
    authorization = f"Authorization: Bearer {token}"
    opened = silo.once(
        "POST", f"https://{registry.host}/v2/{REPOSITORY}/blobs/uploads/", body=b"", token=token
    )
    if opened.status != 202:
        return Ending(b"HTTP/1.1 %d -\r\n\r\n%b" % (opened.status, opened.body), False, 0)
    place = opened.headers["location"]
    joint = "&" if "?" in place else "?"
    path = f"{place}{joint}digest={digest_of(data)}".removeprefix(f"https://{registry.host}")
    fields = (authorization, f"Content-Length: {len(data)}", "Connection: close")
    # The answer comes while the body is still being sent: http.client would not see it.
    return ask(silo, registry.host, head("PUT", path, registry.host, *fields) + data)
