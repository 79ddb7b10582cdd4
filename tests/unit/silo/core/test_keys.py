import base64
import hmac
import json
import stat

import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey

from silo import core

NOW = core.SystemClock().now().timestamp()
GOOD = {"sub": "a", "nbf": NOW - 10, "exp": NOW + 3600}


def encode(part):
    return base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")


@pytest.fixture(scope="module")
def ring(tmp_path_factory):
    return core.KeyRing(tmp_path_factory.mktemp("ring"))


def test_what_a_ring_signs_it_verifies(ring):
    assert ring.verify(ring.sign(GOOD))["sub"] == "a"


@pytest.mark.parametrize(
    "claims",
    [
        {**GOOD, "exp": NOW - 3600},
        {**GOOD, "nbf": NOW + 3600},
        {"sub": "a"},
        {**GOOD, "exp": "never"},
        {**GOOD, "exp": True},
    ],
)
def test_a_token_outside_its_times_is_invalid(ring, claims):
    with pytest.raises(core.TokenInvalid):
        ring.verify(ring.sign(claims))


def test_a_stranger_cannot_sign(ring):
    kid = ring.public_jwks()[0]["kid"]
    other = RSAKey.generate_key(2048)
    header = {"alg": "RS256", "kid": kid}

    with pytest.raises(core.TokenInvalid):
        ring.verify(jwt.encode(header, GOOD, other))


def test_the_header_does_not_choose_the_algorithm(ring):
    # joserfc refuses to make such a token of a public key, so it is made by hand.
    public = RSAKey.import_key(ring.public_jwks()[0]).as_pem(private=False)
    signed = f"{encode({'alg': 'HS256'})}.{encode(GOOD)}"
    mac = hmac.new(public, signed.encode(), "sha256").digest()
    by_secret = f"{signed}.{base64.urlsafe_b64encode(mac).decode().rstrip('=')}"
    unsigned = f"{encode({'alg': 'none'})}.{encode(GOOD)}"

    for token in (by_secret, f"{unsigned}.", "", "a.b.c", "x" * 10_000):
        with pytest.raises(core.TokenInvalid):
            ring.verify(token)


def test_tokens_of_the_old_key_outlive_a_rotation_but_not_two(tmp_path):
    ring = core.KeyRing(tmp_path)
    old = ring.sign(GOOD)

    ring.rotate()
    assert ring.verify(old)
    assert len(ring.public_jwks()) == 2

    ring.rotate()
    with pytest.raises(core.TokenInvalid):
        ring.verify(old)


def test_another_process_follows_a_rotation(tmp_path):
    ring, other = core.KeyRing(tmp_path), core.KeyRing(tmp_path)

    ring.rotate()

    assert other.verify(ring.sign(GOOD))


def test_keys_are_for_their_owner_alone_and_the_jwks_is_public(tmp_path):
    ring = core.KeyRing(tmp_path / "keys")

    assert all(stat.S_IMODE(p.stat().st_mode) == 0o600 for p in (tmp_path / "keys").iterdir())
    assert not {"d", "p", "q"} & set(ring.public_jwks()[0])
