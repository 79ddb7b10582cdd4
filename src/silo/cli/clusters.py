"""``silo cluster backup`` and ``silo cluster restore``: all that a cluster stored, in one file.

Both have the cluster stand still while files are copied; az would say the same with ``az aks stop``
and ``start``.
"""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import httpx2
import typer

from silo import app, core

from .instance import Client, State, fail, get_settings, read_credentials

API_VERSION = "2025-10-01"
_MISSING = 3
_LOOK_S = 0.5
_PATIENCE_S = 1800.0
_ENDS = frozenset({"Succeeded", "Failed", "Canceled"})

cluster = typer.Typer(help="Kubernetes clusters.", no_args_is_help=True)

Group = Annotated[str, typer.Option("--resource-group", "-g", help="The resource group.")]
Name = Annotated[str, typer.Argument(help="The cluster.")]
Subscription = Annotated[
    str, typer.Option("--subscription", help="By default the instance's first one.")
]


@cluster.command("backup")
def back_up(
    name: Name,
    group: Group,
    to: Annotated[Path, typer.Option("--to", metavar="FILE", help="The file to be made.")],
    subscription: Subscription = "",
    state: State = None,
) -> None:
    """Copy a cluster's objects, keys and disks into a file; it is stopped meanwhile."""
    one = _Cluster(state, subscription, group, name)

    def write() -> None:
        one.archives.write(to)
        if one.is_running():
            to.unlink()
            fail("the cluster was started meanwhile; nothing was kept.")

    one.act_stopped(write)
    print(f"{to} holds {name}, private keys among it: keep it as you keep those.")


@cluster.command("restore")
def restore(
    name: Name,
    group: Group,
    source: Annotated[Path, typer.Option("--from", metavar="FILE", help="What backup made.")],
    subscription: Subscription = "",
    state: State = None,
) -> None:
    """Have a cluster be as it was when FILE was made; what came later is gone."""
    one = _Cluster(state, subscription, group, name)
    one.check(source)
    one.act_stopped(lambda: one.archives.read(source))
    one.archives.forget_former()
    print(f"{name} is as it was.")


class _Cluster:
    """One cluster, asked over HTTP."""

    def __init__(self, state: Path | None, subscription: str, group: str, name: str) -> None:
        instance = get_settings(state)
        self._path = (
            f"/subscriptions/{subscription or instance.subscription_id}/resourceGroups/{group}"
            f"/providers/Microsoft.ContainerService/managedClusters/{name}"
        )
        self._client = Client(instance)
        self._secrets = read_credentials(instance)
        self.archives = app.ClusterArchives(instance, self._path)

    def check(self, source: Path) -> None:
        """Refuse what is no archive of it while it still runs."""
        self._show()
        try:
            self.archives.check(source)
        except core.SiloError as error:
            fail(str(error))

    def is_running(self) -> bool:
        """Tell whether it is to run."""
        return bool(self._show()["powerState"]["code"] == "Running")

    def act_stopped(self, work: Callable[[], None]) -> None:
        """Work while nothing of the cluster runs; it goes on afterwards if it ran."""
        # Of a cluster that is stopping it says already that it does not run.
        self._wait("settle")
        ran = self.is_running()
        if ran:
            self._change("stop")
        try:
            work()
        except core.SiloError as error:
            fail(str(error))
        finally:
            if ran:
                self._change("start")

    def _show(self) -> dict[str, Any]:
        shown: dict[str, Any] = self._ask("GET", "")["properties"]
        return shown

    def _change(self, verb: str) -> None:
        self._ask("POST", f"/{verb}")
        if self._wait(verb) != "Succeeded":
            fail(f"the cluster does not {verb}: see az monitor activity-log list.")

    def _wait(self, verb: str) -> str:
        """Return how what is being done with it ends."""
        deadline = time.monotonic() + _PATIENCE_S
        while (state := self._show()["provisioningState"]) not in _ENDS:
            if time.monotonic() > deadline:
                fail(f"the cluster does not {verb}; see az aks show.")
            time.sleep(_LOOK_S)
        return str(state)

    def _ask(self, method: str, action: str) -> dict[str, Any]:
        try:
            # Anew each time: starting may take longer than a token lives.
            token = self._client.sign_in(self._secrets, "https://management.azure.com")
            url = f"{self._client.urls.resource_manager}{self._path}{action}"
            answer = self._client.call(method, f"{url}?api-version={API_VERSION}", token=token)
        except (httpx2.HTTPError, OSError) as error:
            fail(f"Silo does not answer: {error}")
        if answer.is_error:
            told = answer.json().get("error", {})
            code = _MISSING if answer.status_code == httpx2.codes.NOT_FOUND else 1
            fail(f"{told.get('code')}: {told.get('message')}", code)
        found: dict[str, Any] = answer.json() if answer.content else {}
        return found
