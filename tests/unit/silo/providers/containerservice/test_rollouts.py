import pytest

from silo import kube
from silo.providers.containerservice import errors
from silo.providers.containerservice.properties import UpgradeSettings
from silo.providers.containerservice.rollouts import check_rollout, plan_rollout


@pytest.mark.parametrize(
    ("settings", "count", "surge", "unavailable"),
    [
        ({}, 1, 1, 0),
        ({}, 11, 2, 0),
        ({"maxSurge": "33%"}, 4, 2, 0),
        ({"maxSurge": "3"}, 1, 3, 0),
        ({"maxSurge": "0", "maxUnavailable": "50%"}, 3, 0, 2),
        ({"maxSurge": "0%", "maxUnavailable": "1"}, 3, 0, 1),
    ],
)
def test_numbers_and_parts_of_a_hundred_are_numbers_of_nodes(settings, count, surge, unavailable):
    found = plan_rollout(UpgradeSettings.model_validate(settings), count)

    assert found == kube.Rollout(surge=surge, unavailable=unavailable)


def test_soaking_and_what_becomes_of_a_node_that_cannot_be_emptied():
    settings = {"nodeSoakDurationInMinutes": 2, "undrainableNodeBehavior": "cordon"}
    found = plan_rollout(UpgradeSettings.model_validate(settings), 1)

    assert (found.soak_s, found.quarantine) == (120.0, True)


@pytest.mark.parametrize(
    "settings",
    [
        {"maxSurge": "0"},
        {"maxSurge": "0%", "maxUnavailable": "0"},
        {"maxSurge": "1", "maxUnavailable": "1"},
        {"maxUnavailable": "1"},
    ],
)
def test_nodes_are_replaced_in_one_way(settings):
    with pytest.raises(errors.PropertyInvalid):
        check_rollout("p", UpgradeSettings.model_validate(settings))
