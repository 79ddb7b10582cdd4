"""A caller who asks too often is held up, and az waits by itself until it may go on."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tools import programs
from tools.azure import Az
from tools.instance import Instance, running

AT_ONCE = 5
"""Reads of one caller: a fiftieth of Azure's; one comes back every two seconds."""


@pytest.fixture(scope="module")
def stingy(folder: Path) -> Iterator[Instance]:
    with running(folder / "stingy", "--arm-rate", "0.02", "--workers", "1") as instance:
        yield instance


def test_too_many_reads_are_refused_and_az_goes_on_later(stingy: Instance, folder: Path) -> None:
    principal = stingy.credentials["servicePrincipal"]
    environment = stingy.environment(folder / "stingy-settings")
    az = Az(environment, folder / "az-stingy").sign_in(
        stingy.tenant, principal["clientId"], principal["clientSecret"]
    )
    az("group", "create", "-n", "held", "-l", "westeurope")
    manager = stingy.endpoints["resourceManager"]
    place = f"{manager}/subscriptions/{stingy.subscription}/resourceGroups"
    tell = "%{http_code} %header{x-ms-ratelimit-remaining-subscription-reads} %header{retry-after}"

    # curl asks forty times over one connection.
    curl = ["curl", "--silent", "-w", f"\n==={tell}\n", "-H", f"Authorization: Bearer {az.token()}"]
    url = f"{place}?api-version=2021-04-01&try=[1-40]"
    told = programs.succeed(programs.run([*curl, url], environment)).out
    answers = [line[3:].split() for line in told.splitlines() if line.startswith("===")]

    served = [int(answer[1]) for answer in answers if answer[0] == "200"]
    waits = [int(answer[1]) for answer in answers if answer[0] == "429"]
    assert len(served) + len(waits) == 40
    assert served
    assert max(served) < AT_ONCE
    assert waits
    assert min(waits) >= 1
    assert '"code":"SubscriptionRequestsThrottled"' in told
    assert "held" in [one["name"] for one in az("group", "list")]
