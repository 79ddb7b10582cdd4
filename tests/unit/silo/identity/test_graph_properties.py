import pytest
from tests.unit.silo.identity.graph_client import Graph

from silo.identity.graph_properties import PROPERTIES


@pytest.mark.parametrize("kind", ["users", "groups", "applications", "servicePrincipals"])
async def test_a_filter_on_a_property_that_graph_does_not_have_is_refused(
    graph: Graph, kind: str
) -> None:
    for path in (f"/{kind}?$filter=nope eq 'x'", f"/{kind}/$count?$filter=not (nope eq 'x')"):
        answer = await graph.call("GET", path, headers={"consistencylevel": "eventual"})

        assert answer.status_code == 400
        assert answer.json()["error"]["code"] == "BadRequest"
        assert "Could not find a property named 'nope'" in answer.json()["error"]["message"]


async def test_a_filter_on_a_property_that_nobody_has_finds_nobody(graph: Graph) -> None:
    answer = await graph.call("GET", "/users?$filter=onPremisesSamAccountName eq 'ada'")

    assert answer.json()["value"] == []


@pytest.mark.parametrize("kind", ["users", "groups", "applications", "servicePrincipals"])
async def test_everything_that_is_shown_can_be_named(graph: Graph, kind: str) -> None:
    graph.add_user("ada")
    graph.add_application("web")
    body = {
        "displayName": "t",
        "mailNickname": "t",
        "mailEnabled": False,
        "securityEnabled": True,
    }
    await graph.call("POST", "/groups", body)

    found = (await graph.call("GET", f"/{kind}?$select=*")).json()["value"]

    assert found
    assert {name.casefold() for each in found for name in each} <= PROPERTIES[kind]
