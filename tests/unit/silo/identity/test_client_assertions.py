import base64
import hashlib
import uuid
from datetime import timedelta
from typing import Any

import httpx2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from joserfc import jws, jwt
from joserfc.jwk import RSAKey
from tests.unit.silo.identity.conftest import FakeClock
from tests.unit.silo.identity.sign_in_world import LOGIN, World

from silo import identity
from silo.identity.client_assertions import ASSERTION_TYPE
from silo.identity.credentials import replace_key_credentials
from silo.identity.federation import Federation

FOREIGN = "https://token.actions.example"
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
OTHER_KEY = RSAKey.generate_key(2048, auto_kid=True)


def make_jwk() -> RSAKey:
    return RSAKey.import_key(
        KEY.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ),
        {"kid": "foreign"},
    )


def register_certificate(world: World) -> bytes:
    now = world.issuer.clock.now()
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "robot")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(KEY.public_key())
        .serial_number(1)
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=10))
        .sign(KEY, hashes.SHA256())
    )
    der = certificate.public_bytes(serialization.Encoding.DER)
    credential = identity.KeyCredential(
        key_id=str(uuid.uuid4()),
        object_id=world.application.id,
        display_name="",
        thumbprint=hashlib.sha1(der).hexdigest().upper(),
        certificate=der,
        start=now,
        end=now + timedelta(days=10),
    )
    world.issuer.store.write_now(
        lambda conn: replace_key_credentials(conn, world.application.id, (credential,))
    )
    return der


def make_assertion(
    world: World, der: bytes, *, alg: str = "RS256", header: Any = None, **changes: Any
) -> str:
    now = world.issuer.clock.now().timestamp()
    app_id = world.application.app_id
    claims = {
        "iss": app_id,
        "sub": app_id,
        "aud": f"{LOGIN}/common/oauth2/v2.0/token",
        "exp": now + 600.5,
        "iat": now + 0.25,
        "jti": str(uuid.uuid4()),
    } | changes
    thumbprint = base64.urlsafe_b64encode(hashlib.sha1(der).digest()).decode()
    registry = jws.JWSRegistry(algorithms=[alg])
    registry.max_header_length = 16_384
    return jwt.encode(
        {"alg": alg, "typ": "JWT"} | (header or {"x5t": thumbprint}),
        claims,
        make_jwk(),
        registry=registry,
    )


async def present(world: World, assertion: str) -> Any:
    return await world.sign_in_client(
        client_secret="", client_assertion_type=ASSERTION_TYPE, client_assertion=assertion
    )


async def test_a_certificate_signs_in_as_msal_does_it(world: World) -> None:
    der = register_certificate(world)

    answer = await present(world, make_assertion(world, der))

    assert answer.status_code == 200, answer.text


async def test_newer_clients_sign_ps256_with_a_sha256_thumbprint(world: World) -> None:
    der = register_certificate(world)
    thumbprint = base64.urlsafe_b64encode(hashlib.sha256(der).digest()).decode().rstrip("=")

    answer = await present(
        world, make_assertion(world, der, alg="PS256", header={"x5t#S256": thumbprint})
    )

    assert answer.status_code == 200, answer.text


async def test_a_chain_in_the_header_is_no_obstacle(world: World) -> None:
    """``--use-cert-sn-issuer`` sends x5c with newlines in it."""
    der = register_certificate(world)
    thumbprint = base64.urlsafe_b64encode(hashlib.sha1(der).digest()).decode()
    chain = [base64.encodebytes(der).decode()]

    answer = await present(
        world, make_assertion(world, der, header={"x5t": thumbprint, "x5c": chain})
    )

    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize(
    ("changes", "number"),
    [
        ({"aud": "https://evil.example/token"}, 700023),
        ({"exp": 1.0}, 700024),
        ({"exp": None}, 700024),
        ({"exp": 99_999_999_999}, 700024),
        ({"iat": 9_999_999_999.5}, 700024),
        ({"sub": "other"}, 700027),
    ],
)
async def test_an_assertion_that_does_not_fit_is_refused(
    world: World, changes: dict[str, Any], number: int
) -> None:
    der = register_certificate(world)

    answer = await present(world, make_assertion(world, der, **changes))

    assert answer.status_code == 401
    assert answer.json()["error_codes"] == [number]


async def test_an_unregistered_certificate_is_refused(world: World) -> None:
    answer = await present(world, make_assertion(world, b"not registered"))

    assert answer.json()["error_codes"] == [700027]


async def test_an_expired_certificate_is_refused(world: World, clock: FakeClock) -> None:
    der = register_certificate(world)
    clock.move(days=11)

    assert (await present(world, make_assertion(world, der))).status_code == 401


async def test_a_tampered_assertion_is_refused(world: World) -> None:
    der = register_certificate(world)
    head, claims, signature = make_assertion(world, der).split(".")
    other = make_assertion(world, der).split(".")[1]

    for text in (f"{head}.{other}.{signature}", f"{head}.{claims}.", "x.y.z", "ü"):
        assert (await present(world, text)).status_code == 401


async def test_an_assertion_is_bound_to_its_first_address(world: World) -> None:
    assertion = make_assertion(world, register_certificate(world))
    for _ in range(2):
        assert (await present(world, assertion)).status_code == 200

    world.client_ip = "198.51.100.7"

    assert (await present(world, assertion)).json()["error_codes"] == [700026]


def federate(world: World, issuer: str = FOREIGN) -> None:
    credential = identity.FederatedCredential(
        id=str(uuid.uuid4()),
        object_id=world.application.id,
        name="ci",
        issuer=issuer,
        subject="repo:a/b",
        audiences=("api://AzureADTokenExchange",),
    )
    world.issuer.store.write_now(lambda conn: identity.put_federated_credential(conn, credential))


def make_foreign_token(world: World, key: RSAKey | None = None, **changes: Any) -> str:
    now = world.issuer.clock.now().timestamp()
    claims = {
        "iss": FOREIGN,
        "sub": "repo:a/b",
        "aud": "api://AzureADTokenExchange",
        "exp": now + 300,
    } | changes
    return jwt.encode({"alg": "RS256", "kid": "foreign"}, claims, key or make_jwk())


def serve(world: World, documents: dict[str, Any]) -> list[str]:
    """Let the world's federation read these documents instead of the internet's."""
    asked: list[str] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        asked.append(str(request.url))
        document = documents.get(str(request.url))
        if document is None:
            return httpx2.Response(302, headers={"location": "http://127.0.0.1/"})
        return httpx2.Response(200, json=document)

    federation = Federation(world.issuer.clock, transport=httpx2.MockTransport(answer))
    object.__setattr__(world.issuer, "federation", federation)
    return asked


def make_documents(**changes: Any) -> dict[str, Any]:
    discovery = {"issuer": FOREIGN, "jwks_uri": f"{FOREIGN}/keys"} | changes
    public = make_jwk().as_dict(private=False) | {"kid": "foreign"}
    return {
        f"{FOREIGN}/.well-known/openid-configuration": discovery,
        f"{FOREIGN}/keys": {"keys": [public]},
    }


async def test_a_foreign_token_signs_in_and_its_keys_are_remembered(world: World) -> None:
    federate(world)
    asked = serve(world, make_documents())

    for _ in range(2):
        answer = await present(world, make_foreign_token(world))
        assert answer.status_code == 200, answer.text

    assert len(asked) == 2


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"iss": "https://evil.example"}, 700211),
        ({"iss": f"{FOREIGN}/"}, 700211),
        ({"sub": "repo:a/c"}, 700213),
        ({"sub": "REPO:a/b"}, 700213),
        ({"sub": 7}, 700213),
        ({"aud": "x"}, 700212),
    ],
)
async def test_only_issuers_that_a_credential_names_are_called(
    world: World, changes: dict[str, Any], code: int
) -> None:
    federate(world)
    asked = serve(world, make_documents())

    answer = await present(world, make_foreign_token(world, **changes))

    assert answer.json()["error_codes"] == [code]
    assert asked == []


async def test_refused_assertions_are_slowed_down_and_lock_nobody_out(
    world: World, clock: FakeClock
) -> None:
    federate(world)
    serve(world, make_documents())
    wrong = make_foreign_token(world, sub="repo:a/c")
    for _ in range(60):
        assert (await present(world, wrong)).status_code == 401

    slowed = await present(world, wrong)
    forged = await present(world, make_foreign_token(world, OTHER_KEY))

    assert (slowed.status_code, forged.status_code) == (429, 429)
    assert slowed.headers["retry-after"]
    assert len(world.list_sign_ins()) == 60
    assert (await present(world, make_foreign_token(world))).status_code == 200
    assert (await present(world, make_assertion(world, register_certificate(world)))).is_success
    world.client_ip = "198.51.100.7"
    assert (await present(world, wrong)).status_code == 401
    world.client_ip = "192.0.2.1"
    clock.move(minutes=1)
    assert (await present(world, wrong)).status_code == 401


async def test_keys_of_an_own_cluster_need_no_call(world: World) -> None:
    public = make_jwk().as_dict(private=False) | {"kid": "foreign"}
    keys: dict[str, list[Any]] = {FOREIGN: [public]}
    federate(world)
    asked = serve(world, {})
    federation = Federation(world.issuer.clock, find_own=keys.get)
    object.__setattr__(world.issuer, "federation", federation)

    assert (await present(world, make_foreign_token(world))).status_code == 200
    keys[FOREIGN] = []
    gone = await present(world, make_foreign_token(world))

    assert gone.json()["error_codes"] == [50166]
    assert asked == []


async def test_whoever_trusts_nobody_is_told_so(world: World) -> None:
    asked = serve(world, make_documents())

    answer = await present(world, make_foreign_token(world))

    assert answer.json()["error_codes"] == [70025]
    assert asked == []


async def test_a_foreign_token_of_another_key_is_refused(world: World) -> None:
    federate(world)
    serve(world, make_documents())

    answer = await present(world, make_foreign_token(world, RSAKey.generate_key(2048)))

    assert answer.json()["error_codes"] == [700027]


async def test_an_expired_foreign_token_is_refused(world: World) -> None:
    federate(world)
    serve(world, make_documents())

    answer = await present(world, make_foreign_token(world, exp=5))

    assert answer.status_code == 401
    assert answer.json()["error_codes"] == [700024]


@pytest.mark.parametrize(
    "changes",
    [
        {"issuer": "https://other.example"},
        {"jwks_uri": "http://127.0.0.1/keys"},
        {"jwks_uri": f"{FOREIGN}/elsewhere"},
        {"jwks_uri": None},
    ],
)
async def test_a_foreign_issuer_cannot_lead_us_astray(
    world: World, changes: dict[str, Any]
) -> None:
    federate(world)
    asked = serve(world, make_documents(**changes))

    answer = await present(world, make_foreign_token(world))

    assert answer.json()["error_codes"] == [50166]
    assert not any(url.startswith("http://127") for url in asked)


async def test_our_own_managed_identities_need_no_call(world: World) -> None:
    own = min(world.issuer.issuers)
    federate(world, own)
    asked = serve(world, {})
    now = world.issuer.clock.now().timestamp()
    token = world.issuer.keys.sign(
        {
            "iss": own,
            "sub": "repo:a/b",
            "aud": "api://AzureADTokenExchange",
            "exp": int(now) + 60,
        }
    )

    assert (await present(world, token)).status_code == 200
    assert asked == []


def test_plain_http_is_only_for_this_machine() -> None:
    from silo.identity.federation import _check_url

    _check_url("http://127.0.0.1:8080/issuer", plain=True)
    for url in ("http://10.0.0.1/", "http://127.0.0.1.evil.example/", "ftp://x/", "https://a@b/"):
        with pytest.raises(ValueError, match="address"):
            _check_url(url, plain=True)
