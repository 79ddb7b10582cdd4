import dataclasses
import json

import pytest

from silo import front
from silo.kube import issuing
from silo.providers import containerservice

from .cluster_world import K1, TENANT
from .test_entra import find_plan, make

ON = {"enabled": True}
OIDC = "https://oidc.silo.test:8443"


@pytest.fixture
def issuers(world):
    return containerservice.TokenIssuers(
        resources=world.resources, tenant=TENANT, address=OIDC, locate=world.clusters.locate
    )


async def ask(issuers, path, method="GET"):
    sent = []

    async def send(message):
        sent.append(message)

    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "headers": [],
        "silo": front.RequestContext("r1", "10.0.0.1", front.AZURE_URLS),
    }
    await containerservice.IssuerDoor(issuers)(scope, None, send)
    return sent[0]["status"], sent[1]["body"]


def give_keys(world):
    """Have the cluster's signing key be there, as it is once the cluster was started."""
    (uid,) = world.clusters.plans
    issuing.ensure_keys(world.clusters.locate(uid), 0)
    return uid


async def test_issuer_is_shown_and_planned(world):
    made = await make(world, oidcIssuerProfile=ON, securityProfile={"workloadIdentity": ON})
    plan = find_plan(world)

    issuer = f"{OIDC}/{TENANT}/{plan.uid}/"
    assert made["properties"]["oidcIssuerProfile"] == {"enabled": True, "issuerURL": issuer}
    assert made["properties"]["securityProfile"] == {"workloadIdentity": ON}
    assert (plan.issuer, plan.pod_identity) == (issuer, True)


async def test_cluster_without_it_has_none(world):
    made = await make(world)

    assert made["properties"]["oidcIssuerProfile"] == {"enabled": False}
    assert (find_plan(world).issuer, find_plan(world).pod_identity) == ("", False)


async def test_issuer_can_come_later_and_stays(world):
    await make(world)
    made = await make(world, oidcIssuerProfile=ON)
    issuer = made["properties"]["oidcIssuerProfile"]["issuerURL"]
    silent = await make(world)
    forged = await make(world, oidcIssuerProfile={**ON, "issuerURL": "https://evil.example/"})
    status, _, refused = await world.put(oidcIssuerProfile={"enabled": False})

    assert issuer.startswith(OIDC)
    for body in (silent, forged):
        assert body["properties"]["oidcIssuerProfile"]["issuerURL"] == issuer
    assert (status, refused["error"]["code"]) == (400, "OIDCIssuerFeatureCannotBeDisabled")


async def test_signing_key_is_rotated_where_there_is_an_issuer(world):
    path = f"{K1}/rotateServiceAccountSigningKeys"
    await make(world)
    status, _, refused = await world.ask("POST", path)
    await make(world, oidcIssuerProfile=ON)
    async with world.running():
        accepted, _, _ = await world.ask("POST", path)
        await world.wait_state()

    assert (status, refused["error"]["code"]) == (400, "OperationNotAllowed")
    assert accepted == 202
    assert find_plan(world).signing == 1


async def test_pods_identities_can_be_switched_off(world):
    both = {"oidcIssuerProfile": ON, "securityProfile": {"workloadIdentity": ON}}
    await make(world, **both)
    await make(world)
    assert find_plan(world).pod_identity

    await make(world, securityProfile={"workloadIdentity": {"enabled": False}})

    assert not find_plan(world).pod_identity
    assert find_plan(world).issuer


async def test_documents_are_for_everybody(world, issuers):
    made = await make(world, oidcIssuerProfile=ON)
    issuer = made["properties"]["oidcIssuerProfile"]["issuerURL"]
    uid = give_keys(world)
    base = f"/{TENANT}/{uid}"

    status, body = await ask(issuers, f"{base}/.well-known/openid-configuration")
    discovery = json.loads(body)
    assert (status, discovery["issuer"]) == (200, issuer)
    assert discovery["jwks_uri"] == f"{issuer}openid/v1/jwks"
    status, body = await ask(issuers, f"{base}/openid/v1/jwks")
    assert (status, json.loads(body)["keys"]) == (200, issuers.find_keys(issuer))
    assert await ask(issuers, f"{base}/openid/v1/jwks", "HEAD") == (200, b"")
    assert (await ask(issuers, f"{base}/openid/v1/jwks", "POST"))[0] == 405


async def test_documents_are_of_public_issuers_alone(world, issuers):
    await make(world)
    uid = give_keys(world)
    other = "00000000-0000-0000-0000-0000000000ff"

    for path in (f"/{TENANT}/{uid}", f"/{other}/{uid}", f"/{TENANT}/{other}", "", "/x/../y"):
        assert (await ask(issuers, f"{path}/openid/v1/jwks"))[0] == 404


async def test_keys_are_told_of_own_issuers_and_gone_with_the_cluster(world, issuers):
    made = await make(world, oidcIssuerProfile=ON)
    issuer = made["properties"]["oidcIssuerProfile"]["issuerURL"]
    assert issuers.find_keys(issuer) == []
    give_keys(world)

    assert [key["alg"] for key in issuers.find_keys(issuer)] == ["RS256"]
    assert issuers.find_keys(issuer.removesuffix("/")) == []
    assert issuers.find_keys(issuer.replace(TENANT, "x")) == []
    for foreign in ("https://token.example/", f"{OIDC}.evil.example/{TENANT}/x/", ""):
        assert issuers.find_keys(foreign) is None
    moved = dataclasses.replace(issuers, address="https://oidc.elsewhere.test")
    assert moved.find_keys(issuer) == issuers.find_keys(issuer)
    async with world.running():
        await world.ask("DELETE", K1)
    assert issuers.find_keys(issuer) == []
