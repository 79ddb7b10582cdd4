"""``silo container exec``: what ``az container exec`` cannot: arguments, resizing, exit codes."""

import asyncio
import shlex
import ssl
from typing import Annotated, Any

import httpx2
import typer

from silo import front, settings

from .instance import Client, State, fail, get_settings, read_credentials

API_VERSION = "2023-05-01"
_MISSING = 3

container = typer.Typer(help="Container groups.", no_args_is_help=True)


@container.command(
    "exec", context_settings={"allow_extra_args": True, "ignore_unknown_options": True}
)
def execute(  # noqa: PLR0917 - one for each option
    context: typer.Context,
    group: Annotated[str, typer.Option("--resource-group", "-g", help="The resource group.")],
    name: Annotated[str, typer.Option("--name", "-n", help="The container group.")],
    container_name: Annotated[
        str, typer.Option("--container-name", help="By default the first one.")
    ] = "",
    subscription: Annotated[
        str, typer.Option("--subscription", help="By default the instance's first one.")
    ] = "",
    state: State = None,
) -> None:
    """Run COMMAND… in a container, as in ``-- sh -c 'ls /'``; exit with its exit code."""
    if not context.args:
        fail("say what to run, after --.", 2)
    instance = get_settings(state)
    path = (
        f"/subscriptions/{subscription or instance.subscription_id}/resourceGroups/{group}"
        f"/providers/Microsoft.ContainerInstance/containerGroups/{name}"
    )
    try:
        answer = _ask(Client(instance), read_credentials(instance), path, container_name, context)
    except (httpx2.HTTPError, OSError) as error:
        fail(f"Silo does not answer: {error}")
    raise typer.Exit(_connect(instance, answer))


def _ask(
    client: Client, secrets: dict[str, Any], path: str, name: str, context: typer.Context
) -> dict[str, str]:
    """Return the websocket's address and password."""
    from . import terminal  # noqa: PLC0415 - every other command would wait for its imports

    token = client.sign_in(secrets, "https://management.azure.com")
    root = f"{client.urls.resource_manager}{path}"
    if not name:
        found = _check(client.call("GET", f"{root}?api-version={API_VERSION}", token=token))
        name = found["properties"]["containers"][0]["name"]
    body: dict[str, Any] = {"command": shlex.join(context.args)}
    if terminal.is_terminal():
        rows, columns = terminal.get_size()
        body["terminalSize"] = {"rows": rows, "cols": columns}
    url = f"{root}/containers/{name}/exec?api-version={API_VERSION}"
    answer: dict[str, str] = _check(client.call("POST", url, body=body, token=token))
    return answer


def _check(answer: httpx2.Response) -> Any:
    if answer.status_code == httpx2.codes.OK:
        return answer.json()
    error = answer.json().get("error", {})
    code = _MISSING if answer.status_code == httpx2.codes.NOT_FOUND else 1
    return fail(f"{error.get('code')}: {error.get('message')}", code)


def _connect(instance: settings.Settings, answer: dict[str, str]) -> int:
    from . import terminal  # noqa: PLC0415 - as above

    url, trust = answer["webSocketUri"], None
    if instance.tls:
        trust = ssl.create_default_context(cafile=str(instance.bundle))
    else:
        url = url.replace("wss://", "ws://", 1)
    place = (front.local_address(instance.listen), instance.port)
    try:
        return asyncio.run(terminal.run_session(url, answer["password"], place, trust))
    except OSError as error:
        return fail(f"the session cannot be opened: {error}")
