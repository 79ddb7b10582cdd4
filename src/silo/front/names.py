"""Host names: which door a name opens, and the absolute URLs that answers carry.

Every door has two families of names: Silo's own domain, and Azure's real names for a shell that
claims them (``silo env --azure-names``). Answers speak the family they were asked in.
"""

from dataclasses import dataclass, field
from enum import StrEnum


class Door(StrEnum):
    """The planes, each behind its own host name."""

    MANAGEMENT = "management"
    LOGIN = "login"
    GRAPH = "graph"
    REGISTRY = "registry"
    LOGS = "loganalytics"
    STORAGE = "storage"
    KUBERNETES = "kubernetes"
    """Where the API servers of clusters ask what people may do."""
    OIDC = "oidc"
    """Where the keys of clusters' token issuers are."""


@dataclass(frozen=True, slots=True)
class Urls:
    """The addresses of one family of names; every URL without a trailing slash."""

    family: str
    """``silo`` or ``azure``."""
    resource_manager: str
    login: str
    graph: str
    logs: str
    """The query API of Log Analytics."""
    registry_suffix: str
    """``azurecr.silo.localhost:8443``: a login server is ``<registry>.<registry_suffix>``."""
    kubernetes: str
    """Where API servers ask; Azure has no such name."""
    oidc: str
    """Below it are the issuers of clusters' tokens; in Azure each region has a name for them."""
    storage_suffix: str
    """Starts with ``core.``, or the file SDK cannot tell the account (azure-wire 7.2)."""

    def login_server(self, registry: str) -> str:
        """Return the login server of a registry, in lower case."""
        return f"{registry.lower()}.{self.registry_suffix}"

    def file_endpoint(self, account: str) -> str:
        """Return the file service of a storage account, with the slash that Azure shows."""
        return f"https://{account.lower()}.file.{self.storage_suffix}/"


@dataclass(frozen=True, slots=True)
class Place:
    """What a host name leads to."""

    door: Door
    urls: Urls
    registry: str = ""
    """The registry's name, behind the registry door."""
    account: str = ""
    """The storage account's name, behind the storage door."""
    service: str = ""
    """Which of the account's services: ``file``, or one that is not served."""


AZURE_URLS = Urls(
    family="azure",
    resource_manager="https://management.azure.com",
    login="https://login.microsoftonline.com",
    graph="https://graph.microsoft.com",
    logs="https://api.loganalytics.io",
    registry_suffix="azurecr.io",
    kubernetes="",
    oidc="",
    storage_suffix="core.windows.net",
)
STORAGE_SERVICES = ("file", "blob", "queue", "table", "dfs", "web")
_RUNNING = ("azurecontainer", "azmk8s", "cloudapp")
"""What leads to something that runs here, and not to a door of Silo's own."""
_PLAIN = (Door.MANAGEMENT, Door.LOGIN, Door.GRAPH, Door.LOGS, Door.KUBERNETES, Door.OIDC)
"""The doors whose name is one of the domain's own."""
_AZURE_DOORS = {
    "management.azure.com": Door.MANAGEMENT,
    "management.core.windows.net": Door.MANAGEMENT,
    "login.microsoftonline.com": Door.LOGIN,
    "login.windows.net": Door.LOGIN,
    "sts.windows.net": Door.LOGIN,
    "graph.microsoft.com": Door.GRAPH,
    "api.loganalytics.io": Door.LOGS,
    "api.loganalytics.azure.com": Door.LOGS,
}


@dataclass(frozen=True, slots=True)
class Names:
    """The names of one instance."""

    domain: str
    port: int
    urls: Urls = field(init=False)

    def __post_init__(self) -> None:
        end = self.domain if self.port == 443 else f"{self.domain}:{self.port}"  # noqa: PLR2004
        urls = Urls(
            family="silo",
            resource_manager=f"https://management.{end}",
            login=f"https://login.{end}",
            graph=f"https://graph.{end}",
            logs=f"https://loganalytics.{end}",
            registry_suffix=f"azurecr.{end}",
            kubernetes=f"https://kubernetes.{end}",
            oidc=f"https://oidc.{end}",
            storage_suffix=f"core.{end}",
        )
        object.__setattr__(self, "urls", urls)

    @property
    def families(self) -> tuple[Urls, Urls]:
        """Both families of addresses, Silo's own first."""
        return (self.urls, AZURE_URLS)

    def find_place(self, host: str) -> Place | None:
        """Return where a ``Host`` header or SNI leads; None for a name that is not ours.

        A bare ``localhost`` or loopback address is the management door, for health checks.
        """
        name = _strip_port(host.lower()).rstrip(".")
        if door := _AZURE_DOORS.get(name):
            return Place(door, AZURE_URLS)
        if registry := _label_before(name, ".azurecr.io"):
            return Place(Door.REGISTRY, AZURE_URLS, registry)
        if registry := _label_before(name, f".azurecr.{self.domain}"):
            return Place(Door.REGISTRY, self.urls, registry)
        for door in _PLAIN:
            if name == f"{door}.{self.domain}":
                return Place(door, self.urls)
        if name in {"localhost", "127.0.0.1", "[::1]"}:
            return Place(Door.MANAGEMENT, self.urls)
        return self._find_storage(name)

    def _find_storage(self, name: str) -> Place | None:
        for urls, end in ((self.urls, self.domain), (AZURE_URLS, "windows.net")):
            for service in STORAGE_SERVICES:
                if account := _label_before(name, f".{service}.core.{end}"):
                    return Place(Door.STORAGE, urls, account=account, service=service)
        return None

    def claims(self, host: str) -> bool:
        """Tell whether a host is in Silo's own domain, all of which is ours."""
        name = _strip_port(host.lower()).rstrip(".")
        return name == self.domain or name.endswith(f".{self.domain}")

    def names_group(self, host: str) -> bool:
        """Tell whether a host is named like a container group, a cluster or a service of one's."""
        name = _strip_port(host.lower()).rstrip(".")
        return name.endswith(tuple(f".{kind}.{self.domain}" for kind in _RUNNING))

    def claims_with_azure(self, host: str) -> bool:
        """Tell whether a host is ours in a shell that claims Azure's real names too."""
        name = _strip_port(host.lower()).rstrip(".")
        ends = (".azurecr.io", *(f".{service}.core.windows.net" for service in STORAGE_SERVICES))
        return self.claims(host) or name in _AZURE_DOORS or name.endswith(ends)

    def certificate_names(self) -> list[str]:
        """Return the DNS names that the server certificate must carry."""
        own = [self.domain, f"*.{self.domain}", f"*.azurecr.{self.domain}"]
        own += [f"*.{service}.core.{self.domain}" for service in STORAGE_SERVICES]
        azure = [f"*.{service}.core.windows.net" for service in STORAGE_SERVICES]
        return [*own, "localhost", *_AZURE_DOORS, "*.azurecr.io", *azure]


def _strip_port(host: str) -> str:
    head, colon, tail = host.rpartition(":")
    return head if colon and tail.isdigit() else host


def _label_before(name: str, suffix: str) -> str:
    label = name.removesuffix(suffix)
    return label if label != name and label and "." not in label else ""
