"""``az login`` as programs do it: by secret, by certificate, by somebody else's token."""

import base64
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tools import foreign_issuer, programs
from tools.azure import Az
from tools.instance import SILO, Instance
from tools.strangers import az_path


@pytest.fixture(scope="module")
def github(
    issuer_certificate: foreign_issuer.Certificate,
) -> Iterator[foreign_issuer.ForeignIssuer]:
    with foreign_issuer.serving(issuer_certificate) as issuer:
        yield issuer


@pytest.fixture(scope="module")
def application(az: Az) -> str:
    """Return the appId of an application with a service principal that may read."""
    application: str = az("ad", "app", "create", "--display-name", "deployer")["appId"]
    az("ad", "sp", "create", "--id", application)
    scope = f"/subscriptions/{az.text('account', 'show', '--query', 'id')}"
    assign = ["role", "assignment", "create", "--assignee", application, "--role", "Reader"]
    az(*assign, "--scope", scope)
    return application


def claims(token: str) -> dict[str, object]:
    payload = token.split(".")[1]
    found: dict[str, object] = json.loads(base64.urlsafe_b64decode(payload + "=="))
    return found


def test_a_service_principal_signs_in_by_its_secret(silo: Instance, az: Az) -> None:
    account = az("account", "show")

    assert account["id"] == silo.subscription
    assert account["tenantId"] == silo.tenant
    assert account["user"]["type"] == "servicePrincipal"
    assert account["environmentName"] == "Silo"


def test_the_token_says_who_it_is_for_and_whose_it_is(silo: Instance, az: Az) -> None:
    found = claims(az.token())

    assert str(found["aud"]).rstrip("/") == "https://management.azure.com"
    assert found["tid"] == silo.tenant
    assert found["appid"] == silo.credentials["servicePrincipal"]["clientId"]
    assert found["idtyp"] == "app"
    assert {"oid", "sub", "iss", "iat", "nbf", "exp", "ver"} <= set(found)


def test_a_wrong_secret_is_refused_in_entras_words(
    silo: Instance, new_az: Callable[[], Az]
) -> None:
    client = silo.credentials["servicePrincipal"]["clientId"]
    login = ["login", "--service-principal", "-u", client, "-p", "wrong", "--tenant", silo.tenant]

    new_az().refused(*login, saying="AADSTS7000215")


def test_an_unknown_principal_is_refused(silo: Instance, new_az: Callable[[], Az]) -> None:
    nobody = "00000000-1111-2222-3333-444444444444"
    login = ["login", "--service-principal", "-u", nobody, "-p", "x", "--tenant", silo.tenant]

    new_az().refused(*login, saying="AADSTS700016")


@pytest.mark.parametrize("option", [[], ["--use-cert-sn-issuer"]], ids=["x5t", "x5c"])
def test_a_service_principal_signs_in_by_a_certificate(
    silo: Instance,
    az: Az,
    new_az: Callable[[], Az],
    unique: Callable[[str], str],
    option: list[str],
) -> None:
    made = az("ad", "sp", "create-for-rbac", "-n", unique("certified"), "--create-cert")
    az("role", "assignment", "create", "--assignee", made["appId"], "--role", "Reader",
       "--scope", f"/subscriptions/{silo.subscription}")  # fmt: skip
    person = new_az()

    person("login", "--service-principal", "-u", made["appId"], "--tenant", silo.tenant,
           "--certificate", made["fileWithCertAndPrivateKey"], *option)  # fmt: skip

    assert person("account", "show")["user"]["name"] == made["appId"]
    assert person("group", "list") is not None
    Path(made["fileWithCertAndPrivateKey"]).unlink()


def test_the_certificate_of_another_principal_is_refused(
    silo: Instance, az: Az, new_az: Callable[[], Az], unique: Callable[[str], str]
) -> None:
    first = az("ad", "sp", "create-for-rbac", "-n", unique("certified"), "--create-cert")
    other = az("ad", "sp", "create-for-rbac", "-n", unique("certified"), "--create-cert")

    new_az().refused(
        *("login", "--service-principal", "-u", first["appId"], "--tenant", silo.tenant),
        *("--certificate", other["fileWithCertAndPrivateKey"]),
        saying="AADSTS700027",
    )
    Path(first["fileWithCertAndPrivateKey"]).unlink()
    Path(other["fileWithCertAndPrivateKey"]).unlink()


def federated_login(silo: Instance, client: str, token: str) -> list[str]:
    sign_in = ["login", "--service-principal", "-u", client, "--tenant", silo.tenant]
    return [*sign_in, "--federated-token", token]


@pytest.fixture(scope="module")
def federated(az: Az, application: str, github: foreign_issuer.ForeignIssuer) -> str:
    """Return an appId that trusts one subject of the foreign issuer."""
    credential = {
        "name": "main-branch",
        "issuer": github.url,
        "subject": "repo:me/app:ref:refs/heads/main",
        "audiences": [foreign_issuer.AUDIENCE],
    }
    create = ["ad", "app", "federated-credential", "create", "--id", application]
    az(*create, "--parameters", json.dumps(credential))
    return application


def test_a_service_principal_signs_in_by_a_foreign_issuers_token(
    silo: Instance,
    new_az: Callable[[], Az],
    federated: str,
    github: foreign_issuer.ForeignIssuer,
) -> None:
    person = new_az()

    person(*federated_login(silo, federated, github.sign("repo:me/app:ref:refs/heads/main")))

    assert person("account", "show")["user"]["name"] == federated


@pytest.mark.parametrize(
    ("subject", "change"),
    [
        ("repo:me/app:ref:refs/heads/evil", {}),
        ("repo:me/app:ref:refs/heads/main", {"aud": "api://somebody-else"}),
        ("repo:me/app:ref:refs/heads/main", {"exp": 1}),
        ("repo:me/app:ref:refs/heads/main", {"iss": "https://127.0.0.1:1"}),
    ],
    ids=["subject", "audience", "expired", "issuer"],
)
def test_a_foreign_token_that_does_not_fit_is_refused(
    silo: Instance,
    new_az: Callable[[], Az],
    federated: str,
    github: foreign_issuer.ForeignIssuer,
    subject: str,
    change: dict[str, object],
) -> None:
    token = github.sign(subject, **change)

    new_az().refused(*federated_login(silo, federated, token), saying="AADSTS")


def test_a_foreign_token_of_another_key_is_refused(
    silo: Instance,
    new_az: Callable[[], Az],
    federated: str,
    github: foreign_issuer.ForeignIssuer,
    issuer_certificate: foreign_issuer.Certificate,
) -> None:
    with foreign_issuer.serving(issuer_certificate) as other:
        token = other.sign("repo:me/app:ref:refs/heads/main", iss=github.url)

        new_az().refused(*federated_login(silo, federated, token), saying="AADSTS")


def test_a_user_signs_in_by_password(silo: Instance, admin: Az) -> None:
    person = silo.credentials["administrator"]["userPrincipalName"]

    assert admin("account", "show")["user"] == {"name": person, "type": "user"}
    assert admin("ad", "signed-in-user", "show")["userPrincipalName"] == person
    assert claims(admin.token())["scp"] == "user_impersonation"


def test_a_wrong_password_is_refused(silo: Instance, new_az: Callable[[], Az]) -> None:
    person = silo.credentials["administrator"]["userPrincipalName"]

    new_az().refused("login", "-u", person, "-p", "wrong", saying="AADSTS50126")


def test_tenants_and_locations_are_listed(silo: Instance, admin: Az) -> None:
    tenants = admin("rest", "-m", "get", "-u", "/tenants?api-version=2022-12-01")["value"]
    locations = {item["name"] for item in admin("account", "list-locations")}

    assert [tenant["tenantId"] for tenant in tenants] == [silo.tenant]
    assert "westeurope" in locations


def test_signing_out_leaves_nothing_that_works(silo: Instance, new_az: Callable[[], Az]) -> None:
    principal = silo.credentials["servicePrincipal"]
    person = new_az().sign_in(silo.tenant, principal["clientId"], principal["clientSecret"])

    person("logout")

    person.refused("group", "list", saying="az login")


def test_silo_exec_runs_az_in_the_same_environment(silo: Instance, folder: Path) -> None:
    variables = programs.plain_environment(XDG_CONFIG_HOME=str(folder / "exec"))
    command = [SILO, "exec", "--state", silo.state, "--", az_path(), "cloud", "show"]

    outcome = programs.run(command, variables)

    assert programs.succeed(outcome).json["name"] == "Silo"
