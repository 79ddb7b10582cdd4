"""Managed identities in containers: tokens for who runs there, images without passwords."""

import base64
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from tools.azure import Az, Registry
from tools.containers import ContainerGroup, Image

MANAGEMENT = "https://management.azure.com/"


@pytest.fixture(scope="module")
def identity(az: Az, containers_group: str, unique: Callable[[str], str]) -> dict[str, Any]:
    made: dict[str, Any] = az("identity", "create", "-g", containers_group, "-n", unique("worker"))
    return made


def claims_of(told: dict[str, Any]) -> dict[str, Any]:
    assert told["status"] == 200, told
    payload = told["json"]["access_token"].split(".")[1]
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=="))
    return claims


@pytest.fixture(scope="module")
def worker(
    make_container: Callable[..., ContainerGroup], identity: dict[str, Any]
) -> ContainerGroup:
    assigned = ("--assign-identity", "[system]", identity["id"])
    made = make_container("/bin/probe sleep", *assigned)
    made.wait("Running")
    return made


@pytest.mark.parametrize("form", ["imds", "endpoint"])
def test_the_systems_identity_has_tokens_inside(worker: ContainerGroup, form: str) -> None:
    principal = worker.show()["identity"]["principalId"]

    claims = claims_of(worker.probe(f"token {MANAGEMENT} {form}"))

    assert claims["oid"] == principal
    assert claims["aud"] == MANAGEMENT


@pytest.mark.parametrize("name", ["client_id", "mi_res_id"])
def test_an_assigned_identity_is_asked_for_by_its_name(
    worker: ContainerGroup, identity: dict[str, Any], name: str
) -> None:
    value = identity["clientId"] if name == "client_id" else identity["id"]

    claims = claims_of(worker.probe(f"token {MANAGEMENT} imds {name}={value}"))

    assert claims["oid"] == identity["principalId"]


def test_a_request_without_its_header_is_refused(worker: ContainerGroup) -> None:
    url = "http://169.254.169.254/metadata/identity/oauth2/token?api-version=2018-02-01"

    assert worker.probe(f"ask {url}&resource={MANAGEMENT}")["status"] == 400
    wrong = worker.probe(f"ask {url}&resource={MANAGEMENT} Metadata=true X-Forwarded-For=10.0.0.1")
    assert wrong["status"] == 400


def test_a_group_without_identity_has_no_tokens(
    make_container: Callable[..., ContainerGroup], identity: dict[str, Any]
) -> None:
    nobody = make_container("/bin/probe sleep")
    nobody.wait("Running")

    told = nobody.probe(f"token {MANAGEMENT}")
    other = nobody.probe(f"token {MANAGEMENT} imds client_id={identity['clientId']}")

    assert told.get("status", 400) == 400
    assert other.get("status", 400) == 400
    assert "access_token" not in json.dumps([told, other])


def test_an_image_is_pulled_with_an_identity_that_may(
    az: Az,
    containers_group: str,
    probe_image: Image,
    registry: Registry,
    unique: Callable[[str], str],
) -> None:
    name = unique("puller")
    made = az("identity", "create", "-g", containers_group, "-n", name)
    group = ContainerGroup(az, containers_group, unique("byidentity"))
    create = ["create", "--image", probe_image.reference, "--os-type", "Linux"]
    create += ["--cpu", "0.2", "--memory", "0.2", "--assign-identity", made["id"]]
    create += ["--acr-identity", made["id"], "--registry-login-server", probe_image.server]
    create += ["--restart-policy", "Never", "--command-line", "/bin/probe echo pulled"]

    az.refused("container", *create[:1], *group.names, *create[1:], saying="InaccessibleImage")
    az(
        *("role", "assignment", "create", "--role", "AcrPull", "--scope", registry.id),
        *("--assignee-object-id", made["principalId"]),
        *("--assignee-principal-type", "ServicePrincipal"),
    )
    group.do(*create)
    group.wait("Succeeded")
    assert group.logs().strip() == "pulled"
    group.do("delete", "--yes")


def test_an_identity_of_somebody_else_is_not_assigned(
    az: Az,
    containers_group: str,
    probe_image: Image,
    identity: dict[str, Any],
    make_group: Callable[[], str],
    make_principal: Callable[..., Any],
    unique: Callable[[str], str],
    silo: Any,
    new_az: Callable[[], Az],
) -> None:
    other = make_group()
    someone = make_principal("Contributor", az("group", "show", "-n", other)["id"])
    theirs = new_az().sign_in(silo.tenant, someone.client_id, someone.secret)
    group = replace(ContainerGroup(az, other, unique("thief")), az=theirs)
    create = ["container", "create", *group.names, "--image", probe_image.reference]
    create += [*probe_image.credentials, "--os-type", "Linux", "--cpu", "0.2", "--memory", "0.2"]

    theirs.refused(*create, "--assign-identity", identity["id"], saying="LinkedAuthorizationFailed")
