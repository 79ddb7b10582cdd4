import asyncio
import re

import pytest

from silo import arm, audit, core

from .world import GROUP, SUBSCRIPTION, THING, VERSION, World

WISH = {"location": "westeurope", "tags": {"a": "b"}, "properties": {"sizeInGb": 2, "later": True}}


@pytest.fixture
async def world(tmp_path):
    made = World(tmp_path)
    status, _, _ = await made.ask("PUT", GROUP, {"location": "westeurope"})
    assert status == 201
    yield made
    made.store.close()


def read_log(world):
    now = world.clock.now()
    return [
        body
        for _, body in world.store.read_now(
            lambda conn: audit.list_records(
                conn, category="Administrative", since=now.replace(year=2000), until=now
            )
        )
    ]


async def test_a_wish_is_stored_kept_whole_and_read_back_in_any_case(world):
    status, _, body = await world.ask("PUT", THING, WISH)
    assert status == 201
    assert body["properties"] == {"sizeInGb": 2, "later": True, "provisioningState": "Succeeded"}

    status, headers, body = await world.ask("GET", THING.upper())
    assert (status, body["id"], body["name"]) == (200, THING, "one")
    assert headers["etag"]
    assert headers["x-ms-correlation-request-id"] == "request-1"

    status, _, _ = await world.ask("PUT", THING, WISH)
    assert status == 200


async def test_every_operation_refuses_a_call_without_a_token(world):
    for operation in world.gateway.operations:
        path = re.sub(r"\{scope\}", GROUP, operation.path)
        path = path.replace("{subscription}", SUBSCRIPTION)
        path = re.sub(r"\{\w+\}", "x", path)
        for who, code in ((None, "AuthenticationFailed"), ("bad", "InvalidAuthenticationToken")):
            status, headers, body = await world.ask(operation.method, path, {}, who=who)
            assert status == 401, operation
            assert "www-authenticate" in headers
            assert body is None or body["error"]["code"] == code


async def test_a_stale_token_is_challenged_so_that_clients_fetch_a_new_one(world):
    _, headers, body = await world.ask("GET", THING, who="stale")

    assert body["error"]["code"] == "ExpiredAuthenticationToken"
    assert 'error="insufficient_claims"' in headers["www-authenticate"]


async def test_who_may_not_read_does_not_learn_what_exists(world):
    await world.ask("PUT", THING, WISH)

    answers = [await world.ask("GET", path, who="nobody") for path in (THING, f"{THING}-missing")]

    assert [answer[0] for answer in answers] == [403, 403]
    assert answers[0][2]["error"]["code"] == "AuthorizationFailed"


async def test_a_reader_may_not_write_and_the_log_says_so(world):
    status, _, _ = await world.ask("PUT", THING, WISH, who="reader")

    assert status == 403
    newest = read_log(world)[0]
    assert (newest["result"], newest["caller"]) == ("Denied", "reader")
    assert newest["operation"] == "Silo.Test/things/write"


async def test_every_write_is_logged_with_its_correlation(world):
    await world.ask("PUT", THING, WISH)
    await world.ask("DELETE", THING)

    operations = [record["operation"] for record in read_log(world)]
    assert operations[:2] == ["Silo.Test/things/delete", "Silo.Test/things/write"]
    assert world.store.read_now(audit.verify).broken is None


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", f"{THING}?x=1", 400, "MissingApiVersionParameter"),
        ("GET", THING, 404, "ResourceNotFound"),
        ("GET", THING.replace("g1", "g2"), 404, "ResourceGroupNotFound"),
        ("GET", THING.replace("1111-1", "2222-1"), 404, "SubscriptionNotFound"),
        ("GET", f"{GROUP}/providers/No.Such/things/one", 404, "InvalidResourceNamespace"),
        ("GET", f"{GROUP}/providers/Silo.Test/others/one", 404, "InvalidResourceType"),
        ("PATCH", f"{GROUP}/providers/Silo.Test/things", 405, "MethodNotAllowed"),
        ("PUT", f"{GROUP}/providers/Silo.Test/things/a/parts/b", 404, "ParentResourceNotFound"),
        (
            "GET",
            f"{GROUP}/providers/Silo.Test/things?api-version=1&$filter=((",
            400,
            "InvalidFilterInQueryString",
        ),
    ],
)
async def test_what_is_not_there_is_told_in_azures_words(world, method, path, status, code):
    answer = await world.ask(method, path, {} if method in {"PUT", "PATCH"} else None)

    assert (answer[0], answer[2]["error"]["code"]) == (status, code)


@pytest.mark.parametrize(
    ("sent", "status", "code"),
    [
        ({"raw": b"{"}, 400, "InvalidRequestContent"),
        ({"raw": b"[]"}, 400, "InvalidRequestContent"),
        ({"raw": b""}, 400, "InvalidRequestContent"),
        ({"raw": b"\xff"}, 400, "InvalidRequestContent"),
        ({"body": {}}, 400, "LocationRequired"),
        ({"body": {"location": "moon"}}, 400, "LocationNotAvailableForResourceType"),
        ({"body": {**WISH, "properties": {"sizeInGb": "x"}}}, 400, "InvalidRequestContent"),
        ({"body": {**WISH, "properties": {"sizeInGb": 101}}}, 400, "InvalidParameter"),
        ({"body": {**WISH, "tags": {"a": 1}}}, 400, "InvalidRequestContent"),
        ({"raw": b"x" * 5_000_000}, 413, "RequestContentTooLarge"),
        ({"body": {}, "headers": {"content-type": "text/xml"}}, 415, "UnsupportedMediaType"),
    ],
)
async def test_a_bad_body_is_refused_and_stores_nothing(world, sent, status, code):
    answer = await world.ask("PUT", THING, **sent)

    assert (answer[0], answer[2]["error"]["code"]) == (status, code)
    assert (await world.ask("GET", THING))[0] == 404


async def test_a_patch_merges_and_gives_tags_whole(world):
    await world.ask("PUT", THING, WISH)

    _, _, body = await world.ask(
        "PATCH", THING, {"tags": {"c": "d"}, "properties": {"later": None, "sizeInGb": 3}}
    )

    assert body["tags"] == {"c": "d"}
    assert body["properties"] == {"sizeInGb": 3, "provisioningState": "Succeeded"}


async def test_an_etag_guards_against_lost_updates(world):
    _, headers, _ = await world.ask("PUT", THING, WISH)
    seen = {"if-match": headers["etag"]}
    assert (await world.ask("PUT", THING, WISH, headers=seen))[0] == 200

    status, _, body = await world.ask("PUT", THING, WISH, headers=seen)

    assert (status, body["error"]["code"]) == (412, "PreconditionFailed")
    assert (await world.ask("PUT", THING, WISH, headers={"if-none-match": "*"}))[0] == 412
    assert (await world.ask("GET", THING, headers={"if-none-match": "none"}))[0] == 200


async def test_lists_page_and_filter(world):
    for number in range(5):
        await world.ask("PUT", f"{GROUP}/providers/Silo.Test/things/t{number}", WISH)
    path = f"/subscriptions/{SUBSCRIPTION}/providers/Silo.Test/things?api-version={VERSION}"

    _, _, first = await world.ask("GET", f"{path}&$top=3")
    _, _, second = await world.ask(
        "GET", first["nextLink"].removeprefix("https://management.silo.test")
    )
    _, _, named = await world.ask("GET", f"{path}&$filter=name%20eq%20'T1'")

    names = [item["name"] for item in first["value"] + second["value"]]
    assert names == [f"t{number}" for number in range(5)]
    assert "nextLink" not in second
    assert [item["name"] for item in named["value"]] == ["t1"]


async def test_slow_work_is_shown_as_it_is_until_it_is_done(world):
    path = f"{GROUP}/providers/Silo.Test/slowThings/s"
    status, headers, body = await world.ask("PUT", path, WISH)
    assert (status, body["properties"]["provisioningState"]) == (201, "Creating")
    poll = headers["azure-asyncoperation"].removeprefix("https://management.silo.test")
    assert (await world.ask("GET", poll))[2]["status"] == "InProgress"

    await world.reconciler.settle_all()

    assert (await world.ask("GET", poll))[2]["status"] == "Succeeded"
    assert world.ledger.reconciled == ["s"]
    status, headers, _ = await world.ask("DELETE", path)
    assert status == 202
    poll = headers["location"].removeprefix("https://management.silo.test")
    assert (await world.ask("GET", poll))[0] == 202
    await world.reconciler.settle_all()
    assert (await world.ask("GET", poll))[0] == 204
    assert (await world.ask("GET", path))[0] == 404


async def test_a_failure_is_shown_with_its_reason(world):
    class Broken(core.SiloError):
        pass

    world.ledger.failure = Broken("The disk is on fire.")
    path = f"{GROUP}/providers/Silo.Test/slowThings/s"
    _, headers, _ = await world.ask("PUT", path, WISH)
    await world.reconciler.settle_all()

    poll = headers["azure-asyncoperation"].removeprefix("https://management.silo.test")
    _, _, body = await world.ask("GET", poll)

    assert body["status"] == "Failed"
    assert body["error"]["message"] == "The disk is on fire."


async def test_deleting_a_group_takes_all_of_it_and_blocks_new_members(world):
    await world.ask("PUT", THING, WISH)
    await world.ask("PUT", f"{THING}/parts/p", {"properties": {}})
    await world.ask("PUT", f"{GROUP}/providers/Silo.Test/slowThings/s", WISH)
    status, _, _ = await world.ask("DELETE", GROUP)
    assert status == 202
    status, _, body = await world.ask("PUT", f"{THING}2", WISH)
    assert (status, body["error"]["code"]) == (409, "ResourceGroupBeingDeleted")

    for _ in range(20):
        await world.reconciler.settle_all()
        await asyncio.sleep(0.02)

    assert (await world.ask("GET", GROUP))[0] == 404
    assert world.ledger.removed == ["s", "g1"]
    assert world.ledger.deleted == ["p"]


async def test_an_action_reaches_its_resource(world):
    await world.ask("PUT", THING, WISH)

    assert (await world.ask("POST", f"{THING}/poke", {"a": 1}))[2] == {
        "poked": "one",
        "body": {"a": 1},
    }
    assert (await world.ask("POST", f"{THING}/poke", who="reader"))[0] == 403
    assert (await world.ask("POST", f"{THING}2/poke"))[0] == 404


async def test_what_another_table_knows_is_shown_and_never_stored(world):
    watched = f"{GROUP}/providers/Silo.Test/watchedThings/one"
    _, headers, made = await world.ask("PUT", watched, WISH)
    world.ledger.seen = 2

    _, _, read = await world.ask("GET", watched, headers={"if-none-match": headers["etag"]})
    _, _, listed = await world.ask("GET", watched.rpartition("/")[0])
    stored = world.store.read_now(
        lambda conn: world.resources.get(conn, arm.parse_resource_id(watched))
    )
    assert [made["properties"][name] for name in ("seen", "doubled")] == [1, 2]
    assert [read["properties"][name] for name in ("seen", "doubled")] == [2, 4]
    assert listed["value"] == [read]
    assert "uid" not in read["properties"]
    assert "seen" not in stored.properties
