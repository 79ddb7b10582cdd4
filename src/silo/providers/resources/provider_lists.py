"""Resource providers, all registered: what can be made here, where, and at which api-versions.

Source: https://learn.microsoft.com/rest/api/resources/providers (2024-11-01)
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from silo import access, arm

from .declared import GetCatalogue
from .errors import NotSupported, ProviderNotFound
from .reach import Reach

_READ = "Microsoft.Resources/subscriptions/providers/read"
_SUBSCRIPTION = "/subscriptions/{subscription}/providers"
_FREE = frozenset({"microsoft.resources", "microsoft.authorization", "microsoft.features"})
"""Namespaces that need no registration in Azure either."""
_VERSIONS = ("2025-04-01", "2022-04-01")
"""For what is declared as single operations: any version is served, and a client wants one."""


@dataclass(frozen=True, slots=True)
class ProviderLists:
    """The handlers; they show what the application declares and nothing else."""

    resources: arm.Resources
    reach: Reach
    get_catalogue: GetCatalogue

    def list_operations(self) -> tuple[arm.Operation, ...]:
        """Return the routes."""
        tenant = "Microsoft.Resources/providers/read"
        stem = "Microsoft.Resources/subscriptions/providers"
        item = f"{_SUBSCRIPTION}/{{namespace}}"
        return (
            arm.Operation(tenant, "GET", "/providers", self.list, filtered=True),
            arm.Operation(tenant, "GET", "/providers/{namespace}", self.get, filtered=True),
            arm.Operation(_READ, "GET", _SUBSCRIPTION, self.list),
            arm.Operation(_READ, "GET", item, self.get),
            arm.Operation(_READ, "GET", f"{item}/resourceTypes", self.list_types),
            arm.Operation(f"{stem}/register/action", "POST", f"{item}/register", self.register),
            arm.Operation(
                f"{stem}/unregister/action",
                "POST",
                f"{item}/unregister",
                self.unregister,
                statuses=(400,),
                coverage="refused: every provider is registered, always",
            ),
        )

    async def list(self, call: arm.Call, match: arm.Match, _body: Any) -> arm.Reply:
        """List the providers."""
        scope = self._check(call, match)
        items = [
            _render(scope, name, parts)
            for name, parts in _group(self.get_catalogue().providers).items()
        ]
        return arm.Reply(200, arm.page_items(call, items, "namespace"))

    async def get(self, call: arm.Call, match: arm.Match, _body: Any) -> arm.Reply:
        """Return one provider."""
        return arm.Reply(200, self._get(call, match))

    async def list_types(self, call: arm.Call, match: arm.Match, _body: Any) -> arm.Reply:
        """List the types of one provider."""
        return arm.Reply(200, {"value": self._get(call, match)["resourceTypes"]})

    async def register(self, call: arm.Call, match: arm.Match, _body: Any) -> arm.Reply:
        """Return the provider, which is registered already."""
        return arm.Reply(200, self._get(call, match))

    async def unregister(self, call: arm.Call, match: arm.Match, _body: Any) -> arm.Reply:
        """Refuse: there is nothing that could be switched off."""
        self._get(call, match)
        raise NotSupported(
            f"The provider '{match['namespace'][:100]}' cannot be unregistered: every provider of "
            "this instance is always registered."
        )

    def _check(self, call: arm.Call, match: arm.Match) -> str:
        """Return the id of the subscription asked at, or nothing for the tenant."""
        if not match.id.segments:
            self.reach.check(call, access.ROOT)
            return ""
        return self.resources.store.read_now(lambda conn: arm.check_scope(conn, match.id)).text

    def _get(self, call: arm.Call, match: arm.Match) -> dict[str, Any]:
        scope, wanted = self._check(call, match), match["namespace"]
        for name, parts in _group(self.get_catalogue().providers).items():
            if name.casefold() == wanted.casefold():
                return _render(scope, name, parts)
        raise ProviderNotFound(wanted)


def _group(providers: Sequence[arm.Provider]) -> dict[str, list[arm.Provider]]:
    """Return what is declared by namespace; several providers may share one."""
    found: dict[str, list[arm.Provider]] = {}
    for provider in providers:
        found.setdefault(provider.namespace, []).append(provider)
    return found


def _render(scope: str, namespace: str, parts: list[arm.Provider]) -> dict[str, Any]:
    types = {type_.name: _render_type(type_) for part in parts for type_ in part.types}
    known = {name.casefold() for name in types}
    for name in _list_plain_types(namespace, parts):
        if name.casefold() not in known:
            known.add(name.casefold())
            types[name] = _describe(name, _VERSIONS, [], "None")
    free = namespace.casefold() in _FREE
    return {
        "id": f"{scope}/providers/{namespace}",
        "namespace": namespace,
        "registrationState": "Registered",
        "registrationPolicy": "RegistrationFree" if free else "RegistrationRequired",
        "resourceTypes": [types[name] for name in sorted(types, key=str.casefold)],
    }


def _render_type(type_: arm.ResourceType[Any]) -> dict[str, Any]:
    locations = [each.display_name for each in arm.LOCATIONS] if type_.located else []
    marks = []
    if type_.tracked:
        marks.append("SupportsTags")
    if type_.located:
        marks.append("SupportsLocation")
    return _describe(type_.name, type_.api_versions, locations, ", ".join(marks) or "None")


def _describe(
    name: str, versions: tuple[str, ...], locations: list[str], capabilities: str
) -> dict[str, Any]:
    return {
        "resourceType": name,
        "locations": locations,
        "apiVersions": list(versions),
        "defaultApiVersion": versions[0],
        "capabilities": capabilities,
    }


def _list_plain_types(namespace: str, parts: list[arm.Provider]) -> Iterator[str]:
    """Yield the types that are declared by their operations' paths alone."""
    mark = f"/providers/{namespace}/".casefold()
    for part in parts:
        for operation in part.operations:
            _, found, rest = operation.path.casefold().rpartition(mark)
            if found:
                steps = operation.path[-len(rest) :].split("/")
                yield "/".join(step for step in steps if not step.startswith("{"))
