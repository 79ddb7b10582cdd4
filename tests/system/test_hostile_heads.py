"""Heads, paths and hosts that mean harm: refused, or cut off, and others are still served."""

import json
import threading
import time

import pytest
from tests.sockets import ask, head, listen, open_door

pytestmark = pytest.mark.usefixtures("still_well")

QUICKLY_S = 20.0
JSON_HEADER = "Content-Type: application/json"


@pytest.mark.parametrize(
    "path",
    [
        "/v2/../../etc/passwd/manifests/v1",
        "/v2/%2e%2e/%2e%2e/blobs/uploads/",
        "/v2/a/../b/manifests/v1",
        "/v2/a%2f..%2fb/manifests/v1",
        "/v2/hostile/app/manifests/..%2f..%2fsilo.db",
        "/v2/hostile/app/blobs/sha256:../../../../silo.db",
        "/v2/hostile/app/blobs/sha256:" + "." * 64,
        "/v2/hostile/app/blobs/uploads/..%2f..%2fkeys",
        "/v2/hostile/app/blobs/uploads/%2e%2e",
        "/v2/hostile/app/blobs/uploads/..",
        "/v2/hostile/app/manifests/v1%00",
        "/v2/hostile%00/app/manifests/v1",
        "/v2/hostile/app/manifests/%ff%fe",
        "/v2/" + "a/" * 300 + "manifests/v1",
        "/acr/v1/../../etc/passwd",
        "/acr/v1/%2e%2e%2f%2e%2e",
        "//..//..//etc/passwd",
    ],
)
@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
def test_traversal_in_registry_names_leads_nowhere(silo, hosts, tokens, method, path):
    data = head(
        method,
        path,
        hosts["registry"],
        f"Authorization: Bearer {tokens['registry']}",
        "Content-Length: 0",
        "Connection: close",
    )

    ending = ask(silo, hosts["registry"], data)

    assert 400 <= ending.status < 500
    assert "errors" in json.loads(ending.body)
    assert b"root:" not in ending.body


@pytest.mark.parametrize(
    "group", ["..", "%2e%2e", "a%2f..%2fb", "a%00b", "%ff%fe", "a" * 5000, "a\\b", "a%0d%0ab"]
)
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_traversal_in_arm_names_leads_nowhere(silo, hosts, tokens, method, group):
    path = silo.group_url(group).removeprefix(silo.arm)
    body = b'{"location":"westeurope"}'
    fields = (
        f"Authorization: Bearer {tokens['management']}",
        f"Content-Length: {len(body)}",
        JSON_HEADER,
        "Connection: close",
    )

    ending = ask(silo, hosts["management"], head(method, path, hosts["management"], *fields) + body)

    assert 400 <= ending.status < 500
    assert b"\r\nab" not in ending.answer


@pytest.mark.parametrize(
    "fields",
    [
        tuple(f"X-Flood-{number}: {'x' * 100}" for number in range(5000)),
        (f"X-Long: {'x' * 500_000}",),
        ("Content-Length: 5", "Content-Length: 6"),
        ("Content-Length: -1",),
        ("Content-Length: abc",),
        ("Content-Length: 99999999999999999999999",),
        ("Content-Length: 5", "Transfer-Encoding: chunked"),
        ("Transfer-Encoding: nonsense",),
        ("Bad Header: x",),
        ("X-Control: \x01\x02",),
    ],
    ids=lambda fields: " ".join(fields[:2])[:40],
)
def test_bad_heads_are_refused_or_cut_off(silo, hosts, fields):
    data = head("PUT", "/subscriptions", hosts["management"], *fields, "Connection: close")

    ending = ask(silo, hosts["management"], data + b"hello", QUICKLY_S + 10)

    assert ending.status < 500
    assert not 200 <= ending.status < 300
    assert ending.closed


@pytest.mark.parametrize("host", ["", "evil.example", "x" * 3000, "management.", "a b", "\xe4\xff"])
def test_a_host_that_is_not_ours_is_refused(silo, hosts, host):
    data = head("GET", "/metadata/endpoints", host, "Connection: close")

    ending = ask(silo, hosts["management"], data)

    assert 400 <= ending.status < 500


def test_clients_that_never_finish_their_headers_are_cut_off(silo, hosts):
    connections = [open_door(silo, hosts["management"]) for _ in range(100)]
    for connection in connections:
        connection.sendall(b"GET /metadata/endpoints HTTP/1.1\r\nHost: management")
    stop = threading.Event()

    def drip() -> None:
        while not stop.wait(1):
            for connection in connections:
                try:
                    connection.sendall(b"x")
                except OSError:
                    continue

    thread = threading.Thread(target=drip)
    thread.start()
    start = time.perf_counter()
    served = silo.once("GET", f"{silo.arm}/metadata/endpoints?api-version=2022-09-01")
    other_s = time.perf_counter() - start
    endings = [listen(connections[0], 20), *(listen(one, 2) for one in connections[1:])]
    stop.set()
    thread.join()
    for connection in connections:
        connection.close()

    assert served.status == 200
    assert other_s < 1
    assert all(ending.closed for ending in endings)
