"""``silo why``: may this principal do that there, and which assignment says so."""

from typing import Annotated, Any

import httpx2
import typer

from .instance import Client, State, fail, get_settings, read_credentials

API_VERSION = "2018-09-01-preview"


def why(
    principal: Annotated[
        str, typer.Argument(help="User principal name, application or object id.")
    ],
    action: Annotated[str, typer.Argument(help="E.g. Microsoft.ContainerRegistry/registries/read")],
    scope: Annotated[str, typer.Argument(help="Resource id, e.g. /subscriptions/…")],
    state: State = None,
    data: Annotated[bool, typer.Option("--data", help="ACTION is a data action.")] = False,
) -> None:
    """Print the assignment that decides, or what is missing; exit 1 when it is denied."""
    instance = get_settings(state)
    client = Client(instance)
    secrets = read_credentials(instance)
    try:
        object_id = _find_object_id(client, secrets, principal)
        answer = _ask(client, secrets, object_id, action, scope, data=data)
    except (httpx2.HTTPError, OSError) as error:
        fail(f"Silo does not answer: {error}")
    verdict = "allowed" if answer["allowed"] else "denied"
    print(f"{verdict}: {answer['reason']}")
    if not answer["allowed"]:
        raise typer.Exit(1)


def _find_object_id(client: Client, secrets: dict[str, Any], principal: str) -> str:
    token = client.sign_in(secrets, client.urls.graph)
    quoted = principal.replace("'", "''")
    searches = (
        f"/v1.0/users?$filter=userPrincipalName eq '{quoted}'",
        f"/v1.0/servicePrincipals?$filter=appId eq '{quoted}' or id eq '{quoted}'",
        f"/v1.0/users?$filter=id eq '{quoted}'",
        f"/v1.0/groups?$filter=id eq '{quoted}' or displayName eq '{quoted}'",
        f"/v1.0/servicePrincipals?$filter=displayName eq '{quoted}'",
    )
    for search in searches:
        answer = client.call("GET", client.urls.graph + search, token=token)
        if answer.status_code == httpx2.codes.OK and len(answer.json()["value"]) == 1:
            return str(answer.json()["value"][0]["id"])
    return fail(f"no user, group or service principal is named '{principal}'.", 3)


def _ask(
    client: Client, secrets: dict[str, Any], object_id: str, action: str, scope: str, *, data: bool
) -> dict[str, Any]:
    token = client.sign_in(secrets, "https://management.azure.com")
    url = f"{client.urls.resource_manager}{scope.rstrip('/')}/providers/Microsoft.Authorization"
    answer = client.call(
        "POST",
        f"{url}/checkAccess?api-version={API_VERSION}",
        body={
            "Subject": {"Attributes": {"ObjectId": object_id}},
            "Actions": [{"Id": action, "IsDataAction": data}],
        },
        token=token,
    )
    if answer.status_code != httpx2.codes.OK:
        error = answer.json().get("error", {})
        fail(f"{error.get('code')}: {error.get('message')}")
    (decision,) = answer.json()
    return {
        "allowed": decision["accessDecision"] == "Allowed",
        "reason": decision["reason"],
    }
