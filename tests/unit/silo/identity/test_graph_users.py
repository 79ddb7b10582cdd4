"""Promises of silo.identity.graph_users."""

from typing import Any

import pytest
from tests.unit.silo.identity.graph_client import PASSWORD, Graph

from silo import identity
from silo.identity import credentials

ADA = {
    "userPrincipalName": "ada@silo.test",
    "displayName": "Ada",
    "mailNickname": "ada",
    "accountEnabled": True,
    "passwordProfile": {"password": PASSWORD, "forceChangePasswordNextSignIn": False},
}


@pytest.fixture(autouse=True)
def _fast_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    import argon2

    cheap = argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    monkeypatch.setattr(credentials, "_hasher", cheap)


def find_user(graph: Graph, name: str) -> identity.User:
    user = graph.store.read_now(lambda conn: identity.find_user(conn, name))
    assert user
    return user


async def test_az_creates_lists_shows_updates_and_deletes_a_user(graph: Graph) -> None:
    made = await graph.call("POST", "/users", ADA)
    listed = await graph.call("GET", "/users?$filter=userPrincipalName eq 'ADA@silo.test'")
    prefixed = await graph.call("GET", "/users?$filter=startswith(displayName,'ad')")
    shown = await graph.call("GET", "/users/ada@silo.test")
    patched = await graph.call("PATCH", "/users/ada@silo.test", {"displayName": "Ada L"})
    after = await graph.call("GET", f"/users/{made.json()['id']}")
    deleted = await graph.call("DELETE", "/users/ada@silo.test")
    gone = await graph.call("GET", "/users/ada@silo.test")

    assert made.status_code == 201
    assert made.json()["@odata.context"] == (
        "https://graph.silo.test:8443/v1.0/$metadata#users/$entity"
    )
    assert [each["displayName"] for each in listed.json()["value"]] == ["Ada"]
    assert {each["displayName"] for each in prefixed.json()["value"]} == {"Ada", "Admin"}
    assert shown.json()["userPrincipalName"] == "ada@silo.test"
    assert (patched.status_code, patched.content) == (204, b"")
    assert after.json()["displayName"] == "Ada L"
    assert deleted.status_code == 204
    assert gone.status_code == 404


async def test_a_password_is_kept_as_a_hash_and_shown_to_nobody(graph: Graph) -> None:
    made = await graph.call("POST", "/users", ADA)
    shown = await graph.call("GET", "/users/ada@silo.test?$select=id,passwordProfile,passwordHash")

    assert "password" not in made.text.casefold().replace("lastpasswordchange", "")
    assert set(shown.json()) == {"@odata.context", "id"}
    assert find_user(graph, "ada@silo.test").password_hash.startswith("$argon2id$")
    assert PASSWORD not in str(graph.list_records())


@pytest.mark.parametrize("password", ["", "Sh0rt!", "alllowercase", "UPPER12345", "x" * 300])
async def test_a_weak_password_is_refused(graph: Graph, password: str) -> None:
    answer = await graph.call("POST", "/users", ADA | {"passwordProfile": {"password": password}})

    assert answer.status_code == 400


@pytest.mark.parametrize(
    "change",
    [
        {"userPrincipalName": "ada@elsewhere.test"},
        {"userPrincipalName": None},
        {"displayName": ""},
        {"displayName": None},
        {"accountEnabled": "yes"},
        {"accountEnabled": None},
        {"passwordProfile": None},
        {"passwordProfile": {"password": None}},
        {"userType": "Guest"},
        {"id": "00000000-0000-4000-8000-000000000000"},
        {"mailNickname": "x" * 65},
    ],
)
async def test_a_user_that_cannot_be_is_refused(graph: Graph, change: dict[str, Any]) -> None:
    answer = await graph.call("POST", "/users", ADA | change)

    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "Request_BadRequest")


async def test_a_name_is_taken_once(graph: Graph) -> None:
    await graph.call("POST", "/users", ADA)

    again = await graph.call("POST", "/users", ADA | {"userPrincipalName": "ADA@silo.test"})

    assert again.status_code == 400
    assert "already exists" in again.json()["error"]["message"]


async def test_select_shows_more_than_the_defaults(graph: Graph) -> None:
    default = await graph.call("GET", "/users/admin@silo.test")
    more = await graph.call("GET", "/users/admin@silo.test?$select=accountEnabled,ID")

    assert "accountEnabled" not in default.json()
    assert more.json()["accountEnabled"] is True
    assert set(more.json()) == {"@odata.context", "accountEnabled", "id"}


async def test_me_is_the_caller_and_nobody_without_a_token(graph: Graph) -> None:
    object_id = graph.add_user("ada")

    mine = await graph.call("GET", "/me", token="ada")

    assert mine.json()["id"] == object_id


async def test_a_narrow_token_reads_me_and_nothing_else(graph: Graph) -> None:
    graph.sign_in.scopes = frozenset({"User.Read"})

    assert (await graph.call("GET", "/me")).status_code == 200
    assert (await graph.call("GET", "/users")).status_code == 403
    assert (await graph.call("POST", "/me/revokeSignInSessions")).status_code == 403


async def test_a_member_reads_the_directory_and_changes_nothing(graph: Graph) -> None:
    object_id = graph.add_user("ada")

    assert (await graph.call("GET", "/users", token="ada")).status_code == 200
    for method, path, body in (
        ("POST", "/users", ADA),
        ("PATCH", f"/users/{object_id}", {"displayName": "Queen"}),
        ("PATCH", f"/users/{object_id}", {"passwordProfile": {"password": PASSWORD}}),
        ("PATCH", f"/users/{object_id}", {}),
        ("DELETE", f"/users/{object_id}", None),
        ("GET", "/auditLogs/directoryAudits", None),
    ):
        answer = await graph.call(method, path, body, token="ada")
        assert answer.status_code == 403, (method, path)
        assert answer.json()["error"]["code"] == "Authorization_RequestDenied"
        assert "Insufficient privileges" in answer.json()["error"]["message"]


async def test_a_helpdesk_administrator_resets_a_members_password_and_no_more(graph: Graph) -> None:
    graph.add_user("help", role="Helpdesk Administrator")
    graph.add_user("ada")
    reset = {"passwordProfile": {"password": PASSWORD}}

    good = await graph.call("PATCH", "/users/ada@silo.test", reset, token="help")
    mixed = await graph.call(
        "PATCH", "/users/ada@silo.test", reset | {"displayName": "x"}, token="help"
    )
    admin = await graph.call("PATCH", "/users/admin@silo.test", reset, token="help")

    assert [each.status_code for each in (good, mixed, admin)] == [204, 403, 403]
    user = find_user(graph, "ada@silo.test")
    assert user.force_change_password
    assert user.sign_in_sessions_valid_from > graph.clock.now()
    assert user.display_name == "Ada"


async def test_a_disabled_user_is_locked_out_at_once(graph: Graph) -> None:
    graph.add_user("ada")

    await graph.call("PATCH", "/users/ada@silo.test", {"accountEnabled": False})

    assert (await graph.call("GET", "/me", token="ada")).status_code == 401


async def test_the_last_administrator_stays(graph: Graph) -> None:
    admin = graph.sign_in.tokens["admin"]
    assignments = (await graph.call("GET", "/roleManagement/directory/roleAssignments")).json()

    for method, path, body in (
        ("DELETE", f"/users/{admin}", None),
        ("PATCH", f"/users/{admin}", {"accountEnabled": False}),
        ("DELETE", f"/roleManagement/directory/roleAssignments/{assignments['value'][0]['id']}", 0),
    ):
        answer = await graph.call(method, path, body or None)
        assert answer.status_code == 400
    assert (await graph.call("GET", "/me")).status_code == 200


async def test_sessions_are_revoked_by_their_owner_and_by_administrators(graph: Graph) -> None:
    object_id = graph.add_user("ada")
    graph.add_user("eve")

    own = await graph.call("POST", "/me/revokeSignInSessions", token="ada")
    other = await graph.call("POST", f"/users/{object_id}/revokeSignInSessions", token="eve")
    admin = await graph.call("POST", f"/users/{object_id}/revokeSignInSessions")

    assert [each.status_code for each in (own, other, admin)] == [200, 403, 200]
    assert own.json()["value"] is True
    assert find_user(graph, object_id).sign_in_sessions_valid_from > graph.clock.now()


async def test_changing_ones_password_takes_the_old_one(graph: Graph) -> None:
    await graph.call("POST", "/users", ADA)
    graph.sign_in.tokens["ada"] = find_user(graph, "ada@silo.test").id

    def change(old: str, new: str) -> Any:
        body = {"currentPassword": old, "newPassword": new}
        return graph.call("POST", "/me/changePassword", body, token="ada")

    wrong = await change("not this", "New-Horse-10")
    weak = await change(PASSWORD, "weak")
    good = await change(PASSWORD, "New-Horse-10")

    assert [each.status_code for each in (wrong, weak, good)] == [400, 400, 204]
    hashed = find_user(graph, "ada@silo.test").password_hash
    assert credentials.verify_password(hashed, "New-Horse-10")


async def test_pages_are_linked_until_the_end(graph: Graph) -> None:
    for number in range(5):
        graph.add_user(f"user{number}")
    seen: list[str] = []
    path = "/v1.0/users?$top=2&$orderby=displayName desc&$count=true"

    while path:
        page = (await graph.call("GET", path)).json()
        assert page["@odata.count"] == 6
        seen += [each["displayName"] for each in page["value"]]
        link = page.get("@odata.nextLink", "")
        assert link == "" or link.startswith("https://graph.silo.test:8443/v1.0/users?")
        path = link.removeprefix("https://graph.silo.test:8443")

    assert seen == ["User4", "User3", "User2", "User1", "User0", "Admin"]


async def test_counting_answers_a_number(graph: Graph) -> None:
    graph.add_user("ada")

    answer = await graph.call("GET", "/users/$count?$filter=displayName eq 'ada'")

    assert answer.text == "1"


@pytest.mark.parametrize(
    "query",
    [
        "$filter=",
        "$filter=foo(displayName)",
        "$filter=displayName/any(c:c eq 1) gt",
        "$filter=accountEnabled/any(c:c eq 1)",
        "$filter=displayName in 5",
        "$filter=a/b/c/any()",
        "$filter=" + "(" * 2000,
        "$search=%22displayName:x%22",
        "$expand=memberOf",
        "$skip=1",
        "$top=0",
        "$top=1000",
        "$top=%C2%B2",
        "$top=-1",
        "$skiptoken=nonsense",
        "$skiptoken=WzFd",
        "$orderby=a b c",
        "$nonsense=1",
        "$top=1&$top=2",
        "&".join(f"a{number}=1" for number in range(100)),
    ],
)
async def test_a_query_that_cannot_be_answered_is_refused(graph: Graph, query: str) -> None:
    answer = await graph.call("GET", f"/users?{query}")

    assert answer.status_code == 400, answer.text
