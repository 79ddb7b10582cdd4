"""Who sends no token, a wrong one or a stale one is told how to get a better one."""

import base64
import json
from types import SimpleNamespace

import pytest

from silo import arm, core, front
from silo.arm.authentication import check_caller, render_challenge

URLS = front.Names("silo.test", 443).urls
NOW = core.parse_time("2026-11-23T10:00:00Z")


def check(header, authenticate=lambda token: token):
    headers = {} if header is None else {"authorization": header}
    return check_caller(SimpleNamespace(headers=headers), authenticate)


@pytest.mark.parametrize("header", ["Bearer abc", "bearer  abc ", "BEARER abc"])
def test_a_bearer_token_is_handed_on(header):
    assert check(header) == "abc"


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer ", "Basic abc", "abc"])
def test_anything_else_is_refused(header):
    with pytest.raises(arm.AuthenticationFailed):
        check(header)


def test_a_plain_challenge_says_where_to_sign_in_and_what_is_wrong():
    error = arm.InvalidAuthenticationToken('The token is "odd".')

    assert render_challenge(error, URLS, "t", NOW) == (
        'Bearer authorization_uri="https://login.silo.test/t", error="invalid_token", '
        "error_description=\"The token is 'odd'.\""
    )


def test_a_stale_token_is_answered_with_claims_for_a_new_one():
    challenge = render_challenge(arm.ExpiredAuthenticationToken("Old."), URLS, "t", NOW)

    assert 'error="insufficient_claims"' in challenge
    claims = json.loads(base64.b64decode(challenge.split('claims="')[1].rstrip('"')))
    assert claims == {"access_token": {"nbf": {"essential": True, "value": "1795428000"}}}
