"""``make demo``: the tour with real az, a real docker daemon and skopeo, each answer checked.

Every command is printed, then what it really said. The first answer that differs from what it has
to be, a refusal that does not happen included, ends the tour with a non-zero status.
"""

import os
import re
import shlex
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from . import demo_clusters, demo_containers, docker, images, programs
from .instance import SILO, Instance, find_port
from .strangers import az_path

REGISTRY = "silodemo"
GROUP = "demo"
PATIENCE_S = 60.0
WORDS = "hello from a registry of your own"
REFUSED = re.compile(
    r"denied|unauthorized|authentication required|insufficient|401|403", re.IGNORECASE
)


PROGRAMS: dict[str, list[str | Path]] = {
    "az": [az_path()],
    "kubectl": demo_clusters.kubectl_path(),
    "silo": [SILO],
}
"""Commands that are not on the path."""


class Differs(Exception):
    """An answer is not the one it has to be."""


class Tour:
    """Runs commands, prints them and their real output, and insists on the expected end."""

    def __init__(self) -> None:
        self.secrets: dict[str, str] = {}
        self.environment = programs.plain_environment()
        self.refusals = 0

    def title(self, words: str) -> None:
        """Print a heading."""
        print(f"\n\033[1m── {words}\033[0m" if sys.stdout.isatty() else f"\n── {words}")

    def hide(self, name: str, value: str) -> str:
        """Print a secret by its name from here on."""
        self.secrets[value] = f"${name}"
        return value

    def show(self, text: str) -> None:
        """Print without secrets."""
        for value, name in self.secrets.items():
            text = text.replace(value, name)
        print(text, flush=True)

    def announce(self, *words: str | Path) -> None:
        """Print a command that is run otherwise."""
        self.show(f"$ {shlex.join(map(str, words))}")

    def insist(self, true: bool, words: str) -> None:
        """End the tour when something is not so."""
        if not true:
            raise Differs(words)

    def run(self, *words: str | Path, stdin: str | None = None) -> programs.Outcome:
        """Print a command, run it, print its output."""
        self.announce(*words)
        outcome = self.look(*words, stdin=stdin)
        if outcome.said.strip():
            self.show(outcome.said.rstrip())
        return outcome

    def look(self, *words: str | Path, stdin: str | None = None) -> programs.Outcome:
        """Run a command without a word."""
        program = PROGRAMS.get(str(words[0]), [words[0]])
        return programs.run([*program, *words[1:]], self.environment, stdin=stdin)

    def settle(self, *words: str | Path, says: str) -> None:
        """Run a command that waits, and print how its waiting ended."""
        self.announce(*words)
        outcome = programs.succeed(self.look(*words))
        last = outcome.out.strip().splitlines()[-1]
        self.show(last)
        self.insist(says in last, f"this had to say: {says}")

    def do(self, *words: str | Path, says: str = "", stdin: str | None = None) -> programs.Outcome:
        """Run a command that has to succeed, and to print these words."""
        outcome = self.run(*words, stdin=stdin)
        if outcome.code:
            raise Differs(f"this had to succeed, and ended with {outcome.code}")
        if says not in outcome.said:
            raise Differs(f"this had to say: {says}")
        return outcome

    def wait_for(self, *words: str | Path, says: str) -> None:
        """Run a command until it says these words, and print it once."""
        until = time.monotonic() + PATIENCE_S
        while says not in self.look(*words).said:
            self.insist(time.monotonic() < until, f"this had to say: {says}")
            time.sleep(0.1)
        self.do(*words, says=says)

    def refused(
        self, *words: str | Path, reason: re.Pattern[str] = REFUSED, stdin: str | None = None
    ) -> None:
        """Run a command that has to be refused, for this reason."""
        outcome = self.run(*words, stdin=stdin)
        if outcome.code == 0:
            raise Differs("this had to be refused, and succeeded")
        if not reason.search(outcome.said):
            raise Differs(f"this had to be refused for another reason: {reason.pattern}")
        self.refusals += 1
        self.show(f"  ↳ refused, as it has to be (exit {outcome.code})")


@contextmanager
def silo_up(tour: Tour, folder: Path) -> Iterator[Instance]:
    """Bring Silo up on a fresh state, and down again whatever happens."""
    tour.title("Silo on a fresh state")
    instance = Instance(folder / "state", find_port())
    state = str(instance.state)
    up = ["silo", "up", "--state", state, "--port", str(instance.port), "--detach"]
    up += ["--clusters"] if os.geteuid() == 0 else []
    tour.show(f"$ {shlex.join(up)}")
    started = programs.succeed(programs.run([SILO, *up[1:]], tour.environment))
    try:
        tour.hide("ADMINISTRATOR_PASSWORD", instance.credentials["administrator"]["password"])
        tour.hide("SECRET", instance.credentials["servicePrincipal"]["clientSecret"])
        tour.show(started.said.rstrip())
        tour.do("silo", "status", "--state", state)
        tour.show('$ eval "$(silo env)"')
        tour.environment = instance.environment(folder) | {"SILO_STATE": state}
        yield instance
    finally:
        tour.title("Silo down")
        tour.run("silo", "down", "--groups", "--state", state)


def open_registry(tour: Tour, instance: Instance) -> tuple[str, str]:
    """Sign in, make a group and a registry; return the registry's id and server."""
    tour.title("Sign in")
    principal = instance.credentials["servicePrincipal"]
    login = ["az", "login", "--service-principal", "--tenant", instance.tenant]
    login += ["-u", principal["clientId"], "-p", principal["clientSecret"]]
    tour.do(*login, says=instance.subscription)

    tour.title("A resource group and a private registry")
    tour.do("az", "group", "create", "-n", GROUP, "-l", "westeurope", says="Succeeded")
    create = ["az", "acr", "create", "-n", REGISTRY, "-g", GROUP, "--sku", "Basic"]
    query = ["--query", "{id:id, loginServer:loginServer, admin:adminUserEnabled}"]
    made = tour.do(*create, *query).json
    if made["admin"] is not False:
        raise Differs("the admin user has to be off")
    return str(made["id"]), str(made["loginServer"])


def push(tour: Tour, server: str, folder: Path) -> None:
    """Make an image and push it."""
    tour.title("An image without the internet: Debian's static busybox, by a real docker daemon")
    context = images.make_build_context(folder / "hello", WORDS)
    tour.do("docker", "build", "--quiet", "--tag", "hello", context)
    tour.title("Push and list")
    tour.do("az", "acr", "login", "-n", REGISTRY, says="Login Succeeded")
    tour.do("docker", "tag", "hello", f"{server}/team/hello:1")
    tour.do("docker", "push", f"{server}/team/hello:1", says="digest: sha256:")
    list_images(tour)


def push_without_docker(tour: Tour, server: str, folder: Path) -> None:
    """Push with a token of az's, and be refused without one."""
    tour.title("Push with skopeo, and list")
    ask = ["az", "acr", "login", "-n", REGISTRY, "--expose-token", "--query", "accessToken"]
    tour.announce(*ask)
    token = tour.hide("TOKEN", programs.succeed(tour.look(*ask, "-o", "tsv")).out.strip())
    layout = images.make_image(folder / "hello", "1", words=WORDS)
    target = f"docker://{server}/team/hello:1"
    credentials = f"00000000-0000-0000-0000-000000000000:{token}"
    tour.do("skopeo", "copy", "--dest-creds", credentials, layout.reference, target)
    list_images(tour)
    tour.title("Nobody comes in without a token")
    tour.refused("skopeo", "inspect", "--no-creds", target)


def list_images(tour: Tour) -> None:
    """See what was pushed."""
    tour.do("az", "acr", "repository", "list", "-n", REGISTRY, says="team/hello")
    tags = ["az", "acr", "repository", "show-tags", "-n", REGISTRY, "--repository", "team/hello"]
    if tour.do(*tags).json != ["1"]:
        raise Differs("the tags have to be: 1")


def pull_only(tour: Tour, instance: Instance, registry: str, folder: Path) -> None:
    """Give a principal pull rights only, and see it pull and be refused."""
    server = f"{REGISTRY}.{instance.endpoints['registrySuffix']}"
    image = f"{server}/team/hello:1"

    tour.title("A principal that may pull, and nothing else")
    # Its output holds the secret, so it is hidden before anything is shown.
    create = ["az", "ad", "sp", "create-for-rbac", "-n", "puller"]
    tour.show(f"$ {shlex.join(create)}")
    made = programs.succeed(programs.run([az_path(), *create[1:]], tour.environment))
    puller, secret = made.json["appId"], tour.hide("PULLER_SECRET", made.json["password"])
    tour.show(made.out.rstrip())
    assign = ["az", "role", "assignment", "create", "--assignee", puller, "--role", "AcrPull"]
    tour.do(*assign, "--scope", registry, says="Microsoft.Authorization/roleAssignments")

    tour.title("It pulls")
    tour.do("docker", "logout", server)
    login = ["docker", "login", server, "-u", puller, "--password-stdin"]
    tour.do(*login, stdin=secret, says="Login Succeeded")
    tour.do("docker", "rmi", image, "hello")
    tour.do("docker", "pull", image, says="Downloaded newer image")
    tour.do("docker", "run", "--rm", "--network", "none", image, says=WORDS)
    credentials = f"{puller}:{secret}"
    skopeo = ["skopeo", "copy", "--src-creds", credentials, f"docker://{image}"]
    tour.do(*skopeo, f"oci:{folder / 'copy'}:1")

    tour.title("It may not push")
    tour.do("docker", "tag", image, f"{server}/team/hello:2")
    tour.refused("docker", "push", f"{server}/team/hello:2")
    pushing = ["skopeo", "copy", "--dest-creds", credentials, f"oci:{folder / 'copy'}:1"]
    tour.refused(*pushing, f"docker://{server}/team/hello:2")
    tour.do("docker", "logout", server)


def closed_doors(tour: Tour, instance: Instance) -> None:
    """Try to come in without a token, and as the admin user that is switched off."""
    server = f"{REGISTRY}.{instance.endpoints['registrySuffix']}"

    tour.title("Nobody comes in without a token")
    tour.refused("docker", "pull", f"{server}/team/hello:1")
    tour.refused("skopeo", "inspect", "--no-creds", f"docker://{server}/team/hello:1")

    tour.title("The admin user is off")
    admin = re.compile("admin", re.IGNORECASE)
    tour.refused("az", "acr", "credential", "show", "-n", REGISTRY, reason=admin)
    tour.refused("docker", "login", server, "-u", REGISTRY, "--password-stdin", stdin="guess")


def evidence(tour: Tour) -> None:
    """Read who did what, and prove that the log is whole."""
    tour.title("Who did what")
    query = "[].{when:eventTimestamp, what:operationName.value, result:status.value, who:caller}"
    listing = ["az", "monitor", "activity-log", "list", "-g", GROUP, "--offset", "1h"]
    tour.do(
        *listing, "--query", query, "-o", "table", says="Microsoft.ContainerRegistry/registries"
    )
    tour.title("The log is whole")
    tour.do("silo", "audit", "verify")


def explain(tour: Tour, registry: str) -> None:
    """Ask why somebody may not."""
    tour.title("Why that principal may not push")
    action = "Microsoft.ContainerRegistry/registries/push/write"
    reason = re.compile("^denied: The role 'AcrPull'")
    tour.refused("silo", "why", "puller", action, registry, reason=reason)


def with_root(tour: Tour, instance: Instance, folder: Path, stack: ExitStack) -> None:
    """Make the whole tour: registry, container groups, a cluster."""
    host = stack.enter_context(docker.daemon(tour.environment))
    tour.environment = docker.Docker(host, tour.environment, folder / "docker").environment
    registry, server = open_registry(tour, instance)
    push(tour, server, folder)
    pull_only(tour, instance, registry, folder)
    closed_doors(tour, instance)
    demo_containers.run_groups(tour, GROUP, registry, f"{server}/team/hello:1", folder)
    evidence(tour)
    explain(tour, registry)
    demo_clusters.run_cluster(tour, instance, GROUP, server, folder)


def without_root(tour: Tour, instance: Instance, folder: Path) -> None:
    """Show the registry alone, and say so."""
    _, server = open_registry(tour, instance)
    push_without_docker(tour, server, folder)
    evidence(tour)
    print("\nNot shown, for they need root: docker, container groups and a Kubernetes cluster.")


def main() -> None:
    """Make the tour."""
    tour = Tour()
    with tempfile.TemporaryDirectory(prefix="silo-demo-") as name, ExitStack() as stack:
        folder = Path(name)
        try:
            instance = stack.enter_context(silo_up(tour, folder))
            if os.geteuid() == 0:
                with_root(tour, instance, folder, stack)
            else:
                without_root(tour, instance, folder)
        except (Differs, programs.ProgramFailed) as problem:
            stack.close()
            sys.exit(f"\nThe demo failed: {problem}")
        stack.close()
    print(f"\nEverything was as it has to be; refusals among it: {tour.refusals}.")


if __name__ == "__main__":
    main()
