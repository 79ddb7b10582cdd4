"""Clients that vanish, lie about lengths or do not read: nothing half-done becomes visible."""

import os
import socket
import struct
import time
from contextlib import closing
from urllib.parse import urlsplit

import pytest
from bench.images import digest_of, push_image
from bench.processes import wait_until
from tests.sockets import ask, head, listen, open_door

pytestmark = pytest.mark.usefixtures("still_well")

REPOSITORY = "hostile/app"
MIB = 2**20
MEMORY_LIMIT_MIB = 120
QUICKLY_S = 20.0


@pytest.mark.parametrize("how", ["closed", "reset"])
@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_an_upload_whose_network_is_lost_leaves_nothing_visible(
    silo, registry, hosts, tokens, how, framing
):
    data = os.urandom(3 * MIB)
    digest = digest_of(data)
    place = _open_upload(silo, registry, tokens)
    length = f"Content-Length: {len(data)}" if framing == "length" else "Transfer-Encoding: chunked"
    authorization = f"Authorization: Bearer {tokens['registry']}"
    path = f"{place}{'&' if '?' in place else '?'}digest={digest}"
    body = data[: 2 * MIB]
    body = body if framing == "length" else b"%x\r\n%b\r\n" % (len(body), body)
    connection = open_door(silo, hosts["registry"])
    connection.sendall(head("PUT", path, hosts["registry"], authorization, length) + body)
    if how == "reset":
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()
    url = f"https://{registry.host}"

    def is_released() -> bool:
        found = silo.once("GET", url + place, token=tokens["registry"])
        return found.status in {204, 404}

    wait_until(is_released, 10, "the release of the upload")
    missing = silo.once("HEAD", f"{url}/v2/{REPOSITORY}/blobs/{digest}", token=tokens["registry"])
    again = _open_upload(silo, registry, tokens)
    joint = "&" if "?" in again else "?"
    pushed = silo.once(
        "PUT", f"{url}{again}{joint}digest={digest}", body=data, token=tokens["registry"]
    )

    assert missing.status == 404
    assert pushed.status == 201


def test_a_body_shorter_than_announced_is_not_stored(silo, registry, hosts, tokens):
    data = os.urandom(1000)
    place = _open_upload(silo, registry, tokens)
    path = f"{place}{'&' if '?' in place else '?'}digest={digest_of(data)}"
    fields = (f"Authorization: Bearer {tokens['registry']}", "Content-Length: 2000")
    with open_door(silo, hosts["registry"]) as connection:
        connection.sendall(head("PUT", path, hosts["registry"], *fields) + data)
        # Only the sending side ends; SSLSocket's own shutdown would forget TLS for reading too.
        socket.socket.shutdown(connection, socket.SHUT_WR)
        ending = listen(connection, 40)
    found = silo.once(
        "HEAD",
        f"https://{registry.host}/v2/{REPOSITORY}/blobs/{digest_of(data)}",
        token=tokens["registry"],
    )

    assert ending.status in {0, 400, 408}
    assert found.status == 404


def test_bytes_after_the_announced_body_are_no_part_of_it(silo, registry, hosts, tokens):
    data = os.urandom(1000)
    place = _open_upload(silo, registry, tokens)
    path = f"{place}{'&' if '?' in place else '?'}digest={digest_of(data)}"
    fields = (f"Authorization: Bearer {tokens['registry']}", "Content-Length: 1000")

    ending = ask(
        silo, hosts["registry"], head("PUT", path, hosts["registry"], *fields) + data + b"x" * 50
    )
    found = silo.once(
        "GET",
        f"https://{registry.host}/v2/{REPOSITORY}/blobs/{digest_of(data)}",
        token=tokens["registry"],
    )

    assert ending.status == 201
    assert found.body == data


def test_a_slow_download_does_not_hold_up_others(silo, registry, hosts, tokens):
    data = os.urandom(32 * MIB)
    push_image(registry, REPOSITORY, "slow", [data], tokens["registry"])
    path = f"/v2/{REPOSITORY}/blobs/{digest_of(data)}"
    request = head("GET", path, hosts["registry"], f"Authorization: Bearer {tokens['registry']}")
    before = silo.sum_pss_bytes()
    connections = [open_door(silo, hosts["registry"]) for _ in range(20)]
    for connection in connections:
        connection.sendall(request)
    for connection in connections:
        assert connection.recv(1)  # its download has begun, and is read no further
    start = time.perf_counter()

    with closing(silo.open_caller()) as caller:
        found = caller.call("GET", f"https://{registry.host}{path}", token=tokens["registry"])
    spent = time.perf_counter() - start
    grown = (silo.sum_pss_bytes() - before) / MIB
    for connection in connections:
        connection.close()

    assert digest_of(found.body) == digest_of(data)
    assert spent < QUICKLY_S
    # Twenty clients that do not read, 32 MiB each: nothing of it may pile up in memory.
    assert grown < MEMORY_LIMIT_MIB


def _open_upload(silo, registry, tokens) -> str:
    opened = silo.once(
        "POST",
        f"https://{registry.host}/v2/{REPOSITORY}/blobs/uploads/",
        body=b"",
        token=tokens["registry"],
    )
    parts = urlsplit(opened.expect(202).headers["location"])
    return parts.path + (f"?{parts.query}" if parts.query else "")
