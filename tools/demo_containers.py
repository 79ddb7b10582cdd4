"""The second half of the tour: the pushed image as container groups, found, entered, refused."""

import re
import time
from pathlib import Path
from typing import TYPE_CHECKING

from . import programs
from .strangers import az_path
from .terminal import Terminal

if TYPE_CHECKING:
    from .demo import Tour

SHARE, WORDS = "pages", "a page from a share"
SIZE = ("--os-type", "Linux", "--cpu", "0.2", "--memory", "0.2")
METADATA = "http://169.254.169.254/metadata/identity/oauth2/token?api-version=2018-02-01"
RESOURCE = "https://management.azure.com/"
PATIENCE_S = 30.0
QUICK = ("-o", "none")


class Street:
    """What the groups of the tour stand on: the image, who pulls it, a share."""

    def __init__(self, tour: "Tour", group: str, registry: str, image: str) -> None:
        self.tour = tour
        self.group = group
        self.registry = registry
        self.image = image
        self.identity = ""

    def create(self, name: str, command: str, *options: str) -> list[str]:
        """Return the command that makes a group of the image."""
        server = self.image.partition("/")[0]
        pull = ["--acr-identity", self.identity, "--registry-login-server", server]
        words = ["az", "container", "create", "-g", self.group, "-n", name, "--image", self.image]
        return [
            *(*words, *SIZE, "--assign-identity", self.identity, *pull),
            *("--command-line", command, *options),
        ]

    def execute(self, name: str, command: str, says: str) -> None:
        """Run a command in a container by ``az container exec``; it has to say these words."""
        words = ["container", "exec", "-g", self.group, "-n", name, "--exec-command", command]
        self.tour.announce("az", *words)
        said = Terminal([az_path(), *words], self.tour.environment).finish().out
        self.tour.show(said.rstrip())
        self.tour.insist(says in said, f"this had to say: {says}")


def run_groups(tour: "Tour", group: str, registry: str, image: str, folder: Path) -> None:
    """Run the image as groups of containers."""
    street = Street(tour, group, registry, image)
    with_identity(street)
    share = with_share(street, folder)
    address = found_from_outside(street, share)
    entered(street)
    refused_neighbour(street)
    tour.title("Away with it")
    tour.do("az", "container", "delete", "-g", group, "-n", "web", "--yes", *QUICK)
    fetch = ["curl", "--silent", "--max-time", "2", f"http://{address}/"]
    tour.refused(*fetch, reason=re.compile(""))


def with_identity(street: Street) -> None:
    """Make an identity; it pulls when it may, and not before."""
    tour = street.tour
    tour.title("A managed identity that may pull, so that no password is needed")
    make = ["az", "identity", "create", "-g", street.group, "-n", "web"]
    made = tour.do(*make, "--query", "{id:id, principalId:principalId}").json
    street.identity = str(made["id"])
    create = street.create("web", "/bin/busybox true")
    tour.refused(*create, reason=re.compile("InaccessibleImage"))
    assign = ["az", "role", "assignment", "create", "--role", "AcrPull", "--scope"]
    who = ["--assignee-object-id", made["principalId"]]
    kind = ["--assignee-principal-type", "ServicePrincipal"]
    tour.do(*assign, street.registry, *who, *kind, *QUICK)


def with_share(street: Street, folder: Path) -> list[str]:
    """Make a share with a page in it; return the options that mount it."""
    tour = street.tour
    tour.title("A file share, and a page in it")
    account = "silodemofiles"
    tour.do("az", "storage", "account", "create", "-g", street.group, "-n", account, *QUICK)
    keys = ["az", "storage", "account", "keys", "list", "-g", street.group, "-n", account]
    tour.announce(*keys)
    told = programs.run([az_path(), *keys[1:]], tour.environment)
    key = tour.hide("STORAGE_KEY", programs.succeed(told).json[0]["value"])
    access = ["--account-name", account, "--account-key", key]
    tour.do("az", "storage", "share", "create", "-n", SHARE, *access, *QUICK)
    (folder / "index.html").write_text(f"{WORDS}\n")
    upload = ["az", "storage", "file", "upload", "-s", SHARE, *access, "--no-progress", *QUICK]
    tour.do(*upload, "--source", folder / "index.html")
    volume = "--azure-file-volume"
    return [
        *(f"{volume}-share-name", SHARE, f"{volume}-account-name", account),
        *(f"{volume}-account-key", key, f"{volume}-mount-path", "/pages"),
    ]


def found_from_outside(street: Street, share: list[str]) -> str:
    """Start a group with an address and a name, and get the page by both."""
    tour = street.tour
    tour.title("The image from the registry as a group with an address, a name and the share")
    place = ["--ip-address", "Public", "--ports", "80", "--dns-name-label", "silodemo"]
    command = "/bin/busybox httpd -f -p 80 -h /pages"
    query = ["--query", "{ip:ipAddress.ip, fqdn:ipAddress.fqdn, state:instanceView.state}"]
    tour.do(*street.create("web", command, *place, *share), *query)
    show = ["az", "container", "show", "-g", street.group, "-n", "web", *query]
    until = time.monotonic() + PATIENCE_S
    while (told := tour.do(*show).json)["state"] != "Running":
        tour.insist(time.monotonic() < until, "the group has to run")
    fetch = ["curl", "--silent", "--show-error", "--max-time", "10", "--retry", "3"]
    tour.do(*fetch, "--retry-connrefused", f"http://{told['ip']}/", says=WORDS)
    proxy = tour.environment["HTTPS_PROXY"]
    tour.do(*fetch, "--proxytunnel", "--proxy", proxy, f"http://{told['fqdn']}/", says=WORDS)
    return str(told["ip"])


def entered(street: Street) -> None:
    """Go into the container, and have it ask for a token of its identity."""
    tour = street.tour
    tour.title("Into the container")
    street.execute("web", "/bin/busybox sh -c 'busybox id; busybox cat /pages/index.html'", WORDS)
    ask = f'busybox wget -q -O - --header Metadata:true "{METADATA}&resource={RESOURCE}"'
    only = 'busybox grep -o -E "token_type. *: *.Bearer"'
    tour.title("Its identity has a token for it, and for nobody else")
    street.execute("web", f"/bin/busybox sh -c '{ask} | {only}'", "Bearer")


def refused_neighbour(street: Street) -> None:
    """Put two groups into a network; a rule decides whether one reaches the other."""
    tour, group = street.tour, street.group
    tour.title("Two groups in a private network, and a security group between them")
    network = ["az", "network"]
    tour.do(*network, "nsg", "create", "-g", group, "-n", "guard", *QUICK)
    inside = ["--vnet", "private", "--subnet", "apps", "--ports", "8080"]
    serve = "/bin/busybox httpd -f -p 8080 -h /bin"
    ip = ["--query", "ipAddress.ip", "-o", "tsv"]
    address = tour.do(*street.create("inside", serve, *inside), *ip).out.strip()
    tour.do(*street.create("neighbour", "/bin/busybox sleep 3600", *inside), *QUICK)
    subnet = ["subnet", "update", "-g", group, "--vnet-name", "private", "-n", "apps"]
    tour.do(*network, "vnet", *subnet, "--nsg", "guard", *QUICK)
    page = f"http://{address}:8080/busybox"
    get = f"busybox timeout 4 busybox wget -q -O - {page} > /dev/null"
    ask = f"/bin/busybox sh -c '{get} && echo reached || echo not let in'"
    street.execute("neighbour", ask, "reached")
    rule = ["--priority", "100", "--access", "Deny", "--protocol", "Tcp"]
    rule += ["--destination-port-ranges", "8080", "-n", "closed"]
    tour.do(*network, "nsg", "rule", "create", "-g", group, "--nsg-name", "guard", *rule, *QUICK)
    tour.title("The neighbour is refused")
    street.execute("neighbour", ask, "not let in")
    tour.refusals += 1
    for name in ("inside", "neighbour"):
        tour.do("az", "container", "delete", "-g", group, "-n", name, "--yes", *QUICK)
