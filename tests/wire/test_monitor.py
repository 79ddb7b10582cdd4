"""``az monitor``: workspaces, their keys, and queries on what was collected."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from tools.azure import Az, Principal
from tools.instance import Instance


@pytest.fixture
def make_workspace(
    az: Az, make_group: Callable[[], str], unique: Callable[[str], str]
) -> Callable[..., Any]:
    """Make a workspace of one's own, in a group of its own."""

    def make(*options: str) -> Any:
        words = ("monitor", "log-analytics", "workspace", "create", "-g", make_group())
        return az(*words, "-n", unique("logs"), *options)

    return make


def query(silo: Instance, az: Az, workspace: str, text: str) -> Any:
    url = f"{silo.endpoints['logs']}/v1/workspaces/{workspace}/query"
    body = json.dumps({"query": text, "timespan": "PT1H"})
    return az("rest", "-m", "post", "-u", url, "-b", body, "--resource", silo.endpoints["logs"])


def test_a_workspace_lives_as_az_has_it(az: Az, make_workspace: Callable[..., Any]) -> None:
    made = make_workspace("--retention-time", "60", "--tags", "a=b")
    where = ["-g", made["resourceGroup"], "-n", made["name"]]
    workspace = ["monitor", "log-analytics", "workspace"]

    shown = az(*workspace, "show", *where)
    listed = az(*workspace, "list", "-g", made["resourceGroup"])
    updated = az(*workspace, "update", *where, "--retention-time", "90")

    assert shown["customerId"] == made["customerId"]
    assert (shown["retentionInDays"], updated["retentionInDays"]) == (60, 90)
    assert updated["customerId"] == made["customerId"]
    assert [one["name"] for one in listed] == [made["name"]]
    az(*workspace, "delete", *where, "--yes", "--force")
    az.refused(*workspace, "show", *where, saying="ResourceNotFound")


def test_its_keys_are_shown_to_an_owner(az: Az, make_workspace: Callable[..., Any]) -> None:
    made = make_workspace()

    keys = az(
        *("monitor", "log-analytics", "workspace", "get-shared-keys"),
        *("-g", made["resourceGroup"], "-n", made["name"]),
    )

    assert len({keys["primarySharedKey"], keys["secondarySharedKey"]}) == 2


def test_an_empty_workspace_answers_queries(
    silo: Instance, az: Az, make_workspace: Callable[..., Any]
) -> None:
    made = make_workspace()

    found = query(
        silo,
        az,
        made["customerId"],
        "ContainerInstanceLog_CL | where TimeGenerated > ago(1h) | project TimeGenerated, Message",
    )

    (table,) = found["tables"]
    assert table["columns"] == [
        {"name": "TimeGenerated", "type": "datetime"},
        {"name": "Message", "type": "string"},
    ]
    assert table["rows"] == []


def test_what_is_not_understood_is_said(
    silo: Instance, az: Az, make_workspace: Callable[..., Any]
) -> None:
    made = make_workspace()
    url = f"{silo.endpoints['logs']}/v1/workspaces/{made['customerId']}/query"
    words = ["rest", "-m", "post", "-u", url, "--resource", silo.endpoints["logs"]]

    az.refused(*words, "-b", '{"query": "T | join (U) on x"}', saying="SYN0002")
    # A token for the management plane opens nothing here.
    az.refused(*words[:-1], silo.endpoints["resourceManager"], "-b", "{}", saying="Authorization")


def test_a_stranger_may_not_ask(
    silo: Instance,
    make_workspace: Callable[..., Any],
    make_principal: Callable[..., Principal],
    new_az: Callable[[], Az],
) -> None:
    made = make_workspace()
    principal = make_principal()
    person = new_az()
    person(
        *("login", "--service-principal", "-u", principal.client_id, "-p", principal.secret),
        *("--tenant", silo.tenant, "--allow-no-subscriptions"),
    )
    url = f"{silo.endpoints['logs']}/v1/workspaces/{made['customerId']}/query"

    person.refused(
        *("rest", "-m", "post", "-u", url, "--resource", silo.endpoints["logs"]),
        *("-b", '{"query": "ContainerEvent_CL"}'),
        saying="InsufficientAccess",
    )


def test_what_has_no_metrics_says_so(az: Az, make_workspace: Callable[..., Any]) -> None:
    made = make_workspace()

    az.refused("monitor", "metrics", "list", "--resource", made["id"], saying="not a supported")
