"""Promises of silo.identity.graph_applications, _service_principals and _credentials."""

import base64
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from tests.unit.silo.identity.graph_client import Graph, find_role

from silo import identity
from silo.identity import credentials

START = datetime(2026, 11, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def rsa_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


def make_certificate(key: Any) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "app")])
    return (
        x509.CertificateBuilder(name, name, key.public_key(), 7)
        .not_valid_before(START)
        .not_valid_after(START + timedelta(days=90))
        .sign(key, hashes.SHA256())
    )


def as_az_sends_it(certificate: x509.Certificate) -> dict[str, Any]:
    return {
        "@odata.type": "#microsoft.graph.keyCredential",
        "displayName": "CN=app",
        "endDateTime": "2027-11-23T10:00:00Z",
        "key": base64.encodebytes(certificate.public_bytes(Encoding.DER)).decode(),
        "keyId": "5f6b2a52-8f5a-4c43-9f0a-94c1a55be5a1",
        "startDateTime": "2026-11-23T10:00:00Z",
        "type": "AsymmetricX509Cert",
        "usage": "Verify",
    }


async def test_create_for_rbac_finds_its_way(graph: Graph) -> None:
    before = await graph.call("GET", "/servicePrincipals?$filter=displayName eq 'N'")
    apps = await graph.call("GET", "/applications?$filter=startswith(displayName,'N')")
    app = await graph.call("POST", "/applications", {"displayName": "N", "keyCredentials": []})
    ids = app.json()
    wanted = {
        "displayName": "rbac",
        "startDateTime": "2026-11-23T10:00:00Z",
        "endDateTime": "2027-11-23T10:00:00Z",
    }
    secret = await graph.call(
        "POST", f"/applications/{ids['id']}/addPassword", {"passwordCredential": wanted}
    )
    principal = await graph.call(
        "POST", "/servicePrincipals", {"appId": ids["appId"], "accountEnabled": True}
    )
    found = await graph.call(
        "GET",
        f"/servicePrincipals?$filter=servicePrincipalNames/any(c:c eq '{ids['appId']}')",
    )

    assert before.json()["value"] == apps.json()["value"] == []
    assert app.status_code == principal.status_code == 201
    assert ids["passwordCredentials"] == ids["keyCredentials"] == []
    assert secret.status_code == 200
    made = secret.json()
    assert made["endDateTime"] == wanted["endDateTime"]
    assert made["hint"] == made["secretText"][:3]
    [kept] = graph.store.read_now(
        lambda conn: credentials.list_sign_in_passwords(conn, ids["appId"])
    )
    assert credentials.matches_secret(kept, made["secretText"])
    assert [each["id"] for each in found.json()["value"]] == [principal.json()["id"]]
    assert principal.json()["servicePrincipalType"] == "Application"
    assert principal.json()["passwordCredentials"] == principal.json()["keyCredentials"] == []
    assert made["secretText"] not in str(graph.list_records())
    shown = await graph.call("GET", f"/applications/{ids['id']}")
    assert made["secretText"] not in shown.text
    assert shown.json()["passwordCredentials"][0]["secretText"] is None


async def test_a_secret_is_removed_by_its_key_id(graph: Graph) -> None:
    application, app_id, _ = graph.add_application("app")
    made = (await graph.call("POST", f"/applications/{application}/addPassword", {})).json()

    good = await graph.call(
        "POST", f"/applications/{application}/removePassword", {"keyId": made["keyId"]}
    )
    again = await graph.call(
        "POST", f"/applications/{application}/removePassword", {"keyId": made["keyId"]}
    )

    assert [good.status_code, again.status_code] == [204, 404]
    assert graph.store.read_now(lambda c: credentials.list_sign_in_passwords(c, app_id)) == ()


@pytest.mark.parametrize(
    "wanted",
    [
        {"secretText": "my own"},
        {"endDateTime": "never"},
        {"endDateTime": "2020-01-01T00:00:00Z"},
        {"endDateTime": "9999-12-31T23:59:59-14:00"},
        {"startDateTime": "9999-12-31T23:59:59Z"},
        {"startDateTime": "0001-01-01T00:00:00+14:00"},
        {"startDateTime": 5},
    ],
)
async def test_a_secret_of_the_callers_choice_or_of_the_past_is_refused(
    graph: Graph, wanted: dict[str, Any]
) -> None:
    application, _, _ = graph.add_application("app")

    answer = await graph.call(
        "POST", f"/applications/{application}/addPassword", {"passwordCredential": wanted}
    )

    assert answer.status_code == 400


async def test_a_certificate_is_kept_until_the_list_leaves_it_out(
    graph: Graph, rsa_key: rsa.RSAPrivateKey
) -> None:
    certificate = make_certificate(rsa_key)
    body = {"displayName": "N", "keyCredentials": [as_az_sends_it(certificate)]}

    made = (await graph.call("POST", "/applications", body)).json()

    [shown] = made["keyCredentials"]
    thumbprint = certificate.fingerprint(hashes.SHA1()).hex().upper()
    assert shown["customKeyIdentifier"] == thumbprint
    assert shown["key"] is None
    assert shown["endDateTime"] == "2027-01-30T00:00:00Z"  # not after its certificate
    path = f"/applications/{made['id']}"
    kept = await graph.call("PATCH", path, {"keyCredentials": made["keyCredentials"]})
    [key] = graph.store.read_now(lambda c: credentials.list_sign_in_keys(c, made["appId"]))
    assert kept.status_code == 204
    assert x509.load_der_x509_certificate(key.certificate) == certificate
    await graph.call("PATCH", path, {"keyCredentials": []})
    assert graph.store.read_now(lambda c: credentials.list_sign_in_keys(c, made["appId"])) == ()


@pytest.mark.parametrize(
    "change",
    [
        {"key": "nonsense"},
        {"key": "QUJD"},
        {"key": None},
        {"usage": "Sign"},
        {"type": "X509CertAndPassword"},
        {"keyId": "not a guid"},
        {"endDateTime": "2026-11-22T00:00:00Z"},
    ],
)
async def test_a_key_that_cannot_verify_is_refused(
    graph: Graph, rsa_key: rsa.RSAPrivateKey, change: dict[str, Any]
) -> None:
    key = as_az_sends_it(make_certificate(rsa_key)) | change

    answer = await graph.call(
        "POST", "/applications", {"displayName": "N", "keyCredentials": [key]}
    )

    assert answer.status_code == 400


async def test_a_certificate_with_another_kind_of_key_is_refused(graph: Graph) -> None:
    key = as_az_sends_it(make_certificate(ec.generate_private_key(ec.SECP256R1())))

    answer = await graph.call(
        "POST", "/applications", {"displayName": "N", "keyCredentials": [key]}
    )

    assert answer.status_code == 400


async def test_a_key_id_is_used_once(graph: Graph, rsa_key: rsa.RSAPrivateKey) -> None:
    body = {"displayName": "N", "keyCredentials": [as_az_sends_it(make_certificate(rsa_key))]}

    first = await graph.call("POST", "/applications", body)
    second = await graph.call("POST", "/applications", body)

    assert [first.status_code, second.status_code] == [201, 409]


async def test_federated_credentials_have_the_four_verbs(graph: Graph) -> None:
    application, app_id, _ = graph.add_application("app")
    path = f"/applications/{application}/federatedIdentityCredentials"
    body = {"name": "gh", "issuer": "https://i.test", "subject": "s", "audiences": ["a"]}

    made = await graph.call("POST", path, body)
    again = await graph.call("POST", path, body)
    listed = await graph.call("GET", path)
    patched = await graph.call("PATCH", f"{path}/{made.json()['id']}", {"subject": "t"})
    shown = await graph.call("GET", f"{path}/gh")
    plain = await graph.call("POST", path, body | {"name": "x", "issuer": "http://i.test"})
    deleted = await graph.call("DELETE", f"{path}/gh")
    gone = await graph.call("GET", f"{path}/gh")

    assert [made.status_code, again.status_code, plain.status_code] == [201, 409, 400]
    assert [each["name"] for each in listed.json()["value"]] == ["gh"]
    assert (patched.status_code, shown.json()["subject"]) == (204, "t")
    assert [deleted.status_code, gone.status_code] == [204, 404]
    assert graph.store.read_now(lambda c: credentials.list_sign_in_federations(c, app_id)) == ()


async def test_an_application_is_read_by_either_id(graph: Graph) -> None:
    application, app_id, principal = graph.add_application("app")

    by_key = await graph.call("GET", f"/applications(appId='{app_id}')")
    sp_by_key = await graph.call("GET", f"/servicePrincipals(appId='{app_id.upper()}')")
    bare = await graph.call("GET", f"/applications/{app_id}")

    assert by_key.json()["id"] == application
    assert sp_by_key.json()["id"] == principal
    assert bare.status_code == 404


async def test_what_is_sent_is_kept_and_shown(graph: Graph) -> None:
    body = {
        "displayName": "N",
        "identifierUris": ["api://n"],
        "web": {"redirectUris": ["https://n.test/cb"], "logoutUrl": None},
        "requiredResourceAccess": [{"resourceAppId": "x", "resourceAccess": []}],
        "tags": ["t"],
    }

    made = (await graph.call("POST", "/applications", body)).json()
    await graph.call("PATCH", f"/applications/{made['id']}", {"identifierUris": ["api://m"]})
    principal = await graph.call("POST", "/servicePrincipals", {"appId": made["appId"]})

    assert {name: made[name] for name in body} == body
    assert principal.json()["servicePrincipalNames"] == [made["appId"], "api://m"]
    taken = await graph.call(
        "POST", "/applications", {"displayName": "O", "identifierUris": ["API://M"]}
    )
    assert taken.status_code == 400


async def test_a_service_principal_needs_its_application_and_is_made_once(graph: Graph) -> None:
    _, app_id, principal = graph.add_application("app")

    again = await graph.call("POST", "/servicePrincipals", {"appId": app_id})
    unknown = await graph.call("POST", "/servicePrincipals", {"appId": principal})

    assert (again.status_code, again.json()["error"]["code"]) == (
        409,
        "Request_MultipleObjectsWithSameKeyValue",
    )
    assert unknown.status_code == 404
    for words in (" does not reference ", " does not exist "):
        assert words not in unknown.json()["error"]["message"]


async def test_deleting_an_application_takes_its_principal_along(graph: Graph) -> None:
    application, _, principal = graph.add_application("app")

    deleted = await graph.call("DELETE", f"/applications/{application}")
    gone = await graph.call("GET", f"/servicePrincipals/{principal}")

    assert [deleted.status_code, gone.status_code] == [204, 404]


async def test_a_developer_manages_its_own_applications_only(graph: Graph) -> None:
    graph.add_application("dev", role="Application Developer")
    other, _, _ = graph.add_application("other")

    made = await graph.call("POST", "/applications", {"displayName": "mine"}, token="dev")
    path = f"/applications/{made.json()['id']}"
    secret = await graph.call("POST", f"{path}/addPassword", {}, token="dev")
    principal = await graph.call(
        "POST", "/servicePrincipals", {"appId": made.json()["appId"]}, token="dev"
    )
    foreign = await graph.call("POST", f"/applications/{other}/addPassword", {}, token="dev")
    owners = await graph.call("GET", f"{path}/owners", token="dev")

    assert [each.status_code for each in (made, secret, principal)] == [201, 200, 201]
    assert foreign.status_code == 403
    assert [each["id"] for each in owners.json()["value"]] == [graph.sign_in.tokens["dev"]]


async def test_an_application_administrator_takes_over_no_administrator(graph: Graph) -> None:
    graph.add_user("boss", role="Application Administrator")
    application, _, principal = graph.add_application("root", role="Global Administrator")

    for method, path, body in (
        ("POST", f"/applications/{application}/addPassword", {}),
        ("PATCH", f"/applications/{application}", {"keyCredentials": []}),
        ("POST", f"/servicePrincipals/{principal}/addPassword", {}),
        ("DELETE", f"/servicePrincipals/{principal}", None),
        ("DELETE", f"/applications/{application}", None),
        ("POST", f"/applications/{application}/owners/$ref", {"@odata.id": "x"}),
    ):
        answer = await graph.call(method, path, body, token="boss")
        assert answer.status_code == 403, (method, path)


async def test_a_managed_identitys_principal_is_arms(graph: Graph) -> None:
    made = graph.store.write_now(
        lambda conn: identity.create_managed_identity(
            conn, "id", "/subscriptions/s/x", graph.clock.now()
        )
    )
    path = f"/servicePrincipals/{made.object_id}"

    shown = (await graph.call("GET", path)).json()

    assert shown["servicePrincipalType"] == "ManagedIdentity"
    assert shown["alternativeNames"] == ["isExplicit=True", "/subscriptions/s/x"]
    assert (await graph.call("DELETE", path)).status_code == 400
    assert (await graph.call("PATCH", path, {"notes": "n"})).status_code == 400
    assert (await graph.call("POST", f"{path}/addPassword", {})).status_code == 400
    assert (await graph.call("PATCH", path, {"accountEnabled": False})).status_code == 204


async def test_a_role_makes_an_application_more_than_itself(graph: Graph) -> None:
    _, _, principal = graph.add_application("app")
    body = {"roleDefinitionId": find_role("Directory Readers"), "principalId": principal}

    before = await graph.call("GET", "/users", token="app")
    given = await graph.call(
        "POST", "/roleManagement/directory/roleAssignments", body | {"directoryScopeId": "/"}
    )
    after = await graph.call("GET", "/users", token="app")

    assert [before.status_code, given.status_code, after.status_code] == [403, 201, 200]


@pytest.mark.parametrize(
    "uri",
    ["https://management.azure.com", "https://evil-silo.test", "nonsense", "api://", "http://x.y"],
)
async def test_nobody_poses_as_another_api(graph: Graph, uri: str) -> None:
    body = {"displayName": "N", "identifierUris": [uri]}

    answer = await graph.call("POST", "/applications", body)
    own = await graph.call(
        "POST", "/applications", body | {"identifierUris": ["https://a.silo.test/b"]}
    )

    assert [answer.status_code, own.status_code] == [400, 201]


@pytest.mark.parametrize(
    "query",
    [
        "appId eq '{app_id}'",
        "id eq '{principal}'",
        "servicePrincipalNames/any(c:c eq '{app_id}')",
        "servicePrincipalNames/any(x: x eq 'API://Found')",
        "displayName eq 'APP'",
        "startswith(displayName,'ap')",
        "servicePrincipalType eq 'Application' and displayName eq 'app'",
    ],
)
async def test_a_service_principal_is_found_by_what_az_knows(graph: Graph, query: str) -> None:
    application, app_id, principal = graph.add_application("app")
    graph.add_application("other")
    await graph.call("PATCH", f"/applications/{application}", {"identifierUris": ["api://found"]})

    text = query.format(app_id=app_id.upper(), principal=principal)
    answer = await graph.call("GET", f"/servicePrincipals?$filter={text}")

    assert [each["id"] for each in answer.json()["value"]] == [principal]


async def test_a_narrowed_look_up_still_applies_the_whole_filter(graph: Graph) -> None:
    application, app_id, principal = graph.add_application("app")

    async def find(collection: str, query: str) -> int:
        answer = await graph.call("GET", f"/{collection}?$filter={query}")
        return len(answer.json()["value"])

    assert await find("servicePrincipals", f"appId eq '{principal}'") == 0
    assert await find("servicePrincipals", f"id eq '{app_id}'") == 0
    assert await find("applications", f"appId eq '{app_id}'") == 1
    assert await find("applications", f"appId eq '{application}'") == 0
    assert await find("users", "userPrincipalName eq 'ADMIN@silo.test'") == 1
