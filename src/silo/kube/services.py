"""Services as a load balancer sees them: what each asks for, and who answers for it. Pure."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from silo import engine

from .api import is_node_ready
from .errors import ServiceRefused

Document = Mapping[str, Any]
FINALIZER = "service.kubernetes.io/load-balancer-cleanup"
_BETA = "service.beta.kubernetes.io/"
_INTERNAL = f"{_BETA}azure-load-balancer-internal"
_LABEL = f"{_BETA}azure-dns-label-name"
_ADDRESS = f"{_BETA}azure-load-balancer-ipv4"
_PROTOCOLS: Mapping[str, engine.Protocol] = {"TCP": "TCP", "UDP": "UDP"}
_LABELS = re.compile(r"[a-z][a-z0-9-]{1,61}[a-z0-9]")
_APART = "node.kubernetes.io/exclude-from-external-load-balancers"


@dataclass(frozen=True, slots=True)
class Service:
    """One service; only those of the type ``LoadBalancer`` are wanted."""

    uid: str
    namespace: str
    name: str
    version: str
    wanted: bool
    finalizers: tuple[str, ...]
    address: str
    """What its status says."""
    internal: bool
    asked: str
    """The address that it asks for; nothing is any."""
    label: str
    local: bool
    """Whether only nodes with endpoints of it answer."""
    sticky: bool
    ports: tuple[tuple[str, int], ...]
    unknown: tuple[str, ...]
    """Annotations that ask for what cannot be had."""

    @property
    def path(self) -> str:
        """Where the API has it."""
        return f"/api/v1/namespaces/{self.namespace}/services/{self.name}"

    @property
    def is_held(self) -> bool:
        """Whether it must not go before what it was given is taken back."""
        return FINALIZER in self.finalizers

    def list_ports(self) -> tuple[engine.Port, ...]:
        """Return what it listens on.

        Raises:
            ServiceRefused: it asks for something that would be passed over.

        """
        if self.unknown:
            raise ServiceRefused(f"The annotation {self.unknown[0]} is not supported.")
        if self.asked and not self.internal:
            raise ServiceRefused("A public address is given out, it cannot be chosen.")
        if self.label and self.internal:
            raise ServiceRefused("An internal load balancer has no DNS label.")
        if self.label and not _LABELS.fullmatch(self.label):
            raise ServiceRefused(f"{self.label[:50]} is no DNS label.")
        ports = []
        for protocol, number in self.ports:
            if (taken := _PROTOCOLS.get(protocol)) is None:
                raise ServiceRefused(f"A load balancer does not take {protocol}.")
            ports.append(engine.Port(taken, number))
        return tuple(ports)


@dataclass(frozen=True, slots=True)
class Node:
    """One node, as a place to send connections to."""

    name: str
    takes: bool


@dataclass(frozen=True, slots=True)
class Slice:
    """Some endpoints of a service, by the nodes that they are ready on."""

    namespace: str
    service: str
    nodes: frozenset[str]


def read_service(document: Document) -> Service:
    """Return a service."""
    metadata, spec = document["metadata"], document.get("spec") or {}
    notes: Mapping[str, str] = metadata.get("annotations") or {}
    balanced = (document.get("status") or {}).get("loadBalancer") or {}
    known = (_INTERNAL, _LABEL, _ADDRESS)
    return Service(
        uid=metadata["uid"],
        namespace=metadata["namespace"],
        name=metadata["name"],
        version=metadata["resourceVersion"],
        wanted=spec.get("type") == "LoadBalancer"
        and not spec.get("loadBalancerClass")
        and not metadata.get("deletionTimestamp"),
        finalizers=tuple(metadata.get("finalizers") or ()),
        address=next((each.get("ip") or "" for each in balanced.get("ingress") or ()), ""),
        internal=notes.get(_INTERNAL, "").lower() == "true",
        asked=notes.get(_ADDRESS) or spec.get("loadBalancerIP") or "",
        label=notes.get(_LABEL, "").lower(),
        local=spec.get("externalTrafficPolicy") == "Local",
        sticky=spec.get("sessionAffinity") == "ClientIP",
        ports=tuple(
            (each.get("protocol") or "TCP", int(each["port"])) for each in spec.get("ports") or ()
        ),
        unknown=tuple(
            sorted(each for each in notes if each.startswith(_BETA) and each not in known)
        ),
    )


def read_node(document: Document) -> Node:
    """Return a node."""
    labels = document["metadata"].get("labels") or {}
    takes = is_node_ready(document) and _APART not in labels
    return Node(document["metadata"]["name"], takes)


def read_slice(document: Document) -> Slice:
    """Return a slice of endpoints."""
    metadata = document["metadata"]
    return Slice(
        metadata["namespace"],
        (metadata.get("labels") or {}).get("kubernetes.io/service-name", ""),
        frozenset(
            each["nodeName"]
            for each in document.get("endpoints") or ()
            # What is not said is yes.
            if each.get("nodeName") and (each.get("conditions") or {}).get("ready") is not False
        ),
    )


def list_behind(service: Service, nodes: Iterable[Node], slices: Iterable[Slice]) -> list[str]:
    """Return the nodes that answer for a service."""
    found = sorted(node.name for node in nodes if node.takes)
    if service.local:
        near: set[str] = set()
        for each in slices:
            if (each.namespace, each.service) == (service.namespace, service.name):
                near |= each.nodes
        found = [name for name in found if name in near]
    # A client stays with a pod as one node remembers it.
    return found[:1] if service.sticky else found
