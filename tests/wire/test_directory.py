"""``az ad``: people, groups, applications and what they sign in with."""

import json
from collections.abc import Callable

from tools.azure import Az
from tools.instance import Instance

PASSWORD = "Correct-Horse-9-Battery"


def domain(silo: Instance) -> str:
    name: str = silo.credentials["administrator"]["userPrincipalName"]
    return name.partition("@")[2]


def test_a_user_is_made_found_changed_signed_in_disabled_and_deleted(
    silo: Instance, az: Az, new_az: Callable[[], Az], unique: Callable[[str], str]
) -> None:
    name = unique("anna")
    upn = f"{name}@{domain(silo)}"
    create = ["ad", "user", "create", "--display-name", f"Anna {name}", "--password", PASSWORD]
    login = ["login", "-u", upn, "-p", PASSWORD, "--allow-no-subscriptions"]

    made = az(*create, "--user-principal-name", upn)
    assert az("ad", "user", "show", "--id", upn)["id"] == made["id"]
    found = az("ad", "user", "list", "--display-name", f"Anna {name}")
    assert [user["id"] for user in found] == [made["id"]]
    az("ad", "user", "update", "--id", upn, "--display-name", "Anna Other")
    assert az("ad", "user", "show", "--id", made["id"])["displayName"] == "Anna Other"
    new_az()(*login)
    az("ad", "user", "update", "--id", upn, "--account-enabled", "false")
    new_az().refused(*login, saying="AADSTS50057")
    az("ad", "user", "delete", "--id", upn)
    az.refused("ad", "user", "show", "--id", upn, saying="does not exist")
    # Not Entra's AADSTS50034: nobody is to learn which names exist.
    new_az().refused(*login, saying="AADSTS50126")


def test_groups_have_members(silo: Instance, az: Az, unique: Callable[[str], str]) -> None:
    name, upn = unique("crew"), f"{unique('bert')}@{domain(silo)}"
    group = az("ad", "group", "create", "--display-name", name, "--mail-nickname", name)
    user = az(*("ad", "user", "create", "--display-name", "Bert", "--password", PASSWORD),
              *("--user-principal-name", upn))["id"]  # fmt: skip
    member = ["-g", name, "--member-id", user]

    az("ad", "group", "member", "add", *member)
    assert az("ad", "group", "member", "check", *member) == {"value": True}
    assert [item["id"] for item in az("ad", "group", "member", "list", "-g", name)] == [user]
    groups = az("ad", "user", "get-member-groups", "--id", upn)
    assert [item["id"] for item in groups] == [group["id"]]
    az("ad", "group", "member", "remove", *member)
    assert az("ad", "group", "member", "check", *member) == {"value": False}
    assert az("ad", "group", "show", "-g", name)["id"] == group["id"]
    az("ad", "group", "delete", "-g", name)
    assert az("ad", "group", "list", "--display-name", name) == []


def test_an_application_and_its_principal(az: Az, unique: Callable[[str], str]) -> None:
    name = unique("app")
    application = az("ad", "app", "create", "--display-name", name)

    principal = az("ad", "sp", "create", "--id", application["appId"])
    assert az("ad", "sp", "show", "--id", application["appId"])["id"] == principal["id"]
    assert [item["appId"] for item in az("ad", "app", "list", "--display-name", name)] == [
        application["appId"]
    ]
    az("ad", "app", "update", "--id", application["appId"], "--display-name", f"{name}-two")
    shown = az("ad", "app", "show", "--id", application["appId"])
    assert shown["displayName"] == f"{name}-two"
    az("ad", "sp", "delete", "--id", application["appId"])
    az("ad", "app", "delete", "--id", application["appId"])
    az.refused("ad", "app", "show", "--id", application["appId"], saying="does not exist")


def test_a_reset_secret_ends_the_old_one(
    silo: Instance, az: Az, new_az: Callable[[], Az], unique: Callable[[str], str]
) -> None:
    made = az("ad", "sp", "create-for-rbac", "-n", unique("resetting"))
    login = ["login", "--service-principal", "-u", made["appId"], "--tenant", silo.tenant]
    login.append("--allow-no-subscriptions")
    new_az()(*login, "-p", made["password"])

    fresh = az("ad", "app", "credential", "reset", "--id", made["appId"])

    new_az()(*login, "-p", fresh["password"])
    new_az().refused(*login, "-p", made["password"], saying="AADSTS7000215")
    listed = az("ad", "app", "credential", "list", "--id", made["appId"])
    assert len(listed) == 1
    assert made["password"] not in json.dumps(listed)


def test_create_for_rbac_again_keeps_the_application(az: Az, unique: Callable[[str], str]) -> None:
    name = unique("again")

    first = az("ad", "sp", "create-for-rbac", "-n", name)
    second = az("ad", "sp", "create-for-rbac", "-n", name)

    assert first["appId"] == second["appId"]
    assert first["password"] != second["password"]


def test_a_principal_without_rights_reads_the_directory_and_writes_nothing(
    silo: Instance, az: Az, new_az: Callable[[], Az], unique: Callable[[str], str]
) -> None:
    made = az("ad", "sp", "create-for-rbac", "-n", unique("nobody"))
    person = new_az()
    person(*("login", "--service-principal", "-u", made["appId"], "-p", made["password"]),
           *("--tenant", silo.tenant, "--allow-no-subscriptions"))  # fmt: skip

    name = unique("mine")
    person.refused("ad", "group", "create", "--display-name", name, "--mail-nickname", name,
                   saying="Insufficient privileges")  # fmt: skip
    upn = silo.credentials["administrator"]["userPrincipalName"]
    person.refused("ad", "user", "update", "--id", upn, "--password", PASSWORD)


def test_managed_identities_are_made_listed_given_rights_and_trust(
    az: Az, make_group: Callable[[], str]
) -> None:
    group = make_group()

    made = az("identity", "create", "-n", "worker", "-g", group)
    assert {"principalId", "clientId", "tenantId"} <= set(made)
    assert [item["id"] for item in az("identity", "list", "-g", group)] == [made["id"]]
    assert az("ad", "sp", "show", "--id", made["clientId"])["id"] == made["principalId"]
    scope = made["id"].split("/providers/")[0]
    assign = ["role", "assignment", "create", "--assignee", made["principalId"], "--role", "Reader"]
    assert az(*assign, "--scope", scope)["principalId"] == made["principalId"]
    az(
        *("identity", "federated-credential", "create", "-n", "cluster", "-g", group),
        *("--identity-name", "worker", "--issuer", "https://example.org/"),
        *("--subject", "system:serviceaccount:a:b", "--audiences", "api://AzureADTokenExchange"),
    )
    listing = ["identity", "federated-credential", "list", "--identity-name", "worker"]
    assert [item["name"] for item in az(*listing, "-g", group)] == ["cluster"]
    named = ["--identity-name", "worker", "-g", group, "-n", "cluster"]
    shown = az("identity", "federated-credential", "show", *named)
    assert shown["subject"] == "system:serviceaccount:a:b"
    az("identity", "federated-credential", "delete", *named, "--yes")
    assert az(*listing, "-g", group) == []
    az("identity", "delete", "-n", "worker", "-g", group)
    az.refused("ad", "sp", "show", "--id", made["clientId"], saying="does not exist")
