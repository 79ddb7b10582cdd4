"""``silo down`` in the middle of work: what has begun is finished, then everything is gone."""

import os
import threading
import time
from contextlib import ExitStack
from pathlib import Path

import pytest
from bench.images import digest_of, push_image
from bench.processes import list_tree
from tests.sockets import head, open_door

REPOSITORY = "graceful/app"
MIB = 2**20


@pytest.fixture
def open_connection():
    """Open connections that the test's end closes."""
    with ExitStack() as stack:
        yield lambda silo, host: stack.enter_context(open_door(silo, host))


def test_uploads_and_downloads_in_flight_finish_before_the_end(
    open_silo, registry_of, open_connection
):
    silo = open_silo()
    registry = registry_of(silo)
    token = registry.sign_in(REPOSITORY, "pull,push")
    stored, sent = os.urandom(64 * MIB), os.urandom(8 * MIB)
    push_image(registry, REPOSITORY, "before", [stored], token)
    base = f"https://{registry.host}"
    opened = silo.once("POST", f"{base}/v2/{REPOSITORY}/blobs/uploads/", body=b"", token=token)
    place = opened.expect(202).headers["location"].removeprefix(base)
    joint = "&" if "?" in place else "?"
    authorization = f"Authorization: Bearer {token}"
    upload = open_connection(silo, registry.host)
    upload.sendall(
        head(
            "PUT",
            f"{place}{joint}digest={digest_of(sent)}",
            registry.host,
            authorization,
            f"Content-Length: {len(sent)}",
        )
        + sent[:MIB]
    )
    download = open_connection(silo, registry.host)
    path = f"/v2/{REPOSITORY}/blobs/{digest_of(stored)}"
    download.sendall(head("GET", path, registry.host, authorization))
    first = download.recv(4096)
    pids = set(silo.list_processes())

    stopping = threading.Thread(target=lambda: silo.silo("down"))
    stopping.start()
    for number in range(1, 8):
        time.sleep(0.3)
        upload.sendall(sent[number * MIB : (number + 1) * MIB])
    uploaded = upload.recv(65536)
    received = bytearray(first)
    while len(received) < len(stored) and (part := download.recv(2**20)):
        received += part
    received += download.recv(4096)  # the head took some of the room
    body = bytes(received.partition(b"\r\n\r\n")[2])
    stopping.join(60)
    code = silo.process.wait(60)

    assert uploaded.startswith(b"HTTP/1.1 201")
    assert len(body) == len(stored)
    assert digest_of(body) == digest_of(stored)
    assert code == 0
    assert not pids & set(list_tree(silo.process.pid))
    assert not any(Path(f"/proc/{pid}").exists() for pid in pids)

    silo.start()
    found = silo.once("GET", f"{base}/v2/{REPOSITORY}/blobs/{digest_of(sent)}", token=token)

    assert digest_of(found.body) == digest_of(sent)


def test_an_idle_instance_stops_at_once(open_silo):
    silo = open_silo()
    start = time.perf_counter()

    code = silo.stop()

    assert code == 0
    assert time.perf_counter() - start < 5
