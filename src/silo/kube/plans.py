"""What a cluster shall be: plain values, handed over by whoever asks."""

from dataclasses import dataclass, field
from ipaddress import IPv4Network

API_PORT = 443
NODE_SPACE = IPv4Network("10.224.0.0/16")
"""Of control plane and nodes; the cluster's own router translates on the way out, so every cluster
may have the same."""
POD_SPACE = IPv4Network("10.244.0.0/16")
SERVICE_SPACE = IPv4Network("10.0.0.0/16")
"""The three are AKS's defaults."""
SUBNET_PODS = IPv4Network("10.224.64.0/18")
"""Of pods that have addresses of the nodes' own network: behind those of nodes."""
CONTROL_PLACE = 65_000
"""The control plane's place in the node space; nodes count from the beginning."""
FIRST_NODE_PLACE = 4
"""Azure keeps the first four addresses of every subnet."""
MAX_PODS = 110
"""The kubelet's own default, and kubenet's on AKS; a node's range holds 254."""
SURGE_PLACE = 64_500
"""Of the first node more while others are replaced; behind what internal load balancers have."""
MAX_SURGES = 400
DRAIN_S = 1800.0
"""AKS's default."""
DOMAIN = "cluster.local"
RESOLVER = "168.63.129.16"
"""Where the network's name server answers."""
GIB = 1 << 30


@dataclass(frozen=True, slots=True)
class Size:
    """What a node gives to its pods at the most."""

    cores: float
    memory_bytes: int


@dataclass(frozen=True, slots=True)
class Rollout:
    """How the nodes of a pool are replaced by others."""

    surge: int = 1
    """How many more there are meanwhile, and how many are replaced at a time."""
    unavailable: int = 0
    """How many are replaced at a time where there is none more."""
    soak_s: float = 0.0
    """How long an emptied node stays before it is replaced."""
    quarantine: bool = False
    """Whether a node that pods do not leave stays cordoned, with one more in its place; otherwise
    it takes pods again. It is not replaced in either case."""


@dataclass(frozen=True, slots=True)
class NodePlan:
    """One node."""

    name: str
    place: int
    """Which address of the node space it has."""
    size: Size
    labels: tuple[tuple[str, str], ...] = ()
    max_pods: int = MAX_PODS
    taints: tuple[str, ...] = ()
    """As ``key=value:NoSchedule``."""
    pool: str = ""
    version: str = ""
    """Of its kubelet; nothing is the cluster's."""
    image: str = ""
    """What it was made from; a node is never changed into another one, but replaced."""
    drain_s: float = DRAIN_S
    """How long its pods may take to leave it."""
    rollout: Rollout = Rollout()
    """How it is replaced; the same for a whole pool."""

    @property
    def model(self) -> tuple[str, str]:
        """What cannot be changed of a node while it is there."""
        return self.version, self.image

    @property
    def address(self) -> str:
        """The node's address."""
        return str(NODE_SPACE[self.place])


@dataclass(frozen=True, slots=True)
class SignIn:
    """That the people of the instance's directory may come in, by its tokens."""

    administrators: tuple[str, ...] = ()
    """The groups whose members administer the cluster."""


@dataclass(frozen=True, slots=True)
class ClusterPlan:
    """One cluster: a control plane and its nodes."""

    uid: str
    version: str
    """As ``1.36.3``; the version of the programs."""
    fqdn: str
    public_address: str
    """Where the API server is reached from outside the cluster's network; nothing is nowhere."""
    nodes: tuple[NodePlan, ...] = ()
    pods: IPv4Network = field(default=POD_SPACE)
    services: IPv4Network = field(default=SERVICE_SPACE)
    dns: str = ""
    """The address of the name server; nothing is the tenth of the services'."""
    networked: bool = True
    """Whether pods are given a network; else their owner brings one, and nodes wait for it."""
    private_fqdn: str = ""
    """Another name of the API server's, which is known within the cluster alone."""
    ingress: str = ""
    """Which of app routing's controllers stands there (see ``app_routing.py``); nothing is none."""
    policies: bool = False
    """Whether network policies are enforced."""
    running: bool = True
    """Whether its programs run; a stopped cluster keeps its addresses and what it stored."""
    rotation: int = 0
    """Another number asks for another set of certificates."""
    sign_in: SignIn | None = None
    """None: the cluster knows nobody but by its own certificates."""
    local_accounts: bool = True
    """Whether the certificates that administrators were given are good."""
    api_sources: tuple[str, ...] = ()
    """From where, outside of the cluster, the API may be asked; empty is from everywhere."""
    pod_security: str = "baseline"
    """The standard that pods keep to where their namespace says nothing."""
    halted: bool = False
    """Whether what there is stays as it is, however far it is from this plan: what was being done
    was aborted."""
    issuer: str = ""
    """The public issuer of service accounts' tokens, with a slash at its end; none: the one that is
    known within alone."""
    signing: int = 0
    """Another number asks for another key to sign those tokens with."""
    pod_identity: bool = False
    """Whether pods that ask for it act as identities of the instance's directory."""
    was_up: bool = field(default=False, compare=False)
    """Whether it is known to have come up before, so that it must have stored something. It says
    nothing of what the cluster shall be."""

    @property
    def is_guarded(self) -> bool:
        """Whether the API server may not be asked from everywhere."""
        return bool(self.api_sources) or not self.public_address

    @property
    def private_names(self) -> tuple[str, ...]:
        """The names that are to be found within the cluster, for they lead nowhere outside."""
        return (self.private_fqdn, self.fqdn) if self.private_fqdn else ()

    def name_member(self, node: NodePlan) -> str:
        """Return a node's name on the machine's network."""
        return f"{self.uid}.{node.place}"

    @property
    def control(self) -> str:
        """The control plane's name on the machine's network."""
        return f"{self.uid}.control"

    def name_service(self, label: str) -> str:
        """Return the full name of a service, in the cluster's own region."""
        region = self.fqdn.partition(".hcp.")[2]
        return f"{label}.{region.replace('.azmk8s.', '.cloudapp.')}"

    @property
    def router(self) -> str:
        """The key of the cluster's router; a virtual network's is its bare uid."""
        return f"cluster-{self.uid}"

    @property
    def address(self) -> str:
        """The control plane's address on the cluster's network."""
        return str(NODE_SPACE[CONTROL_PLACE])

    @property
    def api_service(self) -> str:
        """The address of the service ``kubernetes``."""
        return str(self.services[1])

    @property
    def dns_service(self) -> str:
        """The address of the name server, as AKS has it."""
        return self.dns or str(self.services[10])
