"""Promises of silo.identity.credentials."""

import uuid
from datetime import timedelta

import pytest
from tests.unit.silo.identity.graph_client import Graph

from silo import core, identity
from silo.identity import credentials


def make(object_id: str, name: str = "gh", subject: str = "repo:x") -> identity.FederatedCredential:
    return identity.FederatedCredential(
        str(uuid.uuid5(uuid.NAMESPACE_URL, name)),
        object_id,
        name,
        "https://issuer.test",
        subject,
        ("api://AzureADTokenExchange",),
    )


def test_a_password_is_hashed_with_argon2id_and_verified() -> None:
    hashed = credentials.hash_password("Correct-Horse-9")

    assert hashed.startswith("$argon2id$")
    assert credentials.verify_password(hashed, "Correct-Horse-9")
    assert not credentials.verify_password(hashed, "correct-horse-9")
    assert not credentials.verify_password(hashed, "\udcff")
    assert not credentials.verify_password("not a hash", "Correct-Horse-9")


def test_secrets_are_long_random_and_never_stored(graph: Graph) -> None:
    application, app_id, _ = graph.add_application("app")
    now = graph.clock.now()

    credential, secret = graph.store.write_now(
        lambda conn: identity.add_password_credential(
            conn, application, display_name="one", start=now, end=now + timedelta(days=1)
        )
    )

    assert len(secret) == 40
    [found] = graph.store.read_now(lambda c: credentials.list_sign_in_passwords(c, app_id))
    assert found == credential
    assert credentials.matches_secret(found, secret)
    assert not credentials.matches_secret(found, secret[:-1])
    assert not credentials.matches_secret(found, "\udcff")
    assert secret not in repr(found)


def test_a_secret_of_the_service_principal_counts_like_its_applications(graph: Graph) -> None:
    _, app_id, principal = graph.add_application("app")
    now = graph.clock.now()

    graph.store.write_now(
        lambda conn: identity.add_password_credential(
            conn, principal, display_name="", start=now, end=now + timedelta(days=1)
        )
    )

    assert len(graph.store.read_now(lambda c: credentials.list_sign_in_passwords(c, app_id))) == 1


def test_a_secret_that_ends_before_it_starts_is_refused(graph: Graph) -> None:
    application, _, _ = graph.add_application("app")
    now = graph.clock.now()

    with pytest.raises(identity.PropertyInvalid):
        graph.store.write_now(
            lambda conn: identity.add_password_credential(
                conn, application, display_name="", start=now, end=now
            )
        )


def test_federated_credentials_are_unique_by_name_and_by_subject(graph: Graph) -> None:
    application, _, _ = graph.add_application("app")

    def put(credential: identity.FederatedCredential) -> None:
        graph.store.write_now(lambda conn: identity.put_federated_credential(conn, credential))

    put(make(application))
    put(make(application))
    with pytest.raises(identity.ObjectConflict):
        put(make(application, name="other"))
    with pytest.raises(identity.ObjectConflict):
        put(identity.FederatedCredential("x", application, "GH", "https://i", "s", ("a",)))

    def read(conn: core.Connection) -> tuple[identity.FederatedCredential, ...]:
        return identity.list_federated_credentials(conn, application)

    assert graph.store.read_now(read) == (make(application),)


def test_a_managed_identity_may_trust_an_issuer_and_an_applications_principal_may_not(
    graph: Graph,
) -> None:
    _, _, principal = graph.add_application("app")
    made = graph.store.write_now(
        lambda conn: identity.create_managed_identity(conn, "i", "/x", graph.clock.now())
    )

    graph.store.write_now(
        lambda conn: identity.put_federated_credential(conn, make(made.object_id))
    )

    found = graph.store.read_now(
        lambda conn: credentials.list_sign_in_federations(conn, made.client_id)
    )
    assert [each.name for each in found] == ["gh"]
    for object_id in (principal, "nobody"):
        with pytest.raises(identity.ObjectNotFound):
            graph.store.write_now(
                lambda conn, oid=object_id: identity.put_federated_credential(conn, make(oid))
            )


def test_a_deleted_federated_credential_is_gone(graph: Graph) -> None:
    application, _, _ = graph.add_application("app")
    graph.store.write_now(lambda conn: identity.put_federated_credential(conn, make(application)))

    def delete(conn: core.Connection) -> bool:
        return identity.delete_federated_credential(conn, application, "GH")

    assert graph.store.write_now(delete)
    assert not graph.store.write_now(delete)


def test_at_most_twenty_federated_credentials(graph: Graph) -> None:
    application, _, _ = graph.add_application("app")

    def put(number: int) -> None:
        credential = identity.FederatedCredential(
            str(number), application, f"n{number}", "https://i", f"s{number}", ("a",)
        )
        graph.store.write_now(lambda conn: identity.put_federated_credential(conn, credential))

    for number in range(20):
        put(number)
    with pytest.raises(identity.PropertyInvalid):
        put(20)
