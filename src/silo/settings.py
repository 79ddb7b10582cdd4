"""What an instance is set to: given on first ``silo up``, kept in the state folder, read by all."""

import json
import os
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from silo import core, front


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of one instance; every path hangs off ``state``."""

    state: Path
    domain: str = "silo.localhost"
    listen: str = "127.0.0.1"
    """Address of the TLS listener and of DNS; the proxies stay on loopback."""
    port: int = 8443
    proxy_port: int = 0
    azure_proxy_port: int = 0
    """The proxy that claims Azure's real names too; a port of its own, so one shell's choice
    does not reach another."""
    dns_port: int = 0
    tls: bool = True
    """Off only behind a proxy on this machine that does TLS; then ``listen`` is loopback."""
    tls_cert: str = ""
    tls_key: str = ""
    workers: int = 2
    """Processes that serve; each runs every door. More than cores gains nothing."""
    group_pool: str = ""
    """Private IPv4 prefix for groups and their routers, ``100.64.0.0/19``; chosen at first start
    so that nothing on the machine has it."""
    public_pool: str = ""
    """IPv4 prefix of which groups get public addresses; chosen likewise, and reachable from this
    machine. For others give one that is routed here."""
    isolation_default: str = "sandbox"
    """How far container groups are kept from the machine when their tag ``silo-isolation`` does not
    say: ``process``, ``sandbox`` or ``hypervisor``."""
    isolation_floor: str = "process"
    """The weakest isolation that a group may ask for."""
    arm_rate: float = 40.0
    """How much one caller may ask of the management door, in times of what Azure allows: 250 reads
    at once and 25 a second, 200 writes and 10, for each principal and subscription."""
    cpu_overcommit: float = 2.0
    """Times that each core is promised to container groups: busy ones share by weight and get half
    of what they asked for at the least. Memory is never promised twice."""
    group_quota: int = 100
    """Container groups that each subscription may have; Azure's default."""
    core_quota: float = 100.0
    """Cores that the running groups of each subscription may hold; Azure's default."""
    run_clusters: bool = False
    """Whether Kubernetes clusters are run. Who administers one is root of its nodes, which have
    their kernel from this machine, so an operator has to want this."""
    id: str = ""
    """Short name of the instance for folders of its users; made at first start."""
    tenant_id: str = ""
    subscription_id: str = ""
    password_grant: bool = True
    """Whether ``az login -u -p`` works; switch off where everyone can use a browser."""

    metrics_period_s: float = 15.0
    """Seconds between two measurements of every container."""
    metrics_days: int = 14
    """How long the minutes of metrics are kept; Azure keeps 93 days."""
    metrics_rows: int = 2_000_000
    """Minutes kept of all metrics together, about 100 bytes each; the oldest go first."""
    workspace_bytes: int = 1 << 30
    """Most that one Log Analytics workspace holds; its oldest lines go first."""

    @property
    def names(self) -> front.Names:
        """The host names of this instance."""
        return front.Names(self.domain, self.port)

    @property
    def database(self) -> Path:
        """The SQLite file."""
        return self.state / "silo.db"

    @property
    def monitor_database(self) -> Path:
        """The SQLite file of logs and metrics: many, and not worth a place in every backup."""
        return self.state / "monitor.db"

    @property
    def content(self) -> Path:
        """The folder of the registry's content store."""
        return self.state / "content"

    @property
    def shares(self) -> Path:
        """The folder of the file shares; groups that mount one see a folder below."""
        return self.state / "shares"

    @property
    def clusters(self) -> Path:
        """The folder of the Kubernetes clusters."""
        return self.state / "kube"

    @property
    def keys(self) -> Path:
        """The folder of the key rings and secrets, 0700."""
        return self.state / "keys"

    @property
    def public(self) -> Path:
        """The folder that every local user may read: addresses and the CA."""
        return self.state / "public"

    @property
    def credentials(self) -> Path:
        """The first administrator's and service principal's secrets, 0600."""
        return self.state / "credentials.json"

    @property
    def bundle(self) -> Path:
        """System authorities and ours, for ``SSL_CERT_FILE``."""
        return self.public / "ca-bundle.pem"


def default_state() -> Path:
    """Return ``/var/lib/silo`` for root, the XDG state folder for anyone else."""
    if os.geteuid() == 0:
        return Path("/var/lib/silo")
    home = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(home) / "silo"


def load_settings(state: Path) -> Settings | None:
    """Return the settings that ``silo up`` stored, or None before the first start."""
    path = state / "public" / "instance.json"
    if not path.exists():
        return None
    stored: dict[str, Any] = json.loads(path.read_text())
    known = {key: value for key, value in stored.items() if key in Settings.__slots__}
    return replace(Settings(state), **known)


def save_settings(settings: Settings) -> None:
    """Store the settings where the other commands and other users of the machine find them."""
    document = asdict(settings)
    del document["state"]
    settings.public.mkdir(parents=True, exist_ok=True)
    path = settings.public / "instance.json"
    core.write_private(path, json.dumps(document, indent=2).encode())
    path.chmod(0o644)
