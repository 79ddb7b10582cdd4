"""Callers of every kind, made over Graph and ARM as an administrator makes them."""

import uuid
from dataclasses import dataclass

from bench.caller import Answer, Caller
from bench.instance import Instance

ROLES = {
    "Owner": "8e3af657-a8ff-443c-a75c-2fe8c4bcb635",
    "Reader": "acdd72a7-3385-48ef-bd42-f606fba81ae7",
    "AcrPull": "7f951dda-4ed3-4680-a7ca-43fe172d538d",
    "Storage File Data Privileged Contributor": "69566ab7-960f-475b-8e7c-b3118f30c6bd",
}


@dataclass(frozen=True, slots=True)
class Client:
    """A service principal with a secret."""

    application_id: str
    """The directory's id of the application."""
    object_id: str
    client_id: str
    secret: str
    key_id: str


class Administration:
    """What the first administrator's principal does to make and break others."""

    def __init__(self, silo: Instance, caller: Caller) -> None:
        self._silo = silo
        self._caller = caller
        self._graph = silo.settings.names.urls.graph
        self.arm_token = silo.sign_in()
        self.graph_token = silo.sign_in(self._graph)

    def make_client(self, name: str, *grants: tuple[str, str]) -> Client:
        """Make a service principal that holds these roles at these scopes."""
        application = self.graph("POST", "/applications", {"displayName": name}).json()
        password = self.graph(
            "POST",
            f"/applications/{application['id']}/addPassword",
            {"passwordCredential": {"displayName": "test"}},
        ).json()
        principal = self.graph("POST", "/servicePrincipals", {"appId": application["appId"]}).json()
        for role, scope in grants:
            self.grant(principal["id"], role, scope)
        return Client(
            application["id"],
            principal["id"],
            application["appId"],
            password["secretText"],
            password["keyId"],
        )

    def grant(self, object_id: str, role: str, scope: str) -> None:
        """Assign a role."""
        path = f"{scope}/providers/Microsoft.Authorization/roleAssignments/{uuid.uuid4()}"
        definition = f"/providers/Microsoft.Authorization/roleDefinitions/{ROLES[role]}"
        properties = {
            "roleDefinitionId": f"/subscriptions/{self._silo.subscription}{definition}",
            "principalId": object_id,
            "principalType": "ServicePrincipal",
        }
        self.arm("PUT", path, "2022-04-01", {"properties": properties})

    def disable(self, client: Client) -> None:
        """Switch a principal off."""
        self.graph("PATCH", f"/servicePrincipals/{client.object_id}", {"accountEnabled": False})

    def delete(self, client: Client) -> None:
        """Remove a principal with its application."""
        self.graph("DELETE", f"/applications/{client.application_id}")

    def remove_secret(self, client: Client) -> None:
        """Take a principal's only secret away."""
        self.graph(
            "POST",
            f"/applications/{client.application_id}/removePassword",
            {"keyId": client.key_id},
        )

    def graph(self, method: str, path: str, document: object = None) -> Answer:
        return self._caller.call(
            method, f"{self._graph}/v1.0{path}", document=document, token=self.graph_token
        ).expect(200, 201, 204)

    def arm(self, method: str, path: str, version: str, document: object = None) -> Answer:
        return self._caller.call(
            method,
            f"{self._silo.arm}{path}?api-version={version}",
            document=document,
            token=self.arm_token,
        ).expect(200, 201, 202, 204)
