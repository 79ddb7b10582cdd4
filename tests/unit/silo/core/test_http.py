import pytest

from silo import core


def receiving(*messages):
    waiting = iter(messages)

    async def receive():
        return next(waiting)

    return receive


def part(body, more=True):
    return {"type": "http.request", "body": body, "more_body": more}


async def test_a_body_arrives_in_parts():
    assert await core.read_body(receiving(part(b"ab"), part(b"c", more=False)), limit=3) == b"abc"


async def test_a_body_over_the_limit_is_cut_off_at_once():
    with pytest.raises(core.BodyTooLarge):
        await core.read_body(receiving(part(b"ab"), part(b"cd")), limit=3)


async def test_a_client_that_hangs_up_is_noticed():
    with pytest.raises(core.BodyMalformed):
        await core.read_body(receiving(part(b"a"), {"type": "http.disconnect"}), limit=3)


async def test_a_client_that_falls_silent_is_noticed():
    async def silent():
        import asyncio

        await asyncio.sleep(10)

    with pytest.raises(core.BodyTooSlow):
        async for _ in core.iterate_body(silent, limit=3, idle_s=0.01):
            pass


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b'{"a": NaN}',
        b'{"a": 1e999}',
        b'{"a": "\\ud800"}',
        b"[" * 100_000,
        b'{"a":' * 100 + b"1" + b"}" * 100,
    ],
)
def test_what_is_not_json_is_refused(data):
    with pytest.raises(core.BodyMalformed):
        core.parse_json(data)


def test_a_whole_surrogate_pair_is_one_character():
    assert core.parse_json(b'"\\ud83d\\ude00"') == "\N{GRINNING FACE}"


def test_an_object_is_asked_for_by_name():
    assert core.parse_json_object(b'{"a": [1, {"b": null}]}') == {"a": [1, {"b": None}]}
    with pytest.raises(core.BodyMalformed):
        core.parse_json_object(b"[]")
