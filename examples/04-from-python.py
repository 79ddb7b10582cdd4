"""A registry made and looked into by Microsoft's own libraries, signed in as az is."""

import json
import os
import subprocess
import uuid

from azure.containerregistry import ContainerRegistryClient
from azure.identity import AzureCliCredential
from azure.mgmt.containerregistry import ContainerRegistryManagementClient
from azure.mgmt.resource.resources import ResourceManagementClient


def az(*words: str) -> str:
    """Ask az something."""
    return subprocess.run(["az", *words], check=True, capture_output=True, text=True).stdout


def main() -> None:
    """Make a registry, look into it, delete it."""
    credential = AzureCliCredential(process_timeout=60)
    subscription = json.loads(az("account", "show"))["id"]
    # The libraries know only Azure's clouds; which one this is, az knows.
    manager = json.loads(az("cloud", "show"))["endpoints"]["resourceManager"].rstrip("/")
    scopes = ["https://management.azure.com/.default"]
    target = {"base_url": manager, "credential_scopes": scopes}
    name = f"python{uuid.uuid4().hex[:8]}"

    with (
        ResourceManagementClient(credential, subscription, **target) as resources,
        ContainerRegistryManagementClient(credential, subscription, **target) as registries,
    ):
        resources.resource_groups.create_or_update(name, {"location": "westeurope"})
        wanted = {"location": "westeurope", "sku": {"name": "Basic"}}
        registry = registries.registries.begin_create(name, name, wanted).result()
        print(registry.name, registry.login_server)

        audience = "https://containerregistry.azure.net"
        endpoint = f"https://{registry.login_server}"
        with ContainerRegistryClient(endpoint, credential, audience=audience) as contents:
            print("repositories:", list(contents.list_repository_names()))

        resources.resource_groups.begin_delete(name).result()
        print("deleted:", not resources.resource_groups.check_existence(name))


if __name__ == "__main__":
    if "AZURE_CONFIG_DIR" not in os.environ:
        raise SystemExit('first: eval "$(silo env)"')
    main()
