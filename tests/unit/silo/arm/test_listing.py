"""Filters, pages and the links between them."""

import asyncio
from urllib.parse import parse_qsl, urlsplit

import pytest
from tests.unit.silo.arm.world import GROUP, NAMES, SUBSCRIPTION, World

from silo import arm
from silo.arm.errors import InvalidQueryParameter
from silo.arm.listing import find_type

THINGS = f"/subscriptions/{SUBSCRIPTION}/providers/Silo.Test/things"


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """One for all: nothing here writes."""
    built = World(tmp_path_factory.mktemp("listing"))

    async def fill():
        await built.ask("PUT", GROUP, {"location": "eastus"})
        for name, tags in (("a", {"env": "prod"}), ("b", {"env": "test", "x": "prod"}), ("c", {})):
            body = {"location": "eastus", "tags": tags}
            await built.ask("PUT", f"{GROUP}/providers/Silo.Test/things/{name}", body)

    asyncio.run(fill())
    yield built
    built.store.close()


async def list_names(world, query):
    status, _, body = await world.ask("GET", f"{THINGS}?api-version=1&{query}")
    assert status == 200, body
    return [item["name"] for item in body["value"]]


@pytest.mark.parametrize(
    ("filter_", "names"),
    [
        ("name eq 'A'", ["a"]),
        ("resourceType eq 'silo.test/THINGS'", ["a", "b", "c"]),
        ("resourceType eq 'Silo.Test/wings'", []),
        ("resourceGroup eq 'G1' and name ne 'a'", ["b", "c"]),
        ("tagName eq 'env' and tagValue eq 'prod'", ["a"]),
        ("tagName eq 'x'", ["b"]),
        ("location eq 'westus'", []),
        ("substringof('B', name)", ["b"]),
        ("startswith(name, 'c') or name eq 'a'", ["a", "c"]),
        ("", ["a", "b", "c"]),
    ],
)
async def test_a_filter_keeps_what_it_says(world, filter_, names):
    assert await list_names(world, f"$filter={filter_}") == names


@pytest.mark.parametrize(
    "filter_",
    ["name eq", "name like 'a'", "((", "frob(name)", "substringof(name)", "substringof(1, 2)"],
)
async def test_a_filter_that_cannot_be_read_is_refused(world, filter_):
    status, _, body = await world.ask("GET", f"{THINGS}?api-version=1&$filter={filter_}")

    assert (status, body["error"]["code"]) == (400, "InvalidFilterInQueryString")


async def test_pages_join_to_the_whole_and_keep_the_question(world):
    query, names = "api-version=1&$top=1&$filter=name ne 'b'", []
    while query:
        _, _, body = await world.ask("GET", f"{THINGS}?{query}")
        names += [item["name"] for item in body["value"]]
        link = urlsplit(body.get("nextLink", ""))
        query = link.query
        if query:
            assert (link.scheme, link.path) == ("https", THINGS)
            assert dict(parse_qsl(query))["$filter"] == "name ne 'b'"

    assert names == ["a", "c"]


@pytest.mark.parametrize("query", ["$top=0", "$top=x", "$top=-1", "$skipToken=!", "$skipToken=%ff"])
async def test_a_page_that_cannot_be_is_refused(world, query):
    status, _, body = await world.ask("GET", f"{THINGS}?api-version=1&{query}")

    assert (status, body["error"]["code"]) == (400, InvalidQueryParameter.code)


@pytest.mark.parametrize("group", ["g1", "ghost"])
async def test_who_may_read_nothing_of_a_list_does_not_learn_whether_it_exists(world, group):
    path = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{group}/providers/Silo.Test/things"

    assert (await world.ask("GET", path, who="nobody"))[0] == 403


class Asked:
    """As much of a call as a list reads."""

    path = "/providers"
    urls = NAMES.urls

    def __init__(self, **query):
        self.query = {f"${name}": value for name, value in query.items()}


@pytest.mark.parametrize(
    ("filter_", "type_"),
    [
        ("resourceType eq 'A.B/c'", "A.B/c"),
        ("resourceType eq 'A.B/c' and name eq 'x'", "A.B/c"),
        ("name eq 'x' and resourceType eq 'A.B/c'", "A.B/c"),
        ("resourceType eq 'A.B/c' or name eq 'x'", ""),
        ("not (resourceType eq 'A.B/c')", ""),
        ("name eq 'x'", ""),
        ("", ""),
    ],
)
def test_the_index_is_used_only_where_it_cannot_lose_anything(filter_, type_):
    assert find_type(Asked(filter=filter_)) == type_


def test_items_at_hand_are_paged_alike():
    call = Asked(top="1")
    items = [{"id": "B"}, {"id": "a"}]

    first = arm.page_items(call, items)
    call.query |= {"$skiptoken": dict(parse_qsl(urlsplit(first["nextLink"]).query))["$skipToken"]}

    assert first["value"] == [{"id": "a"}]
    assert arm.page_items(call, items) == {"value": [{"id": "B"}]}
