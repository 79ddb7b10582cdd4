from dataclasses import replace

from tests.unit.silo.identity.sign_in_world import NAMES

from silo import access
from silo.identity.tokens import Subject, parse_capabilities, render_groups

PRINCIPAL = access.Principal("oid", "tid", access.PrincipalType.USER, "ada@silo.test")


def test_few_groups_are_listed() -> None:
    subject = Subject(replace(PRINCIPAL, groups=frozenset({"b", "a"})), "Ada")

    assert render_groups(subject, NAMES.urls) == {"groups": ["a", "b"]}


def test_too_many_groups_are_linked() -> None:
    groups = frozenset(str(number) for number in range(201))

    claims = render_groups(Subject(replace(PRINCIPAL, groups=groups), "Ada"), NAMES.urls)

    assert "groups" not in claims
    endpoint = claims["_claim_sources"]["src1"]["endpoint"]
    assert endpoint == "https://graph.silo.test:8443/v1.0/users/oid/getMemberObjects"


def test_capabilities_are_read_from_any_claims() -> None:
    assert parse_capabilities({"access_token": {"xms_cc": {"values": ["CP1", "x"]}}}) == ("CP1",)
    for claims in ({}, {"access_token": 1}, {"access_token": {"xms_cc": {"values": "CP1"}}}):
        assert parse_capabilities(claims) == ()
