"""Bodies that are too large, too deep or no JSON: each door refuses them in its own words."""

import json
import time

import pytest
from tests.sockets import ask, head, listen, open_door

pytestmark = pytest.mark.usefixtures("still_well")

REPOSITORY = "hostile/app"
MIB = 2**20
BIG_BYTES = 100 * MIB
OVER_EVERY_LIMIT = 5 * MIB
MEMORY_LIMIT_MIB = 60
"""How much all processes together may grow while 100 MiB bodies are refused."""
QUICKLY_S = 20.0
JSON_HEADER = "Content-Type: application/json"


def json_routes(silo) -> dict[str, tuple[str, str, str]]:
    group = silo.group_url("hostile").removeprefix(silo.arm)
    return {
        "group": ("management", "PUT", group),
        "user": ("graph", "POST", "/v1.0/users"),
        "token": ("login", "POST", f"/{silo.tenant}/oauth2/v2.0/token"),
        "manifest": ("registry", "PUT", f"/v2/{REPOSITORY}/manifests/v1"),
        "exchange": ("registry", "POST", "/oauth2/exchange"),
    }


def fields_for(silo, tokens, name: str, *more: str) -> tuple[str, str, str, tuple[str, ...]]:
    door, method, path = json_routes(silo)[name]
    kinds = {
        "manifest": "Content-Type: application/vnd.oci.image.manifest.v1+json",
        "token": "Content-Type: application/x-www-form-urlencoded",
        "exchange": "Content-Type: application/x-www-form-urlencoded",
    }
    kind = kinds.get(name, JSON_HEADER)
    return door, method, path, (f"Authorization: Bearer {tokens[door]}", kind, *more)


@pytest.mark.parametrize("name", ["group", "user", "token", "manifest", "exchange"])
@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_a_body_of_100_mib_is_refused_quickly_and_without_memory(
    silo, hosts, tokens, name, framing
):
    length = f"Content-Length: {BIG_BYTES}" if framing == "length" else "Transfer-Encoding: chunked"
    door, method, path, fields = fields_for(silo, tokens, name, length)
    before = silo.sum_pss_bytes()
    part = b'{"a":"' + b"x" * (MIB - 6)
    frame = part if framing == "length" else b"%x\r\n%b\r\n" % (len(part), part)
    highest = 0

    with open_door(silo, hosts[door]) as connection:
        connection.sendall(head(method, path, hosts[door], *fields))
        start = time.perf_counter()
        for number in range(100):
            try:
                connection.sendall(frame)
            except OSError:
                break
            if number % 10 == 0:
                highest = max(highest, silo.sum_pss_bytes())
        ending = listen(connection, QUICKLY_S)
    spent = time.perf_counter() - start

    # An answer sent while the client was still talking may be lost to a reset (RFC 9112 9.6).
    assert ending.status in {413, 0}
    assert ending.status == 413 or ending.closed
    assert spent < 2 * QUICKLY_S
    assert (highest - before) / MIB < MEMORY_LIMIT_MIB


@pytest.mark.parametrize("name", ["group", "user", "token", "manifest", "exchange"])
def test_a_body_too_large_is_answered_413_before_it_has_all_come(silo, hosts, tokens, name):
    door, method, path, fields = fields_for(
        silo, tokens, name, f"Content-Length: {BIG_BYTES}", "Connection: close"
    )
    body = b"[" + b" " * OVER_EVERY_LIMIT

    ending = ask(silo, hosts[door], head(method, path, hosts[door], *fields) + body, QUICKLY_S)

    assert ending.status == 413
    assert isinstance(json.loads(ending.body), dict)


@pytest.mark.parametrize("name", ["group", "user", "manifest"])
@pytest.mark.parametrize(
    "body",
    [
        b'{"a":' * 20_000 + b"1" + b"}" * 20_000,
        b"[" * 200_000,
        b"\xff\xfe\x00bad",
        b'{"location": "\xc3\x28"}',
        b'{"location": "\\ud800"}',
        b"{",
        b"",
        b"null",
        b"NaN",
        b"[]",
        b'"text"',
        b"1" * 5000,
        b'{"location": 1e999}',
        b'{"location": {"a": []}}',
    ],
    ids=lambda body: repr(body[:20]),
)
def test_a_malformed_body_is_answered_4xx_in_the_doors_own_shape(silo, hosts, tokens, name, body):
    door, method, path, fields = fields_for(
        silo, tokens, name, f"Content-Length: {len(body)}", "Connection: close"
    )

    ending = ask(silo, hosts[door], head(method, path, hosts[door], *fields) + body)

    assert 400 <= ending.status < 500
    document = json.loads(ending.body)
    assert ("errors" if door == "registry" else "error") in document


@pytest.mark.slow
def test_clients_that_stop_in_the_middle_of_a_body_are_cut_off(silo, hosts, tokens):
    stalled = []
    for name in ("group", "user", "token", "manifest"):
        door, method, path, fields = fields_for(silo, tokens, name, "Content-Length: 1000")
        connection = open_door(silo, hosts[door])
        connection.sendall(head(method, path, hosts[door], *fields) + b"{")
        stalled.append((name, connection))
    start = time.perf_counter()

    served = silo.once("GET", f"{silo.arm}/metadata/endpoints?api-version=2022-09-01")
    other_s = time.perf_counter() - start
    endings = {name: listen(connection, 75) for name, connection in stalled}
    for _, connection in stalled:
        connection.close()

    assert served.status == 200
    assert other_s < 1
    assert all(ending.status in {400, 408} for ending in endings.values()), endings
    assert time.perf_counter() - start < 75
