import pytest

from silo import arm
from silo.providers.containerservice.ingress_profile import settle_ingress
from silo.providers.containerservice.wish import plan_cluster


def routing(**given):
    return {"webAppRouting": given}


def test_controller_is_the_one_that_was_asked_for_or_stays():
    first = settle_ingress(routing(enabled=True), None)
    internal = routing(enabled=True, nginx={"defaultIngressControllerType": "internal"})
    second = settle_ingress(internal, first)

    assert first["webAppRouting"]["nginx"] == {
        "defaultIngressControllerType": "AnnotationControlled"
    }
    assert second["webAppRouting"]["nginx"] == {"defaultIngressControllerType": "Internal"}
    assert settle_ingress(routing(enabled=True), second) == second
    assert settle_ingress({}, second) == second
    assert settle_ingress({}, None) is None
    assert settle_ingress(routing(enabled=False), second)["webAppRouting"]["nginx"] is None


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (routing(enabled=True, dnsZoneResourceIds=["/subscriptions/x"]), "dnsZoneResourceIds"),
        (routing(enabled=True, nginx={"defaultIngressControllerType": "Both"}), "Both"),
        (
            routing(gatewayAPIImplementations={"appRoutingIstio": {"mode": "Enabled"}}),
            "gatewayAPIImplementations",
        ),
        ({"gatewayAPI": {"installation": "Standard"}}, "gatewayAPI"),
        ({"applicationLoadBalancer": {"enabled": True}}, "applicationLoadBalancer"),
    ],
)
def test_what_cannot_be_had_is_refused_by_name(given, said):
    with pytest.raises(arm.ArmError) as raised:
        settle_ingress(given, None)

    assert said in str(raised.value)


async def test_machine_is_told_of_the_controller(world):
    async def see(profile):
        async with world.running():
            await world.put(**profile)
            shown = await world.wait_state()
        found = plan_cluster(world.change_stored(lambda one: one)).ingress
        return shown["properties"].get("ingressProfile"), found

    assert await see({}) == (None, "")
    shown, found = await see({"ingressProfile": routing(enabled=True)})
    assert (shown["webAppRouting"]["enabled"], found) == (True, "AnnotationControlled")
    assert await see({}) == (shown, "AnnotationControlled")
    _, found = await see({"ingressProfile": routing(enabled=False)})
    assert found == ""
