"""Shares, directories and files as a client of the file service sees them."""

import base64
import errno
import hashlib
import os
from typing import Any

import pytest
from tests.unit.silo.storage.world import World

from silo.storage import errors


def names(answer: Any) -> list[str]:
    return [one.text for one in answer.xml.iter("Name")]


async def test_a_share_is_made_shown_changed_and_deleted(world: World) -> None:
    made = await world.send(
        "PUT", "/new?restype=share", headers={"x-ms-share-quota": "7", "x-ms-meta-a": "b"}
    )
    again = await world.send("PUT", "/new?restype=share")
    shown = await world.send("GET", "/new?restype=share")
    await world.send("PUT", "/new?restype=share&comp=properties", headers={"x-ms-share-quota": "8"})
    changed = await world.send("HEAD", "/new?restype=share")
    listed = await world.send("GET", "/?comp=list&prefix=n")
    gone = await world.send("DELETE", "/new?restype=share")
    missing = await world.send("GET", "/new?restype=share")

    assert (made.status, again.code) == (201, "ShareAlreadyExists")
    assert (shown.headers["x-ms-share-quota"], shown.headers["x-ms-meta-a"]) == ("7", "b")
    assert (changed.headers["x-ms-share-quota"], changed.body) == ("8", b"")
    assert changed.headers["etag"] != shown.headers["etag"] or world.clock.moment
    assert names(listed) == ["new"]
    assert (gone.status, missing.code) == (202, "ShareNotFound")


@pytest.mark.parametrize("name", ["ab", "A-b", "a--b", "-ab", "ab-", "a_b", "a" * 64])
async def test_a_share_has_a_name_of_azures(world: World, name: str) -> None:
    answer = await world.send("PUT", f"/{name}?restype=share")

    assert answer.code in {"InvalidResourceName", "OutOfRangeInput"}


@pytest.mark.parametrize(
    "path",
    ["..", "../x", "a/..", "a/../../x", "a:b", "con", "NUL", "a*", "a%00b", "x" * 256, "%5C"],
)
async def test_no_name_leads_anywhere_else(world: World, path: str) -> None:
    made = {"x-ms-type": "file", "x-ms-content-length": "1"}

    for suffix in ("", "?restype=directory"):
        answer = await world.send("PUT", f"/data/{path}{suffix}", headers=made)
        assert answer.status == 400, answer
    assert not list(world.root.parent.glob("x"))


async def test_a_file_is_written_and_read_in_ranges(world: World) -> None:
    data = os.urandom(10_000)
    await world.put_file("/data/f", data)

    whole = await world.send("GET", "/data/f")
    part = await world.send(
        "GET",
        "/data/f",
        headers={"x-ms-range": "bytes=10-19", "x-ms-range-get-content-md5": "true"},
    )
    beyond = await world.send("GET", "/data/f", headers={"x-ms-range": "bytes=10000-"})
    head = await world.send("HEAD", "/data/f")

    assert (whole.status, whole.body) == (200, data)
    assert (part.status, part.body) == (206, data[10:20])
    assert part.headers["content-range"] == "bytes 10-19/10000"
    digest = hashlib.md5(data[10:20]).digest()
    assert part.headers["content-md5"] == base64.b64encode(digest).decode()
    assert (beyond.status, beyond.code) == (416, "InvalidRange")
    assert (head.headers["content-length"], head.headers["x-ms-type"]) == ("10000", "File")


async def test_a_range_is_refused_where_it_cannot_be_kept(world: World) -> None:
    await world.put_file("/data/f", b"12345")

    async def put(body: bytes, **headers: str) -> str:
        sent = {f"x-ms-{name}": value for name, value in headers.items()}
        return (await world.send("PUT", "/data/f?comp=range", body, headers=sent)).code

    assert await put(b"123", range="bytes=3-5", write="update") == "InvalidRange"
    assert await put(b"12", range="bytes=0-2", write="update") == "InvalidHeaderValue"
    assert await put(b"12", range="bytes=0-", write="update") == "MissingRequiredHeader"
    assert await put(b"12", range="nonsense", write="update") == "InvalidHeaderValue"
    assert await put(b"12", range="bytes=0-1", write="other") == "InvalidHeaderValue"
    assert await put(b"", range="bytes=0-9999999", write="update") == "RequestBodyTooLarge"
    wrong = {"x-ms-range": "bytes=0-1", "x-ms-write": "update", "content-md5": "AAAA"}
    answer = await world.send("PUT", "/data/f?comp=range", b"12", headers=wrong)
    assert answer.code == "Md5Mismatch"
    assert (await world.send("GET", "/data/f")).body == b"12345"


async def test_a_cleared_range_is_zeros_and_is_not_listed(world: World) -> None:
    size = 3 * 65_536
    await world.put_file("/data/f", b"x" * size)
    clear = {"x-ms-range": "bytes=65536-131071", "x-ms-write": "clear"}

    cleared = await world.send("PUT", "/data/f?comp=range", headers=clear)
    ranges = await world.send("GET", "/data/f?comp=rangelist")

    assert cleared.status == 201
    found = [(one.findtext("Start"), one.findtext("End")) for one in ranges.xml.iter("Range")]
    assert found in ([("0", "65535"), ("131072", "196607")], [("0", "196607")])
    assert (await world.send("GET", "/data/f")).body[65_536:131_072] == bytes(65_536)


async def test_a_directory_is_listed_in_pages(world: World) -> None:
    await world.send("PUT", "/data/d?restype=directory")
    for number in range(5):
        await world.put_file(f"/data/d/f{number}", b"")
    found, marker = [], ""
    for _ in range(4):
        path = f"/data/d?restype=directory&comp=list&maxresults=2&prefix=f&marker={marker}"
        answer = await world.send("GET", path)
        found.append([one.findtext("Name") for one in answer.xml.iter("File")])
        marker = answer.xml.findtext("NextMarker") or ""
        if not marker:
            break

    assert found == [["f0", "f1"], ["f2", "f3"], ["f4"]]


async def test_what_a_container_made_is_shown_and_leads_nowhere(world: World) -> None:
    await world.put_file("/data/f", b"x")
    (folder,) = (world.root / "acme").iterdir()
    (world.root.parent / "secret").write_text("outside")
    (folder / "link").symlink_to(world.root.parent / "secret")
    (folder / "dir").symlink_to("/etc")
    (folder / "odd\x01").write_text("x")

    listed = await world.send("GET", "/data?restype=directory&comp=list")
    through = await world.send("GET", "/data/link")
    below = await world.send("GET", "/data/dir/passwd")
    over = {"x-ms-range": "bytes=0-0", "x-ms-write": "update"}
    write = await world.send("PUT", "/data/link?comp=range", b"x", headers=over)
    gone = await world.send("DELETE", "/data/link")

    assert names(listed) == ["dir", "f", "link", "odd%01"]
    assert (through.code, write.code) == ("ResourceTypeMismatch", "ResourceTypeMismatch")
    assert below.code == "ParentNotFound"
    assert gone.status == 202
    assert (world.root.parent / "secret").read_text() == "outside"


async def test_a_quota_ends_growth(world: World) -> None:
    big = {"x-ms-type": "file", "x-ms-content-length": str(1 << 29)}
    assert (await world.send("PUT", "/data/a", headers=big)).status == 201
    full = await world.send("PUT", "/data/b", headers={**big, "x-ms-content-length": str(1 << 30)})
    await world.put_file("/data/c", b"x")
    grown = await world.send(
        "PUT", "/data/c?comp=properties", headers={"x-ms-content-length": str(1 << 30)}
    )
    stats = await world.send("GET", "/data?restype=share&comp=stats")

    assert (full.status, full.code) == (413, "ShareSizeLimitReached")
    assert (grown.status, grown.code) == (413, "ShareSizeLimitReached")
    assert int(stats.xml.findtext("ShareUsageBytes") or "0") >= 1 << 29


async def test_metadata_and_headers_are_kept_with_the_file(world: World) -> None:
    made = {
        "x-ms-type": "file",
        "x-ms-content-length": "0",
        "x-ms-meta-one": "1",
        "x-ms-content-type": "text/plain",
    }
    await world.send("PUT", "/data/f", headers=made)
    first = await world.send("HEAD", "/data/f")
    await world.send("PUT", "/data/f?comp=metadata", headers={"x-ms-meta-two": "2"})
    second = await world.send("GET", "/data/f?comp=metadata")
    bad = await world.send("PUT", "/data/f?comp=metadata", headers={"x-ms-meta-a-b": "2"})

    assert (first.headers["x-ms-meta-one"], first.headers["content-type"]) == ("1", "text/plain")
    assert "x-ms-meta-one" not in second.headers
    assert second.headers["x-ms-meta-two"] == "2"
    assert first.headers["etag"] != second.headers["etag"]
    assert bad.code == "InvalidMetadata"


async def test_a_file_is_copied_only_from_where_the_caller_may_read(world: World) -> None:
    await world.put_file("/data/f", b"content")
    base = "https://acme.file.core.silo.localhost:8443"

    async def copy(source: str, **more: Any) -> Any:
        return await world.send("PUT", "/data/g", headers={"x-ms-copy-source": source}, **more)

    assert (await copy(f"{base}/data/f")).status == 202
    assert (await world.send("GET", "/data/g")).body == b"content"
    assert (await copy("https://example.com/f")).status == 501
    assert (await copy(f"{base}/data/none")).status == 404
    assert (await copy(f"{base}/data/f?{world.make_sas('w')}")).status == 403
    sas = world.make_sas("w")
    put = {"x-ms-copy-source": f"{base}/data/f"}
    assert (await world.send("PUT", f"/data/g?{sas}", headers=put, sign=False)).status == 403


async def test_a_copy_that_fails_half_way_leaves_what_was_there(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.put_file("/data/f", b"content")
    await world.put_file("/data/g", b"kept")
    copy = os.copy_file_range

    def fill_the_disk(source: int, target: int, _count: int, at: int, _to: int) -> int:
        if at:
            raise OSError(errno.ENOSPC, "full")
        return copy(source, target, 3, 0, 0)

    monkeypatch.setattr(os, "copy_file_range", fill_the_disk)
    source = {"x-ms-copy-source": "https://acme.file.core.silo.localhost:8443/data/f"}
    onto = await world.send("PUT", "/data/g", headers=source)
    anew = await world.send("PUT", "/data/h", headers=source)

    assert (onto.status, anew.status) == (413, 413)
    assert (await world.send("GET", "/data/g")).body == b"kept"
    assert (await world.send("GET", "/data/h")).status == 404
    assert [path for path in world.root.glob(".parts/*") if path.is_file()] == []


async def test_what_azure_has_and_this_has_not_is_said(world: World) -> None:
    for path in (
        "/data?restype=share&comp=snapshot",
        "/data?restype=share&comp=lease",
        "/data/f?comp=rename",
        "/data/f?comp=lease",
    ):
        answer = await world.send("PUT", path)
        assert (answer.status, answer.code) == (501, "NotImplemented")
    nothing = await world.send("GET", "/data?restype=share&comp=nonsense")
    verb = await world.send("POST", "/data?restype=share")
    assert (nothing.code, verb.code) == ("InvalidUri", "UnsupportedHttpVerb")


async def test_a_refusal_that_cannot_be_counted_is_still_a_refusal(world: World) -> None:
    world.door._journal.count = refuse_to_count

    answer = await world.send("GET", "/?comp=list", key=base64.b64encode(b"wrong").decode())

    assert answer.status == 403


def refuse_to_count(_note: Any) -> None:
    raise errors.ServerBusy("The audit log cannot be written now.")


async def test_a_machine_that_fails_is_told_in_storages_dialect(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.put_file("/data/f", b"content")

    def fail(*_args: Any, **_options: Any) -> None:
        raise OSError(errno.EIO, "broken")

    monkeypatch.setattr(os, "open", fail)
    answer = await world.send("GET", "/data/f")

    assert (answer.status, answer.code) == (503, "ServerBusy")
