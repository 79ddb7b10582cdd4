"""The az command as one person uses it, and what az makes for the tests."""

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import programs
from .strangers import az_path


@dataclass(frozen=True, slots=True)
class Principal:
    """A service principal that a test made for itself."""

    client_id: str
    secret: str

    @property
    def both(self) -> str:
        """Name and secret as skopeo and podman take them."""
        return f"{self.client_id}:{self.secret}"


@dataclass(frozen=True, slots=True)
class Registry:
    """A registry that a test made for itself."""

    name: str
    id: str
    server: str

    @property
    def group(self) -> str:
        """The resource group that it is in."""
        return self.id.split("/")[4]


class Az:
    """The az command with a configuration folder of its own: one person at one keyboard."""

    def __init__(self, environment: dict[str, str], folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        # What `silo env` prepared is copied: sign-ins of two persons must not mix.
        shutil.copytree(environment["AZURE_CONFIG_DIR"], folder, dirs_exist_ok=True)
        self.folder = folder
        self.environment = {
            **environment,
            "AZURE_CONFIG_DIR": str(folder),
            "AZURE_CORE_COLLECT_TELEMETRY": "no",
            "AZURE_CORE_NO_COLOR": "yes",
            "AZURE_CORE_ONLY_SHOW_ERRORS": "yes",
            "AZURE_EXTENSION_USE_DYNAMIC_INSTALL": "no",
        }

    def run(self, *words: str, timeout_s: float = 180, **variables: str) -> programs.Outcome:
        """Run az and return the outcome, whatever it is."""
        environment = {**self.environment, **variables}
        return programs.run([az_path(), *words], environment, timeout_s=timeout_s)

    def __call__(self, *words: str) -> Any:
        """Run az, which has to succeed, and return the JSON it prints."""
        return programs.succeed(self.run(*words, "--output", "json")).json

    def text(self, *words: str) -> str:
        """Run az, which has to succeed, and return one value as text."""
        return programs.succeed(self.run(*words, "--output", "tsv")).out.strip()

    def refused(self, *words: str, saying: str = "") -> programs.Outcome:
        """Run az, which has to be refused with this reason."""
        return programs.refuse(self.run(*words), saying)

    def sign_in(self, tenant: str, client_id: str, secret: str) -> "Az":
        """Sign in as a service principal."""
        self("login", "--service-principal", "-u", client_id, "-p", secret, "--tenant", tenant)
        return self

    def token(self, resource: str = "") -> str:
        """Return an access token as az hands it out."""
        words = ["--resource", resource] if resource else []
        return self.text("account", "get-access-token", *words, "--query", "accessToken")
