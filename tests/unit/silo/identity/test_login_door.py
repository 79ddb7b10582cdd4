import base64
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.unit.silo.identity.sign_in_world import AZ, World
from tests.unit.silo.identity.test_authorize import make_url

from silo import core, identity

TEXT = st.text(max_size=60)
FUZZ = settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
NAMES = st.sampled_from(
    [
        "client_id",
        "scope",
        "resource",
        "code",
        "refresh_token",
        "client_secret",
        "client_assertion",
        "client_assertion_type",
        "username",
        "password",
        "redirect_uri",
        "claims",
        "device_code",
    ]
)
GRANTS = st.sampled_from(
    ["authorization_code", "client_credentials", "refresh_token", "password", "device_code"]
)


@FUZZ
@given(grant=GRANTS, fields=st.dictionaries(NAMES, TEXT), known=st.booleans())
async def test_no_form_breaks_the_token_endpoint(
    world: World, grant: str, fields: dict[str, str], known: bool
) -> None:
    fields = fields | {"grant_type": grant} | ({"client_id": AZ} if known else {})

    answer = await world.post("/common/oauth2/token", **fields)

    assert 400 <= answer.status_code < 500
    assert answer.json()["error_codes"]


@FUZZ
@given(name=st.sampled_from(["redirect_uri", "scope", "state", "prompt", "claims"]), value=TEXT)
async def test_no_query_breaks_the_authorize_endpoint(world: World, name: str, value: str) -> None:
    async with world.open_client() as client:
        answer = await client.get(make_url(**{name: value}))

    assert answer.status_code < 500


HEADERS = st.fixed_dictionaries(
    {"alg": st.sampled_from(["RS256", "none", "HS256", 5, None, ["RS256"]])},
    optional={
        "kid": st.none() | st.integers() | TEXT,
        "x5t": st.none() | st.integers() | TEXT,
        "crit": st.lists(TEXT),
        "b64": st.booleans(),
        "jwk": st.dictionaries(TEXT, TEXT),
    },
)
CLAIMS = st.one_of(
    st.none(),
    st.lists(st.integers()),
    st.dictionaries(
        st.sampled_from(["iss", "sub", "aud", "exp", "iat", "nbf", "oid"]),
        st.none() | st.floats() | st.integers() | TEXT | st.lists(TEXT),
    ),
)


@FUZZ
@given(header=HEADERS, claims=CLAIMS, signature=st.binary(max_size=300))
async def test_no_token_breaks_the_verifier_or_an_assertion(
    world: World, header: Any, claims: Any, signature: bytes
) -> None:
    parts = (json.dumps(header).encode(), json.dumps(claims).encode(), signature)
    token = ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)

    with pytest.raises(identity.TokenRejected):
        world.verifier.verify_bearer(token, identity.ARM_AUDIENCES)
    answer = await world.sign_in_client(
        client_secret="",
        client_assertion=token,
        client_assertion_type="urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
    )
    assert answer.status_code == 401


async def test_without_a_database_nobody_signs_in(world: World) -> None:
    def fail(_: object) -> None:
        raise core.StoreFull("The disk is full.")

    world.issuer.store.read = fail  # type: ignore[assignment]

    answer = await world.sign_in_client()

    assert answer.status_code == 503
    assert answer.json()["error"] == "temporarily_unavailable"


async def test_every_page_refuses_other_methods(world: World) -> None:
    async with world.open_client() as client:
        for path in ("/devicelogin", "/common/oauth2/v2.0/authorize", "/discovery/keys"):
            assert (await client.delete(path)).status_code == 405


def test_the_routes_are_listed_for_the_matrix(world: World) -> None:
    paths = {route.path for route in identity.login_routes(world.issuer)}

    assert "/{tenant}/oauth2/v2.0/token" in paths
    assert "/devicelogin" in paths
