"""Finding the instance that a command speaks to, and speaking to it over HTTPS."""

import json
import ssl
import sys
from pathlib import Path
from typing import Annotated, Any, NoReturn

import httpx2
import typer

from silo import front, settings

State = Annotated[
    Path | None,
    typer.Option("--state", metavar="DIR", help="The instance's folder.", envvar="SILO_STATE"),
]
"""The option that every command takes."""

TIMEOUT_S = 10.0


def fail(message: str, code: int = 1) -> NoReturn:
    """Print a sentence to standard error and end the command."""
    print(f"silo: {message}", file=sys.stderr)
    raise typer.Exit(code)


def get_settings(state: Path | None) -> settings.Settings:
    """Return the settings of the instance, or end the command."""
    folder = (state or settings.default_state()).absolute()
    try:
        found = settings.load_settings(folder)
    except PermissionError:
        fail(f"{folder} may not be read by this user.")
    if found is None:
        fail(f"there is no instance in {folder}. Start one: silo up --state {folder}")
    return found


def read_credentials(instance: settings.Settings) -> dict[str, Any]:
    """Return the first administrator's and service principal's secrets, or end the command."""
    try:
        document: dict[str, Any] = json.loads(instance.credentials.read_text())
    except (PermissionError, FileNotFoundError):
        fail(f"{instance.credentials} may be read only by the user who runs Silo.")
    return document


class Client:
    """Speaks to one instance as any stranger could, by way of its proxy."""

    def __init__(self, instance: settings.Settings) -> None:
        self.instance = instance
        self.urls = instance.names.urls
        scheme = "https" if instance.tls else "http"
        address = front.local_address(instance.listen)
        self._base = f"{scheme}://{address}:{instance.port}"
        verify: ssl.SSLContext | bool = False
        if instance.tls:
            verify = ssl.create_default_context(cafile=str(instance.bundle))
        self._http = httpx2.Client(verify=verify, timeout=TIMEOUT_S, trust_env=False)
        self._token: dict[str, str] = {}

    def call(
        self,
        method: str,
        url: str,
        *,
        body: Any = None,
        form: dict[str, str] | None = None,
        token: str = "",
    ) -> httpx2.Response:
        """Send one request to the door that the URL's host names.

        Raises:
            httpx2.HTTPError: nobody answers.

        """
        parts = httpx2.URL(url)
        host = parts.netloc.decode()
        headers = {"Host": host} | ({"Authorization": f"Bearer {token}"} if token else {})
        return self._http.request(
            method,
            self._base + parts.raw_path.decode(),
            json=body,
            data=form,
            headers=headers,
            extensions={"sni_hostname": parts.host},
        )

    def sign_in(self, credentials: dict[str, Any], resource: str) -> str:
        """Return an access token of the bootstrap service principal, or end the command."""
        principal = credentials["servicePrincipal"]
        answer = self.call(
            "POST",
            f"{self.urls.login}/{credentials['tenantId']}/oauth2/v2.0/token",
            form={
                "grant_type": "client_credentials",
                "client_id": principal["clientId"],
                "client_secret": principal["clientSecret"],
                "scope": f"{resource}/.default",
            },
        )
        if answer.status_code != httpx2.codes.OK:
            fail(f"sign-in was refused: {answer.json().get('error_description', answer.text)}")
        token: str = answer.json()["access_token"]
        return token
