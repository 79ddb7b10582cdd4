import httpx2
import pytest
from starlette.responses import JSONResponse

from silo import front

NAMES = front.Names("silo.test", 443)


async def management(scope, receive, send):
    context = front.get_context(scope)
    answer = {"path": scope["path"], "id": context.request_id, "urls": context.urls.family}
    await JSONResponse(answer)(scope, receive, send)


async def broken(_scope, _receive, _send):
    raise RuntimeError("password=hunter2")


@pytest.fixture
async def http():
    app = front.Dispatcher(NAMES, {front.Door.MANAGEMENT: management, front.Door.REGISTRY: broken})
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app)) as client:
        yield client


async def test_a_door_sees_the_request_id_that_is_answered(http):
    answer = await http.get("https://management.silo.test/a//b")

    assert answer.json()["path"] == "/a/b"
    assert answer.json()["id"] == answer.headers["x-ms-request-id"]


async def test_an_answer_speaks_the_family_it_was_asked_in(http):
    assert (await http.get("https://management.azure.com/")).json()["urls"] == "azure"


async def test_a_foreign_host_is_misdirected(http):
    answer = await http.get("https://example.com/")

    assert answer.status_code == 421
    assert answer.json()["error"]["code"] == "MisdirectedRequest"
    assert answer.headers["x-ms-request-id"] in answer.text


async def test_a_bug_is_a_500_of_the_doors_dialect_without_its_cause(http):
    answer = await http.get("https://web.azurecr.silo.test/v2/")

    assert answer.status_code == 500
    assert answer.json()["errors"][0]["code"] == "UNKNOWN"
    assert "hunter2" not in answer.text
