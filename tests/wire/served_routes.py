"""Every route of the running application, asked of the code that puts the application together.

A route that somebody adds is in this list without anybody adding it here.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote

from bench.instance import Instance

from silo import core, identity, registry, storage
from silo.app import composition
from silo.front import Door
from silo.providers import containerservice, operationalinsights

_NAME = re.compile(r"{(\w+)(?::\w+)?}")


@dataclass(frozen=True, slots=True)
class Route:
    """One method on one path of one door."""

    door: Door
    method: str
    path: str
    permission: str = ""
    """What a permitted caller needs to hold; empty where the door says it otherwise."""
    filtered: bool = False
    """A list that shows everybody just what they may see."""

    def __str__(self) -> str:
        return f"{self.door} {self.method} {self.path}"

    def fill(self, values: Mapping[str, str]) -> str:
        """Return the path with names put in; a name nobody gave a value becomes ``x1``."""

        def put(found: re.Match[str]) -> str:
            value = values.get(found[1], "x1")
            return value if found[1] in {"scope", "name"} else quote(value, safe=":")

        return _NAME.sub(put, self.path)


def list_routes(silo: Instance) -> list[Route]:
    """Return every route of every door of an instance that runs."""
    rooms = composition.open_rooms(silo.settings, core.SystemClock())
    arm = [
        Route(Door.MANAGEMENT, one.method, one.path, one.name, one.filtered)
        for one in rooms.catalogue.operations
    ]
    login = [
        Route(Door.LOGIN, method, one.path)
        for one in identity.login_routes(rooms.issuer)
        for method in sorted(one.methods or ())
    ]
    rooms.store.close()
    graph = [Route(Door.GRAPH, method, path) for method, path in identity.graph_routes()]
    data = [Route(Door.REGISTRY, one.method, one.path, one.scope) for one in registry.routes()]
    files = [Route(Door.STORAGE, one.method, one.path, one.action) for one in storage.routes()]
    logs = [Route(Door.LOGS, *one) for one in operationalinsights.query_routes()]
    reviews = Route(Door.KUBERNETES, *containerservice.AUTHORIZER_ROUTE)
    keys = [Route(Door.OIDC, *one) for one in containerservice.ISSUER_ROUTES]
    metadata = Route(Door.MANAGEMENT, "GET", "/metadata/endpoints")
    return [metadata, *arm, *login, *graph, *data, *files, *logs, reviews, *keys]
