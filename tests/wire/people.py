"""People of the directory at their keyboards: az signed in, kubectl with what az hands out."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.wire.aks import KITS, Cluster
from tools import programs
from tools.azure import Az
from tools.strangers import az_path, kubelogin_path

PASSWORD = "Long-enough-9-Password"


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who has signed in with az."""

    az: Az
    upn: str
    object_id: str
    config: Path

    def get_credentials(self, cluster: Cluster, *options: str) -> None:
        """Have az write the kubeconfig; kubelogin is on the path, so az puts it to use."""
        self.config.unlink(missing_ok=True)
        words = ("get-credentials", *cluster.names, *options)
        where = {"PATH": _path(), "KUBECONFIG": str(self.config)}
        programs.succeed(self.az.run("aks", *words, **where))
        # An API server that has just started fetches the issuer's keys within ten seconds.
        cluster.wait(lambda: self.kubectl("auth", "whoami").code == 0)

    def kubectl(self, *words: str) -> programs.Outcome:
        kit = next(iter(KITS.values()))
        command = [kit.kubernetes, "kubectl", f"--kubeconfig={self.config}", *words]
        environment = {**self.az.environment, "PATH": _path(), "KUBECACHEDIR": str(self.az.folder)}
        return programs.run(command, environment)

    def can(self, *words: str) -> bool:
        return self.kubectl("auth", "can-i", *words).out.strip() == "yes"


def make_person(
    az: Az, new_az: Callable[[], Az], name: str, folder: Path, *, group: str = ""
) -> Person:
    """Make a user, of a group, who then signs in."""
    upn = f"{name}@silo.localhost"
    named = ("--display-name", name, "--user-principal-name", upn)
    made = az("ad", "user", "create", *named, "--password", PASSWORD)
    if group:
        az("ad", "group", "member", "add", "-g", group, "--member-id", made["id"])
    own = new_az()
    own("login", "-u", upn, "-p", PASSWORD, "--allow-no-subscriptions")
    return Person(own, upn, made["id"], folder / f"{name}.kubeconfig")


def grant(az: Az, person: Person, role: str, scope: str) -> None:
    """Give a role to somebody."""
    whom = ("--assignee-object-id", person.object_id, "--assignee-principal-type", "User")
    az("role", "assignment", "create", "--role", role, *whom, "--scope", scope)


def _path() -> str:
    folders = (str(az_path().parent), str(kubelogin_path().parent), os.environ["PATH"])
    return os.pathsep.join(folders)
