"""``silo status``, ``silo credentials``, ``silo doctor``: what is, for people and scripts."""

import json
import os
import shutil
import socket
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

import httpx2
import typer
from rich.console import Console
from rich.table import Table

import silo
from silo import core, engine, front, settings

from .instance import Client, State, fail, get_settings, read_credentials

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, stable across versions.")]

LOW_DISK_BYTES = 2 * 1024**3
EXPIRY_WARNING = timedelta(days=30)


def status(state: State = None, as_json: AsJson = False) -> None:
    """Print the addresses and processes; exit 1 when Silo does not answer."""
    instance = get_settings(state)
    document = describe(instance)
    if as_json:
        print(json.dumps(document, indent=2))
    else:
        table = Table("what", "where", box=None, show_header=False)
        for name, value in document["endpoints"].items():
            table.add_row(name, value)
        for process in document["processes"]:
            size = f"{process['pssBytes'] / 2**20:.0f} MiB" if process["pssBytes"] else ""
            table.add_row(process["name"], f"pid {process['pid']}  {size}")
        table.add_row("isolation", ", ".join(document["isolationLevels"]) or "no containers here")
        table.add_row("version", document["version"])
        Console(highlight=False).print(table)
    if not document["running"]:
        raise typer.Exit(1)


def describe(instance: settings.Settings) -> dict[str, Any]:
    """Return the status document."""
    urls = instance.names.urls
    return {
        "running": _problem_with_service(instance) is None,
        "endpoints": {
            "resourceManager": urls.resource_manager,
            "login": urls.login,
            "graph": urls.graph,
            "logs": urls.logs,
            "registrySuffix": urls.registry_suffix,
            "proxy": f"http://127.0.0.1:{instance.proxy_port}",
            "azureNamesProxy": f"http://127.0.0.1:{instance.azure_proxy_port}",
            "dns": f"{instance.listen}:{instance.dns_port}",
        },
        "processes": list(_processes(instance)),
        "isolationLevels": list(engine.list_levels(engine.find_binaries(), _user_of(instance))),
        "version": silo.__version__,
    }


def credentials(state: State = None, as_json: AsJson = False) -> None:
    """Print the first administrator's and the bootstrap service principal's secrets."""
    document = read_credentials(get_settings(state))
    if as_json:
        print(json.dumps(document, indent=2))
        return
    table = Table(box=None, show_header=False)
    table.add_row("tenant", document["tenantId"])
    table.add_row("subscription", document["subscriptionId"])
    for kind in ("administrator", "servicePrincipal"):
        for name, value in document[kind].items():
            table.add_row(f"{kind}.{name}", value)
    Console(highlight=False, soft_wrap=True).print(table)


def doctor(state: State = None) -> None:
    """Check what Silo needs of this machine; exit 1 when something is wrong."""
    instance = get_settings(state)
    table = Table("check", "finding", box=None, show_header=False)
    broken = False
    for name, problem in _checks(instance):
        broken = broken or problem is not None
        table.add_row(name, f"[red]{problem}[/red]" if problem else "[green]ok[/green]")
    for finding in _look_at_engine(instance):
        broken = broken or (finding.needed and not finding.fine)
        colour = "green" if finding.fine else "red" if finding.needed else "yellow"
        table.add_row(finding.name, f"[{colour}]{finding.said}[/{colour}]")
    Console(highlight=False, soft_wrap=True).print(table)
    if broken:
        raise typer.Exit(1)


def _look_at_engine(instance: settings.Settings) -> Iterator[engine.Finding]:
    binaries, user = engine.find_binaries(), _user_of(instance)
    yield from engine.inspect_machine(binaries, user)
    # Only root may knock at the door of a Silo of root.
    if engine.find_obstacle(binaries, user) is None and os.geteuid() == 0:
        paths = engine.Paths.of_instance(instance.state, instance.id)
        ready = engine.is_ready(paths)
        said = "answers" if ready else f"nobody answers at {paths.socket}"
        yield engine.Finding("containerd", said, fine=ready)


def _user_of(instance: settings.Settings) -> int:
    return instance.state.stat().st_uid


def _checks(instance: settings.Settings) -> Iterator[tuple[str, str | None]]:
    yield "service answers", _problem_with_service(instance)
    yield "certificate", _problem_with_certificate(instance)
    yield "disk space", _problem_with_disk(instance.state)
    yield "secrets are private", _problem_with_modes(instance)
    for label, port in (
        ("proxy", instance.proxy_port),
        ("azure names proxy", instance.azure_proxy_port),
    ):
        yield f"{label} listens", _problem_with_port("127.0.0.1", port)
    yield "dns listens", _problem_with_port(front.local_address(instance.listen), instance.dns_port)


def _problem_with_service(instance: settings.Settings) -> str | None:
    client = Client(instance)
    url = f"{client.urls.resource_manager}/metadata/endpoints?api-version=2022-09-01"
    try:
        answer = client.call("GET", url)
    except (httpx2.HTTPError, OSError) as error:
        return f"nobody answers at {instance.listen}:{instance.port}: {error}"
    return None if answer.status_code == httpx2.codes.OK else f"it answers {answer.status_code}"


def _problem_with_certificate(instance: settings.Settings) -> str | None:
    if not instance.tls:
        return None
    path = Path(instance.tls_cert or instance.public / "server.pem")
    try:
        left = front.get_expiry(path) - core.SystemClock().now()
    except (OSError, ValueError) as error:
        return f"{path} cannot be read: {error}"
    return f"{path} expires in {left.days} days" if left < EXPIRY_WARNING else None


def _problem_with_disk(folder: Path) -> str | None:
    free = shutil.disk_usage(folder).free
    return f"only {free // 2**20} MiB are free" if free < LOW_DISK_BYTES else None


def _problem_with_modes(instance: settings.Settings) -> str | None:
    secrets = [instance.credentials, instance.database, instance.keys]
    try:
        wide = [str(path) for path in secrets if path.exists() and path.stat().st_mode & 0o077]
    except PermissionError:
        return None
    return f"others may read {', '.join(wide)}" if wide else None


def _problem_with_port(host: str, port: int) -> str | None:
    try:
        with socket.create_connection((host, port), timeout=2):
            return None
    except OSError as error:
        return f"{host}:{port}: {error}"


def _processes(instance: settings.Settings) -> Iterator[dict[str, Any]]:
    """Walk the tree below the supervisor in /proc (man 5 proc)."""
    try:
        root = int((instance.state / "lock").read_text() or 0)
    except (OSError, ValueError):
        return
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            children.setdefault(_parent(entry), []).append(int(entry.name))
    todo = [root] if Path(f"/proc/{root}").exists() else []
    while todo:
        pid = todo.pop(0)
        todo += sorted(children.get(pid, ()))
        try:
            name = Path(f"/proc/{pid}/comm").read_text().strip()
        except OSError:
            fail(f"process {pid} ended while it was looked at; ask again.")
        yield {"name": name, "pid": pid, "pssBytes": _pss_bytes(pid)}


def _parent(entry: Path) -> int:
    try:
        return int((entry / "stat").read_text().rpartition(")")[2].split()[1])
    except (OSError, IndexError, ValueError):
        return 0


def _pss_bytes(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:")), 0)
