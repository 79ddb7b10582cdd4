"""Promises of silo.identity.graph."""

import json

import pytest
from tests.unit.silo.identity.graph_client import Graph

from silo import core, identity
from silo.identity import directory_errors


def fill(path: str) -> str:
    return path.replace("{", "").replace("}", "")


async def test_every_route_refuses_a_missing_and_a_wrong_token(graph: Graph) -> None:
    routes = identity.graph_routes()

    assert len(routes) > 150
    for method, path in routes:
        for token in ("", "wrong"):
            answer = await graph.call(method, fill(path), {}, token=token)
            assert answer.status_code == 401, (method, path)
            assert answer.json()["error"]["code"] == "InvalidAuthenticationToken"
            assert answer.headers["www-authenticate"].startswith("Bearer ")


async def test_no_route_lets_a_service_principal_without_a_role_do_anything(graph: Graph) -> None:
    _, _, own_id = graph.add_application("app")

    for method, path in identity.graph_routes():
        answer = await graph.call(method, path.replace("{id}", own_id), {}, token="app")
        assert answer.status_code in {400, 403}, (method, path)
        if answer.status_code == 400:
            assert path.split("/")[2] == "me", (method, path)


async def test_an_answer_carries_the_request_ids(graph: Graph) -> None:
    answer = await graph.call("GET", "/me", headers={"client-request-id": "abc-1"})

    assert answer.headers["request-id"] == "request-1"
    assert answer.headers["client-request-id"] == "abc-1"
    assert answer.headers["odata-version"] == "4.0"


async def test_an_error_has_graphs_shape(graph: Graph) -> None:
    answer = await graph.call("GET", "/users/nobody@silo.test")

    assert answer.status_code == 404
    error = answer.json()["error"]
    assert error["code"] == "Request_ResourceNotFound"
    assert error["innerError"] == {
        "date": "2026-11-23T10:00:00",
        "request-id": "request-1",
        "client-request-id": "request-1",
    }


async def test_an_unknown_path_and_a_wrong_method_are_told_apart(graph: Graph) -> None:
    unknown = await graph.call("GET", "/teams")
    version = await graph.call("GET", "/v1.0/../beta2/users")
    method = await graph.call("PUT", "/users")

    assert (unknown.status_code, unknown.json()["error"]["code"]) == (400, "BadRequest")
    assert version.status_code == 400
    assert method.status_code == 405


async def test_a_write_and_its_audit_record_are_one(graph: Graph) -> None:
    body = {"displayName": "g", "mailNickname": "g", "mailEnabled": False, "securityEnabled": True}

    made = await graph.call("POST", "/groups", body)

    record = graph.list_records()[0]
    assert record["operation"] == "Microsoft.Graph/groups/create"
    assert record["result"] == "Succeeded"
    assert record["scope"] == f"/providers/Microsoft.Graph/groups/{made.json()['id']}"
    assert record["caller"] == "admin@silo.test"
    assert record["client_ip"] == "10.0.0.9"


async def test_what_is_denied_or_fails_is_recorded_too(graph: Graph) -> None:
    graph.add_user("plain")

    await graph.call("DELETE", f"/users/{graph.sign_in.tokens['admin']}", token="plain")
    await graph.call("POST", "/groups", {"displayName": "g"})

    failed, denied = graph.list_records()[:2]
    assert (denied["operation"], denied["result"]) == ("Microsoft.Graph/users/delete", "Denied")
    assert (failed["operation"], failed["result"]) == ("Microsoft.Graph/groups/create", "Failed")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"nonsense",
        b'{"displayName": NaN}',
        b"\xff\xfe",
        b'{"a":' * 5000 + b"1" + b"}" * 5000,
        b'{"displayName": 5}',
        b'{"displayName": "\\ud800"}',
        b'{"displayName": "a\\u0000b"}',
        b'{"displayName": "' + b"x" * 300 + b'"}',
        b'{"displayName": "x", "api": {"n": 1e999}}',
        b'{"displayName": "x", "unknown": 1}',
        b'{"displayName": "x", "\\udc00": 1}',
    ],
)
async def test_a_hostile_body_is_a_bad_request(graph: Graph, content: bytes) -> None:
    answer = await graph.call("POST", "/applications", content=content)

    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "Request_BadRequest"


async def test_an_unknown_property_is_named(graph: Graph) -> None:
    answer = await graph.call("POST", "/applications", {"displayName": "x", "nope": 1})

    assert answer.json()["error"]["message"] == "Invalid property 'nope'."


async def test_a_body_of_more_than_a_mebibyte_is_refused(graph: Graph) -> None:
    content = json.dumps({"displayName": "x" * 1024 * 1024}).encode()

    answer = await graph.call("POST", "/applications", content=content)

    assert answer.status_code == 413


async def test_another_content_type_is_refused(graph: Graph) -> None:
    answer = await graph.call(
        "POST", "/applications", content=b"{}", headers={"content-type": "text/xml"}
    )

    assert answer.status_code == 415


@pytest.mark.parametrize(
    "text", ["%00", "%FF%FE", "..%2F..", "x" * 5000, "%F0%9F%98%80", "'", "()"]
)
async def test_a_hostile_id_is_not_found(graph: Graph, text: str) -> None:
    for collection in ("users", "groups", "applications", "servicePrincipals", "directoryObjects"):
        answer = await graph.call("GET", f"/{collection}/{text}")
        assert answer.status_code in {400, 404}


async def test_a_right_that_was_taken_away_is_gone_at_once(graph: Graph) -> None:
    object_id = graph.add_user("helper", role="Groups Administrator")
    body = {"displayName": "g", "mailNickname": "g", "mailEnabled": False, "securityEnabled": True}
    before = await graph.call("POST", "/groups", body, token="helper")

    mine = await graph.call("GET", "/roleManagement/directory/roleAssignments")
    [assignment] = [each for each in mine.json()["value"] if each["principalId"] == object_id]
    await graph.call("DELETE", f"/roleManagement/directory/roleAssignments/{assignment['id']}")
    after = await graph.call("POST", "/groups", body, token="helper")

    assert (before.status_code, after.status_code) == (201, 403)


async def test_a_full_disk_is_unavailable_and_not_an_accident(
    graph: Graph, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def write(work: object) -> None:
        raise core.StoreFull("The disk is full; nothing was written.")

    monkeypatch.setattr(graph.store, "write", write)
    answer = await graph.call("POST", "/applications", {"displayName": "x"})

    assert answer.status_code == 503


def test_every_error_of_the_directory_has_a_status() -> None:
    from silo.identity import graph_errors

    for leaf in directory_errors.DirectoryError.__subclasses__():
        assert graph_errors.translate(leaf("x")).status in {400, 403, 404, 409}
