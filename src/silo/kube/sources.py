"""What a cluster's router lets through, and from where its API may be asked. Pure."""

from ipaddress import IPv4Network

from silo import engine

from .plans import API_PORT, NODE_SPACE, ClusterPlan

_LOOPBACK = IPv4Network("127.0.0.0/8")


def render_rules(plan: ClusterPlan, machine: str) -> engine.RuleSet:
    """Have nodes, pods and control plane speak with one another; the rest has to be published.

    Whoever is on the machine, or comes by its proxy, is seen under the machine's address.
    """
    space = (str(NODE_SPACE), str(plan.pods))
    inside = engine.SubnetRules(space, None, None)
    if not plan.api_sources:
        return engine.RuleSet(space, (inside,))
    here = any(IPv4Network(each).overlaps(_LOOPBACK) for each in plan.api_sources)
    sources = (*plan.api_sources, *((f"{machine}/32",) if here else ()))
    asking = (
        engine.Rule("inside", 1, allow=True, sources=space),
        engine.Rule(
            "authorized",
            2,
            allow=True,
            protocol="tcp",
            sources=sources,
            destination_ports=((API_PORT, API_PORT),),
        ),
    )
    control = engine.SubnetRules((f"{plan.address}/32",), asking, None)
    return engine.RuleSet(space, (control, inside))
