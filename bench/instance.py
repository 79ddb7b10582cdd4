"""A Silo whose start is timed and whose processes are counted, weighed and killed."""

import base64
import http.client
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tools import instance as tools_instance
from tools import programs

from silo import settings

from .caller import Answer, Caller
from .processes import free_port, kill_tree, list_tree, sum_pss_bytes, wait_until

START_TIMEOUT_S = 60.0
ARM_RESOURCE = "https://management.azure.com"
GROUPS_VERSION = "2024-11-01"
REGISTRIES_VERSION = "2025-11-01"


class Instance(tools_instance.Instance):
    """One instance and what a client of it needs to know."""

    def __init__(self, state: Path, *, tls: bool = True) -> None:
        # One caller of ours asks for as many as a thousand users.
        options = ("--tls" if tls else "--no-tls", "--arm-rate", "100000")
        super().__init__(state, free_port(), options)
        self.tls = tls

    def start(self) -> float:
        """Run ``silo up``; return how many seconds later it serves."""
        self.state.parent.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "silo", "up", "--state", str(self.state)]
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                [*command, "--port", str(self.port), *self.options],
                env=programs.plain_environment(),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        return wait_until(self._serves, START_TIMEOUT_S, f"the start of Silo (see {self.log})")

    def _serves(self) -> bool:
        if not self.alive:
            raise tools_instance.NotServing(self.log.read_text(errors="replace")[-3000:])
        found = settings.load_settings(self.state)
        if found is None or found.port != self.port or not found.bundle.exists():
            return False
        caller = self.open_caller(timeout_s=5.0)
        try:
            answer = caller.call("GET", f"{self.arm}/metadata/endpoints?api-version=2022-09-01")
        except (OSError, http.client.HTTPException):
            return False
        finally:
            caller.close()
        return answer.status == 200

    @property
    def alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def kill(self) -> None:
        """Kill every process at once."""
        if self.process is not None:
            kill_tree(self.process.pid)
            self.process.wait()

    @property
    def settings(self) -> settings.Settings:
        found = settings.load_settings(self.state)
        if found is None:
            raise tools_instance.NotServing("it has never been started")
        return found

    @property
    def arm(self) -> str:
        return self.settings.names.urls.resource_manager

    @property
    def login(self) -> str:
        return self.settings.names.urls.login

    @property
    def bundle(self) -> Path | None:
        return self.settings.bundle if self.tls else None

    @property
    def subscription_url(self) -> str:
        return f"{self.arm}/subscriptions/{self.subscription}"

    def list_processes(self) -> dict[int, str]:
        return list_tree(self.process.pid) if self.process is not None else {}

    def sum_pss_bytes(self) -> int:
        return sum_pss_bytes(self.process.pid) if self.process is not None else 0

    def open_caller(self, timeout_s: float = 60.0) -> Caller:
        return Caller(self.port, self.bundle, timeout_s)

    def sign_in(self, resource: str = ARM_RESOURCE) -> str:
        """Return an access token of the bootstrap service principal."""
        principal = self.credentials["servicePrincipal"]
        url = f"{self.login}/{self.tenant}/oauth2/v2.0/token"
        form = {
            "grant_type": "client_credentials",
            "client_id": principal["clientId"],
            "client_secret": principal["clientSecret"],
            "scope": f"{resource}/.default",
        }
        token: str = self.once("POST", url, form=form).expect(200).json()["access_token"]
        return token

    def once(self, method: str, url: str, **given: Any) -> Answer:
        """Call over a connection used once."""
        caller = self.open_caller()
        try:
            return caller.call(method, url, **given)
        finally:
            caller.close()

    def group_url(self, group: str) -> str:
        return f"{self.subscription_url}/resourcegroups/{group}?api-version={GROUPS_VERSION}"

    def create_group(self, group: str, token: str) -> None:
        body = {"location": "westeurope"}
        self.once("PUT", self.group_url(group), document=body, token=token).expect(200, 201)

    def create_registry(self, group: str, name: str, token: str) -> None:
        """Create a registry; return when it is there."""
        url = (
            f"{self.subscription_url}/resourceGroups/{group}/providers/Microsoft.ContainerRegistry"
            f"/registries/{name}?api-version={REGISTRIES_VERSION}"
        )
        body = {"location": "westeurope", "sku": {"name": "Premium"}, "properties": {}}
        self.once("PUT", url, document=body, token=token).expect(200, 201)

        def settled() -> bool:
            found = self.once("GET", url, token=token).expect(200).json()
            return bool(found["properties"]["provisioningState"] == "Succeeded")

        wait_until(settled, 30, "the creation of the registry")

    def registry_host(self, registry: str) -> str:
        return self.settings.names.urls.login_server(registry)

    def registry_token(self, registry: str, *scopes: str) -> str:
        """Return a registry access token, asked for as docker does (Basic and GET)."""
        principal = self.credentials["servicePrincipal"]
        pair = f"{principal['clientId']}:{principal['clientSecret']}".encode()
        host = self.registry_host(registry)
        scheme = "https" if self.tls else "http"
        asked = "".join(f"&scope={quote(scope)}" for scope in scopes)
        url = f"{scheme}://{host}/oauth2/token?service={host}{asked}"
        headers = {"Authorization": f"Basic {base64.b64encode(pair).decode()}"}
        token: str = self.once("GET", url, headers=headers).expect(200).json()["access_token"]
        return token
