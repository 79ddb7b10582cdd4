import json
from typing import Any

import pytest
from tests.unit.silo.workload.site_world import TEXT, USERS, Site

from silo import arm, core, engine, identity, workload

ARM = "https://management.azure.com/"
IMDS = "/metadata/identity/oauth2/token"


async def ask(
    service: workload.MetadataService,
    uid: str,
    path: str = IMDS,
    *,
    method: str = "GET",
    headers: dict[str, str] | None = None,
    **query: str,
) -> tuple[int, dict[str, Any]]:
    asked = {"api-version": "2018-02-01", "resource": ARM} | query
    text = "&".join(f"{name.replace('__', '-')}={value}" for name, value in asked.items() if value)
    request = engine.MetadataRequest(
        method,
        f"{path}?{text}",
        {"metadata": "true", "user-agent": "az"} if headers is None else headers,
        "10.0.0.4",
    )
    answer = await service.answer(uid, request)
    return answer.status, json.loads(answer.body)


def verify(site: Site, token: str) -> str:
    principal = identity.Verifier(site.issuer).verify_bearer(token, identity.ARM_AUDIENCES)
    return principal.object_id


async def test_a_group_gets_a_token_of_its_own_identity(
    site: Site, service: workload.MetadataService
) -> None:
    own = site.add_own_identity()
    site.add_user_identity("other")

    status, body = await ask(service, site.resource.uid)

    assert status == 200
    assert verify(site, body["access_token"]) == own.object_id
    assert body["client_id"] == own.client_id
    assert body["resource"] == ARM
    assert body["token_type"] == "Bearer"
    assert int(body["expires_on"]) - int(body["expires_in"]) == site.clock.now().timestamp()


async def test_every_token_is_in_the_sign_in_log(
    site: Site, service: workload.MetadataService
) -> None:
    own = site.add_own_identity()
    await ask(service, site.resource.uid)

    (record,) = site.list_sign_ins()

    assert record["servicePrincipalId"] == own.object_id
    assert record["signInEventTypes"] == ["managedIdentity"]
    assert (record["ipAddress"], record["userAgent"]) == ("10.0.0.4", "az")


@pytest.mark.parametrize(
    ("variable", "field"),
    [
        ("client_id", "client_id"),
        ("object_id", "object_id"),
        ("principal_id", "object_id"),
        ("msi_res_id", ""),
        ("mi_res_id", ""),
    ],
)
async def test_one_of_several_identities_is_chosen(
    site: Site, service: workload.MetadataService, variable: str, field: str
) -> None:
    site.add_own_identity()
    site.add_user_identity("one")
    two = site.add_user_identity("two")
    value = getattr(two, field) if field else f"{USERS}/TWO"

    status, body = await ask(service, site.resource.uid, **{variable: value})

    assert (status, body["client_id"]) == (200, two.client_id)


async def test_the_only_identity_need_not_be_named(
    site: Site, service: workload.MetadataService
) -> None:
    one = site.add_user_identity("one")

    assert (await ask(service, site.resource.uid))[1]["client_id"] == one.client_id


async def test_of_several_one_must_be_named(site: Site, service: workload.MetadataService) -> None:
    site.add_user_identity("one")
    site.add_user_identity("two")

    status, body = await ask(service, site.resource.uid)

    assert status == 400
    assert body["error"] == "invalid_request"
    assert "Multiple user assigned identities" in body["error_description"]


async def test_another_groups_identity_is_not_found(
    site: Site, service: workload.MetadataService
) -> None:
    one = site.add_user_identity("one")
    foreign = site.store.write_now(
        lambda conn: identity.create_managed_identity(conn, "x", f"{TEXT}2", site.clock.now())
    )

    status, body = await ask(service, site.resource.uid, client_id=foreign.client_id)

    assert (status, body["error_description"]) == (400, "Identity not found")
    assert (await ask(service, "another-uid", client_id=one.client_id))[0] == 400


async def test_an_identity_that_was_deleted_gets_nothing(
    site: Site, service: workload.MetadataService
) -> None:
    site.delete_identity(site.add_own_identity())

    assert (await ask(service, site.resource.uid))[0] == 400


@pytest.mark.parametrize(
    ("query", "headers", "words"),
    [
        ({}, {}, "metadata header"),
        ({}, {"metadata": "false"}, "metadata header"),
        ({}, {"metadata": "true", "x-forwarded-for": "1.2.3.4"}, "X-Forwarded-For"),
        ({"api-version": ""}, None, "api-version"),
        ({"api-version": "2017-12-01"}, None, "api-version"),
        ({"api-version": "latest"}, None, "api-version"),
        ({"resource": ""}, None, "audience"),
        ({"client_id": "a", "object_id": "b"}, None, "At most one"),
        ({"x": "1&x=2"}, None, "twice"),
        ({"x": "%ff"}, None, "cannot be read"),
        ({"x": "y" * 5000}, None, "too long"),
        ({"x": "&a=1" * 30}, None, "cannot be read"),
    ],
)
async def test_a_request_that_is_not_imdss_gets_nothing(
    site: Site, service: workload.MetadataService, query: Any, headers: Any, words: str
) -> None:
    site.add_own_identity()

    status, body = await ask(service, site.resource.uid, headers=headers, **query)

    assert status == 400
    assert body["error"] == "invalid_request"
    assert words in body["error_description"]


async def test_an_unknown_api_is_refused_and_logged(
    site: Site, service: workload.MetadataService
) -> None:
    site.add_own_identity()

    status, body = await ask(service, site.resource.uid, resource="https://x.example")

    assert (status, body["error"]) == (400, "invalid_resource")
    assert site.list_sign_ins()[0]["status"]["errorCode"] == 500011


async def test_other_methods_and_paths_do_nothing(
    site: Site, service: workload.MetadataService
) -> None:
    site.add_own_identity()

    assert (await ask(service, site.resource.uid, method="POST"))[0] == 405
    assert (await ask(service, site.resource.uid, "/metadata/instance"))[0] == 404
    assert site.list_sign_ins() == []


async def test_app_services_form_works_with_the_groups_own_header(
    site: Site, service: workload.MetadataService
) -> None:
    own = site.add_own_identity()
    variables = dict(service.render_environment(site.resource.uid))
    path = variables["IDENTITY_ENDPOINT"].removeprefix("http://169.254.169.254")
    headers = {"x-identity-header": variables["IDENTITY_HEADER"]}
    version = {"api-version": "2019-08-01"}

    status, body = await ask(service, site.resource.uid, path, headers=headers, **version)

    assert status == 200
    assert verify(site, body["access_token"]) == own.object_id


async def test_app_services_form_needs_the_groups_own_header(
    site: Site, service: workload.MetadataService
) -> None:
    site.add_own_identity()
    other = dict(service.render_environment("another"))["IDENTITY_HEADER"]
    version = {"api-version": "2019-08-01"}

    for headers in ({}, {"metadata": "true"}, {"x-identity-header": other}):
        status, _ = await ask(service, site.resource.uid, "/msi/token", headers=headers, **version)
        assert status == 401


async def test_a_group_in_a_loop_is_slowed_down(
    site: Site, service: workload.MetadataService
) -> None:
    site.add_own_identity()
    uid = site.resource.uid
    seen = [(await ask(service, uid))[0] for _ in range(21)]

    assert seen == [200] * 20 + [429]
    site.clock.move(seconds=0.5)
    assert (await ask(service, uid))[0] == 200
    assert (await ask(service, uid))[0] == 429
    assert (await ask(service, "another"))[0] == 400


async def test_a_node_has_its_own_identities_and_not_the_clusters(site: Site) -> None:
    site.add_own_identity()
    of_nodes = site.add_user_identity("kubelet")
    found = workload.Assignment(of_nodes.object_id, of_nodes.client_id, "kubelet")
    asked = []

    def list_of_node(_conn: core.Connection, resource: arm.Resource) -> workload.Assigned:
        asked.append(resource.uid)
        return workload.Assigned(users=(found,))

    service = workload.MetadataService(site.issuer, site.resources, b"k" * 32, list_of_node)
    status, body = await ask(service, f"{site.resource.uid}.4")

    assert status == 200
    assert verify(site, body["access_token"]) == of_nodes.object_id
    assert asked == [site.resource.uid]


async def test_node_of_a_cluster_that_is_gone_gets_nothing(
    site: Site, service: workload.MetadataService
) -> None:
    site.add_own_identity()

    status, _ = await ask(service, f"{'0' * 32}.4")

    assert status == 400
