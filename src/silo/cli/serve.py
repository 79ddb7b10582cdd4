"""``silo up``, ``silo down`` and ``silo audit verify``: the commands that act on the files.

They may open the application, as few of the command line do; ``audit verify`` has to work
when the service is down, and must not trust its word.
"""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Annotated, Any

import httpx2
import typer

from silo import app, settings

from .instance import Client, State, fail, get_settings, read_credentials

START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 60.0

audit = typer.Typer(help="The tamper-evident log.", no_args_is_help=True)


def up(  # noqa: PLR0917 - one parameter an option
    state: State = None,
    detach: Annotated[bool, typer.Option("--detach", "-d", help="Return once it serves.")] = False,
    domain: Annotated[str | None, typer.Option(help="Domain of every host name.")] = None,
    listen: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port of every door.", min=1, max=65535)] = None,
    tls_cert: Annotated[
        Path | None, typer.Option(help="Certificate chain (PEM) instead of Silo's own.")
    ] = None,
    tls_key: Annotated[Path | None, typer.Option(help="Its private key (PEM).")] = None,
    tls: Annotated[
        bool | None,
        typer.Option(
            "--tls/--no-tls", help="Off only behind a proxy on this machine that does TLS."
        ),
    ] = None,
    workers: Annotated[int | None, typer.Option(help="Serving processes.", min=1, max=64)] = None,
    group_pool: Annotated[
        str | None, typer.Option(help="IPv4 prefix for groups; while there are none.")
    ] = None,
    public_pool: Annotated[
        str | None, typer.Option(help="IPv4 prefix for public addresses.")
    ] = None,
    arm_rate: Annotated[
        float | None,
        typer.Option(help="Requests to ARM per caller, in times of Azure's limits.", min=0.01),
    ] = None,
    cpu_overcommit: Annotated[
        float | None,
        typer.Option(help="Times that each core is promised to groups.", min=1.0, max=100.0),
    ] = None,
    group_quota: Annotated[
        int | None, typer.Option(help="Container groups of each subscription.", min=0)
    ] = None,
    core_quota: Annotated[
        float | None, typer.Option(help="Cores of each subscription's groups.", min=0.0)
    ] = None,
    clusters: Annotated[
        bool | None,
        typer.Option(
            "--clusters/--no-clusters",
            help="Run Kubernetes clusters.",
        ),
    ] = None,
    password_grant: Annotated[
        bool | None,
        typer.Option("--password-grant/--no-password-grant", help="Allow az login -u -p."),
    ] = None,
    quiet: Annotated[
        bool, typer.Option("--quiet", help="Do not print the first administrator's password.")
    ] = False,
) -> None:
    """Start Silo; what is given here is kept for later starts."""
    folder = (state or settings.default_state()).absolute()
    if detach:
        _start_detached(folder, _greet_quietly if quiet else _greet)
        return
    given = {
        "domain": domain,
        "listen": listen,
        "port": port,
        "tls_cert": str(tls_cert.absolute()) if tls_cert else None,
        "tls_key": str(tls_key.absolute()) if tls_key else None,
        "tls": tls,
        "workers": workers,
        "group_pool": group_pool,
        "public_pool": public_pool,
        "arm_rate": arm_rate,
        "cpu_overcommit": cpu_overcommit,
        "group_quota": group_quota,
        "core_quota": core_quota,
        "run_clusters": clusters,
        "password_grant": password_grant,
    }
    try:
        chosen = {name: value for name, value in given.items() if value is not None}
        app.run(folder, chosen, _greet_quietly if quiet else _greet)
    except app.CannotStart as error:
        fail(str(error))


def down(
    state: State = None,
    groups: Annotated[
        bool,
        typer.Option(
            "--groups", help="End container groups and clusters too; silo up starts them again."
        ),
    ] = False,
) -> None:
    """Stop Silo; requests in flight finish first, groups and clusters go on without it."""
    instance = get_settings(state)
    pid = app.find_running(instance.state)
    if pid is None:
        print(f"Silo is not running in {instance.state}.")
    else:
        _stop(pid, instance)
        print("Silo has stopped.")
    if groups and app.end_groups(instance):
        print("Container groups and clusters have ended; what they stored stays.")


def _stop(pid: int, instance: settings.Settings) -> None:
    try:
        os.kill(pid, signal.SIGTERM)
    except PermissionError:
        fail(f"process {pid} belongs to another user.")
    deadline = time.monotonic() + STOP_TIMEOUT_S
    while app.find_running(instance.state) == pid:
        if time.monotonic() > deadline:
            fail(f"process {pid} has not stopped within {STOP_TIMEOUT_S:.0f} seconds.")
        time.sleep(0.05)


@audit.command("verify")
def verify(
    state: State = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Recompute the hash chain of the log and name the first broken record."""
    found = app.verify_audit(get_settings(state))
    if as_json:
        document = {
            "records": found.count,
            "head": found.head,
            "checkpoints": found.checkpoints,
            "firstBroken": found.broken,
            "reason": found.reason,
        }
        print(json.dumps(document))
    elif found.broken is None:
        print(
            f"The log is whole: {found.count} records, head {found.head},"
            f" {found.checkpoints} signed checkpoints."
        )
    else:
        print(f"The log is broken at record {found.broken}: {found.reason}")
    if found.broken is not None:
        raise typer.Exit(1)


def _start_detached(folder: Path, greet: app.Greet) -> None:
    """Run the same command without ``--detach`` in a session of its own; wait until it serves."""
    command = [argument for argument in sys.argv[1:] if argument not in {"--detach", "-d"}]
    folder.mkdir(parents=True, exist_ok=True, mode=0o711)
    first_start = not (folder / "credentials.json").exists()
    log = folder / "silo.log"
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(descriptor, "ab") as output:
        start = output.tell()
        process = subprocess.Popen(  # noqa: S603 - ourselves
            [sys.executable, "-m", "silo", *command, "--quiet"],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    instance: settings.Settings | None = None
    client: Client | None = None
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            with log.open("rb") as file:
                file.seek(start)
                sys.stderr.write(file.read().decode(errors="replace"))
            raise typer.Exit(process.returncode or 1)
        found = settings.load_settings(folder)
        if found is not None and found != instance and found.bundle.exists():
            instance, client = found, Client(found)
        if client and app.find_running(folder) == process.pid and _answers(client):
            greet(client.instance, read_credentials(client.instance) if first_start else None)
            return
        time.sleep(0.05)
    fail(f"Silo does not answer after {START_TIMEOUT_S:.0f} seconds; see {log}.")


def _greet_quietly(instance: settings.Settings, _credentials: dict[str, Any] | None) -> None:
    _greet(instance, None)


def _greet(instance: settings.Settings, credentials: dict[str, Any] | None) -> None:
    print(f"Silo serves {instance.names.urls.resource_manager}", flush=True)
    if credentials:
        administrator = credentials["administrator"]
        print("This is its first start. The first administrator, shown once:")
        print(f"  {administrator['userPrincipalName']}\n  {administrator['password']}")
        print(f"Kept in {instance.credentials}; silo credentials prints it.", flush=True)


def _answers(client: Client) -> bool:
    url = f"{client.urls.resource_manager}/metadata/endpoints?api-version=2022-09-01"
    try:
        return client.call("GET", url).status_code == httpx2.codes.OK
    except (httpx2.HTTPError, OSError):
        return False
