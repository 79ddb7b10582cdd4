"""Bytes to a request and a reply to bytes."""

import json

import pytest

from silo import arm, core, front
from silo.arm import wire
from silo.arm.errors import RequestContentTooLarge, ServerFull, UnsupportedMediaType

URLS = front.Names("silo.test", 443).urls


def read(body=b"", *, query=b"", method="PUT", more=(), **headers):
    parts = [body, *more]

    async def receive():
        return {"type": "http.request", "body": parts.pop(0), "more_body": bool(parts)}

    scope = {
        "method": method,
        "path": "/x",
        "query_string": query,
        "headers": [
            (k.replace("_", "-").encode(), v.encode("latin-1")) for k, v in headers.items()
        ],
        "silo": front.RequestContext("request-1", "127.0.0.1", URLS),
    }
    return wire.read_request(scope, receive)


async def write(request, reply):
    messages = []

    async def send(message):
        messages.append(message)

    await wire.send_reply(send, request, reply)
    return dict(messages[0]["headers"]), messages[1]["body"]


def test_names_in_a_query_have_no_case_and_values_keep_theirs():
    request = read(query=b"Api-Version=2026-01-01&$FILTER=name%20eq%20'A'&empty=")

    assert request.api_version == "2026-01-01"
    assert request.query["$filter"] == "name eq 'A'"
    assert request.query["empty"] == ""


def test_a_query_of_a_million_fields_is_cut_short():
    assert len(read(query=b"&".join(b"a%d=1" % i for i in range(10_000))).query) <= 100


def test_the_callers_correlation_is_kept_when_it_is_sane():
    kept = read(x_ms_correlation_request_id="1f2e-aa", x_ms_client_request_id="c1")
    odd = read(x_ms_correlation_request_id='a"b\x00', x_ms_client_request_id="c 1")

    assert (kept.correlation_id, kept.client_request_id) == ("1f2e-aa", "c1")
    assert (odd.correlation_id, odd.client_request_id) == ("request-1", "")


@pytest.mark.parametrize(
    "content_type", ["", "application/json", "Application/JSON; charset=utf-8", "text/json"]
)
async def test_json_is_read_under_the_names_it_is_sent_with(content_type):
    headers = {"content_type": content_type} if content_type else {}

    assert await wire.read_json(read(b'{"a":', more=[b" 1}"], **headers)) == {"a": 1}


async def test_no_body_is_none_whatever_it_is_called():
    assert await wire.read_json(read(content_type="text/plain")) is None


async def test_another_media_type_is_refused():
    with pytest.raises(UnsupportedMediaType):
        await wire.read_json(read(b"<a/>", content_type="application/xml"))


@pytest.mark.parametrize("body", [b"{", b"\xff", b'{"a": NaN}', b"[" * 5_000])
async def test_what_is_not_json_is_refused(body):
    with pytest.raises(arm.InvalidRequestContent):
        await wire.read_json(read(body))


async def test_a_body_over_the_limit_is_refused_before_it_is_read():
    claimed = read(b"{}", content_length=str(wire.BODY_LIMIT + 1))
    sent = read(b" " * wire.BODY_LIMIT, more=[b" "])

    for request in (claimed, sent):
        with pytest.raises(RequestContentTooLarge):
            await wire.read_json(request)


async def test_a_raw_body_is_given_unread():
    assert await wire.read_json(read(b"{template: 1}"), raw=True) == b"{template: 1}"


async def test_a_reply_carries_the_ids_of_its_request():
    headers, body = await write(read(x_ms_client_request_id="c1"), arm.Reply(200, {"a": 1}))

    assert headers[b"x-ms-correlation-request-id"] == b"request-1"
    assert headers[b"x-ms-client-request-id"] == b"c1"
    assert headers[b"content-type"] == b"application/json; charset=utf-8"
    assert headers[b"content-length"] == b"7"
    assert json.loads(body) == {"a": 1}


async def test_head_has_the_headers_of_get_and_no_body():
    headers, body = await write(read(method="HEAD"), arm.Reply(200, {"a": 1}))

    assert (headers[b"content-length"], body) == (b"7", b"")


async def test_no_content_has_no_length():
    headers, body = await write(read(), arm.Reply(204))

    assert b"content-length" not in headers
    assert body == b""


async def test_a_header_cannot_be_split():
    headers, _ = await write(read(), arm.Reply(200, None, {"X-Reason": "a\r\nset-cookie: b\u20ac"}))

    assert headers[b"x-reason"] == b"a set-cookie: b\\u20ac"


def test_an_error_is_rendered_with_its_target_and_details():
    error = arm.ArmError("No.", target="here", details=[{"code": "A", "message": "B"}])

    assert wire.render_error(error).body == {
        "error": {
            "code": "BadRequest",
            "message": "No.",
            "target": "here",
            "details": [{"code": "A", "message": "B"}],
        }
    }


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (core.StoreFull("full"), ServerFull.status),
        (core.StoreUnavailable("busy"), 503),
        (core.FilterMalformed("odd"), 400),
    ],
)
def test_errors_of_the_ground_floor_have_arms_words(error, status):
    reply = wire.render_error(error)

    assert reply.status == status
    assert reply.body["error"]["message"] == str(error)
