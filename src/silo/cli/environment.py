"""``silo env`` and ``silo exec``: the environment in which Azure's tools find this instance."""

import configparser
import os
import shlex
from pathlib import Path
from typing import Annotated

import typer

from silo import settings

from .instance import State, fail, get_settings

AzureNames = Annotated[
    bool,
    typer.Option(
        "--azure-names",
        help="Claim Azure's real host names (management.azure.com, *.azurecr.io) in this shell.",
    ),
]


def print_environment(state: State = None, azure_names: AzureNames = False) -> None:
    """Print the environment for a shell: eval "$(silo env)"."""
    for name, value in build_environment(get_settings(state), azure_names=azure_names).items():
        print(f"export {name}={shlex.quote(value)}")


def execute(context: typer.Context, state: State = None, azure_names: AzureNames = False) -> None:
    """Run a command in that environment: silo exec -- az login."""
    command = context.args
    if not command:
        fail("no command was given: silo exec -- COMMAND ARGUMENTS", 2)
    added = build_environment(get_settings(state), azure_names=azure_names)
    try:
        os.execvpe(command[0], command, os.environ | added)  # noqa: S606 - the user's own command
    except FileNotFoundError:
        fail(f"{command[0]}: not found", 127)
    except PermissionError:
        fail(f"{command[0]}: may not be run", 126)


def build_environment(instance: settings.Settings, *, azure_names: bool) -> dict[str, str]:
    """Return the variables; write az's own configuration folder of this user if it is missing."""
    port = instance.azure_proxy_port if azure_names else instance.proxy_port
    proxy = f"http://127.0.0.1:{port}"
    bundle = str(instance.bundle)
    folder = _azure_folder(instance, azure_names=azure_names)
    variables = {
        "HTTPS_PROXY": proxy,
        "https_proxy": proxy,
        # Not "localhost": every client takes it to cover silo.localhost too.
        "NO_PROXY": "127.0.0.1,::1",
        "no_proxy": "127.0.0.1,::1",
        "SSL_CERT_FILE": bundle,
        "REQUESTS_CA_BUNDLE": bundle,
        "WEBSOCKET_CLIENT_CA_BUNDLE": bundle,
        "AZURE_CONFIG_DIR": str(folder),
        "AZURE_CORE_COLLECT_TELEMETRY": "no",
        "SILO_STATE": str(instance.state),
    }
    if not azure_names:
        # The sign-in host is not one that Microsoft's instance discovery knows (azure-wire 2.0).
        variables["AZURE_CORE_INSTANCE_DISCOVERY"] = "false"
        variables["AZURE_AUTHORITY_HOST"] = instance.names.urls.login
    return variables


def _azure_folder(instance: settings.Settings, *, azure_names: bool) -> Path:
    """Return a configuration folder of this user and instance, so no real sign-in mixes in."""
    if given := os.environ.get("SILO_AZURE_CONFIG_DIR"):
        folder = Path(given)
    else:
        home = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
        family = "azure-names" if azure_names else "azure"
        folder = home / "silo" / instance.id / family
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not azure_names:
        _write_ini(folder / "clouds.config", {"Silo": _cloud(instance)})
        _write_ini(folder / "config", {"cloud": {"name": "Silo"}}, keep=True)
    return folder


def _cloud(instance: settings.Settings) -> dict[str, str]:
    """Return what ``az cloud register`` stores of /metadata/endpoints (azure-wire 1.1)."""
    urls = instance.names.urls
    return {
        "endpoint_management": "https://management.core.windows.net/",
        "endpoint_resource_manager": f"{urls.resource_manager}/",
        "endpoint_portal": urls.resource_manager,
        "endpoint_active_directory": urls.login,
        "endpoint_active_directory_resource_id": "https://management.azure.com/",
        "endpoint_active_directory_graph_resource_id": f"{urls.graph}/",
        "endpoint_microsoft_graph_resource_id": f"{urls.graph}/",
        "endpoint_log_analytics_resource_id": urls.logs,
        "suffix_acr_login_server_endpoint": f".{urls.registry_suffix}",
        "suffix_storage_endpoint": urls.storage_suffix,
        "suffix_keyvault_dns": f".vault.{urls.storage_suffix.removeprefix('core.')}",
    }


def _write_ini(path: Path, wanted: dict[str, dict[str, str]], *, keep: bool = False) -> None:
    """Write sections of a configuration file; with ``keep``, only where they are missing."""
    parser = configparser.RawConfigParser()
    parser.read(path)
    before = {name: dict(parser[name]) for name in parser.sections()}
    for section, values in wanted.items():
        if not parser.has_section(section):
            parser.add_section(section)
        for name, value in values.items():
            if not (keep and parser.has_option(section, name)):
                parser.set(section, name, value)
    if {name: dict(parser[name]) for name in parser.sections()} == before:
        return
    part = path.with_name(f".{path.name}.{os.getpid()}")
    with part.open("w") as file:
        parser.write(file)
    part.replace(path)
