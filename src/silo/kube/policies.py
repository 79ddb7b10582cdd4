"""NetworkPolicy as upstream defines it, made of a cluster's objects into guards of addresses. Pure.

Source: https://kubernetes.io/docs/concepts/services-networking/network-policies/ and the comments
of ``k8s.io/api/networking/v1``.
"""

import ipaddress
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from silo import engine

Document = Mapping[str, Any]
Way = Literal["ingress", "egress"]
_ENDED = ("Succeeded", "Failed")
_SIDES: Mapping[Way, str] = {"ingress": "from", "egress": "to"}
"""Where an entry has its peers."""
_MOST_NAMED = 1000
"""How many peers, exceptions and ports one policy may name together."""
_MOST_ALLOWED = 4096
"""How many pairs of a port and a network it may come to: every pod that it selects gets them."""
_TRANSPORTS: Mapping[str, engine.Transport] = {"TCP": "tcp", "UDP": "udp", "SCTP": "sctp"}


@dataclass(frozen=True, slots=True)
class Pod:
    """What policies go by in a pod that has an address of its own."""

    namespace: str
    node: str
    address: str
    labels: Mapping[str, str]
    ports: tuple[tuple[str, str, int], ...] = ()
    """Name, protocol and number."""


@dataclass(frozen=True, slots=True)
class Policy:
    """One NetworkPolicy; peers that are blocks have their ``networks`` instead."""

    namespace: str
    spec: Document


def read_pod(document: Document) -> Pod | None:
    """Return a pod; None while it has no address, when it has ended, or when it has its node's."""
    spec, status = document.get("spec") or {}, document.get("status") or {}
    if spec.get("hostNetwork") or status.get("phase") in _ENDED:
        return None
    addresses = [str(each.get("ip")) for each in status.get("podIPs") or ()]
    address = next(filter(_is_v4, addresses), None)
    if address is None:
        return None
    containers = (*(spec.get("containers") or ()), *(spec.get("initContainers") or ()))
    return Pod(
        namespace=document["metadata"]["namespace"],
        node=str(spec.get("nodeName") or ""),
        address=address,
        labels=document["metadata"].get("labels") or {},
        ports=tuple(
            (port["name"], port.get("protocol") or "TCP", int(port["containerPort"]))
            for container in containers
            for port in container.get("ports") or ()
            if port.get("name")
        ),
    )


def read_policy(document: Document) -> Policy:
    """Return a policy, what it says of addresses settled once for all.

    Raises:
        ValueError: it is too large, or an address is none, or one that parsers do not agree about
            (``010.0.0.0/8``).

    """
    closed, spec = close_policy(document), document.get("spec") or {}
    every = [(entry, side) for way, side in _SIDES.items() for entry in spec.get(way) or ()]
    if sum(_count_named(entry, side) for entry, side in every) > _MOST_NAMED:
        raise ValueError(f"it names more than {_MOST_NAMED} peers, exceptions and ports")
    entries: dict[str, Any] = {
        way: [
            {**entry, side: [_settle(peer) for peer in entry.get(side) or ()]}
            for entry in spec.get(way) or ()
        ]
        for way, side in _SIDES.items()
    }
    allowed = sum(_count_allowed(each, side) for w, side in _SIDES.items() for each in entries[w])
    if allowed > _MOST_ALLOWED:
        raise ValueError(f"it comes to more than {_MOST_ALLOWED} ports and networks")
    return Policy(closed.namespace, {**closed.spec, **entries})


def close_policy(document: Document) -> Policy:
    """Return what is left of a policy that cannot be read: whom it is about."""
    spec = document.get("spec") or {}
    about = {"podSelector": spec.get("podSelector") or {}, "policyTypes": _list_ways(spec)}
    return Policy(document["metadata"]["namespace"], about)


def compile_guards(
    node: str,
    namespaces: Mapping[str, Mapping[str, str]],
    pods: Sequence[Pod],
    policies: Sequence[Policy],
) -> engine.GuardSet:
    """Return the guards of one node's pods, given the labels of every namespace.

    An address that is not known yet could be of a pod that a policy selects: where there are
    policies it gets nothing until it is.
    """
    scene = _Scene(namespaces, pods)
    guards = [
        engine.Guard(
            pod.address,
            scene.list_rules(pod, policies, "ingress"),
            scene.list_rules(pod, policies, "egress"),
        )
        for pod in pods
        if pod.node == node
    ]
    unique = {guard.address: guard for guard in guards}
    return engine.GuardSet(tuple(unique[each] for each in sorted(unique)), closed=bool(policies))


def selects(selector: Document, labels: Mapping[str, str]) -> bool:
    """Tell whether a label selector fits; an empty one fits everything, an unknown one nothing."""
    wanted = selector.get("matchLabels") or {}
    if any(labels.get(key) != value for key, value in wanted.items()):
        return False
    return all(_meets(each, labels) for each in selector.get("matchExpressions") or ())


@dataclass(frozen=True, slots=True)
class _Scene:
    namespaces: Mapping[str, Mapping[str, str]]
    pods: Sequence[Pod]
    prefixes: dict[int, tuple[str, ...]] = field(default_factory=dict)
    """Who the peers of an entry are, by its identity: the same for every pod that it is about."""

    def list_rules(
        self, pod: Pod, policies: Iterable[Policy], way: Way
    ) -> tuple[engine.Rule, ...] | None:
        """Return what a pod may get or send; None when no policy is about it."""
        about = [
            policy
            for policy in policies
            if policy.namespace == pod.namespace
            and way in policy.spec["policyTypes"]
            and selects(policy.spec["podSelector"], pod.labels)
        ]
        if not about:
            return None
        rules = {
            rule
            for policy in about
            for entry in policy.spec.get(way) or ()
            for rule in self._list_entry(pod, policy.namespace, entry, way)
        }
        return tuple(sorted(rules, key=repr))

    def _list_entry(
        self, pod: Pod, namespace: str, entry: Document, way: Way
    ) -> Iterator[engine.Rule]:
        peers = entry[_SIDES[way]]
        found = self._find_prefixes(peers, namespace) if peers else None
        for port in entry.get("ports") or ({"protocol": None},):
            protocol = _TRANSPORTS.get(port.get("protocol", "TCP") or "")
            number = port.get("port")
            if entry.get("ports") and protocol is None:
                continue
            if not isinstance(number, str):
                yield _allow(way, found, protocol, _read_range(port))
                continue
            # A name stands for what the one who is asked calls so, each for itself.
            asked = [pod] if way == "ingress" else self._list_within(found)
            for called, addresses in _resolve(number, port.get("protocol") or "TCP", asked).items():
                prefixes = found if way == "ingress" else addresses
                yield _allow(way, prefixes, protocol, ((called, called),))

    def _find_prefixes(self, peers: Sequence[Document], namespace: str) -> tuple[str, ...]:
        found = self.prefixes.get(id(peers))
        if found is None:
            found = self.prefixes[id(peers)] = self._list_prefixes(peers, namespace)
        return found

    def _list_prefixes(self, peers: Iterable[Document], namespace: str) -> tuple[str, ...]:
        found: list[ipaddress.IPv4Network] = []
        for peer in peers:
            if "networks" in peer:
                found += peer["networks"]
            elif "podSelector" in peer or "namespaceSelector" in peer:
                found += [
                    ipaddress.IPv4Network(pod.address)
                    for pod in self.pods
                    if self._is_peer(peer, pod, namespace)
                ]
        return tuple(str(each) for each in ipaddress.collapse_addresses(found))

    def _is_peer(self, peer: Document, pod: Pod, namespace: str) -> bool:
        there = peer.get("namespaceSelector")
        if there is None:
            if pod.namespace != namespace:
                return False
        # One whose namespace is not known yet is nobody's peer.
        elif (labels := self.namespaces.get(pod.namespace)) is None or not selects(there, labels):
            return False
        return selects(peer.get("podSelector") or {}, pod.labels)

    def _list_within(self, prefixes: tuple[str, ...] | None) -> list[Pod]:
        if prefixes is None:
            return list(self.pods)
        networks = [ipaddress.IPv4Network(each) for each in prefixes]
        return [
            pod
            for pod in self.pods
            if any(ipaddress.IPv4Address(pod.address) in network for network in networks)
        ]


def _list_ways(spec: Document) -> tuple[str, ...]:
    types = spec.get("policyTypes")
    if types:
        return tuple(str(each).lower() for each in types)
    return ("ingress", "egress") if spec.get("egress") else ("ingress",)


def _allow(
    way: Way,
    prefixes: tuple[str, ...] | None,
    protocol: engine.Transport | None,
    ranges: tuple[tuple[int, int], ...] | None,
) -> engine.Rule:
    return engine.Rule(
        name="",
        priority=0,
        allow=True,
        protocol=protocol,
        sources=prefixes if way == "ingress" else None,
        destinations=prefixes if way == "egress" else None,
        destination_ports=ranges,
    )


def _read_range(port: Document) -> tuple[tuple[int, int], ...] | None:
    if port.get("port") is None:
        return None
    first = int(port["port"])
    return ((first, int(port.get("endPort") or first)),)


def _resolve(name: str, protocol: str, pods: Iterable[Pod]) -> dict[int, tuple[str, ...]]:
    """Return the numbers that pods have under a port's name, and who has which."""
    found: dict[int, tuple[str, ...]] = {}
    for pod in pods:
        for called, spoken, number in pod.ports:
            if (called, spoken) == (name, protocol):
                found[number] = (*found.get(number, ()), pod.address)
    return found


def _settle(peer: Document) -> Document:
    block = peer.get("ipBlock")
    return {"networks": _cut_block(block)} if block else peer


def _cut_block(block: Document) -> list[ipaddress.IPv4Network]:
    """Return a block without its exceptions; nothing of IPv6, which pods do not speak here."""
    holes = _read_networks(block.get("except") or ())
    left: list[ipaddress.IPv4Network] = []
    for network in _read_networks([block["cidr"]]):
        start, last = network[0], network[-1]
        for hole in ipaddress.collapse_addresses(holes):
            if start < hole[0]:
                left += ipaddress.summarize_address_range(start, min(hole[0] - 1, last))
            if hole[-1] >= last:
                break
            start = max(start, hole[-1] + 1)
        else:
            left += ipaddress.summarize_address_range(start, last)
    return left


def _read_networks(texts: Iterable[str]) -> list[ipaddress.IPv4Network]:
    every = [ipaddress.ip_network(text, strict=False) for text in texts]
    return [each for each in every if isinstance(each, ipaddress.IPv4Network)]


def _count_named(entry: Document, side: str) -> int:
    peers = entry.get(side) or ()
    holes = sum(len((peer.get("ipBlock") or {}).get("except") or ()) for peer in peers)
    return len(peers) + holes + len(entry.get("ports") or ())


def _count_allowed(entry: Document, side: str) -> int:
    networks = sum(len(peer.get("networks", ("a selector",))) for peer in entry[side])
    return networks * max(1, len(entry.get("ports") or ()))


def _meets(expression: Document, labels: Mapping[str, str]) -> bool:
    key, values = str(expression.get("key")), expression.get("values") or ()
    match expression.get("operator"):
        case "In":
            return key in labels and labels[key] in values
        case "NotIn":
            return key not in labels or labels[key] not in values
        case "Exists":
            return key in labels
        case "DoesNotExist":
            return key not in labels
    return False


def _is_v4(text: str) -> bool:
    try:
        ipaddress.IPv4Address(text)
    except ValueError:
        return False
    return True
