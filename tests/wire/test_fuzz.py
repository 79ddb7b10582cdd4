"""Strange requests from somebody who may do everything: no unhandled error, on any door.

Every answer is below 500 (or one of the few that say *not yet*), every refusal in the door's own
shape, and the log knows of nothing unhandled. ``SILO_FUZZ_EXAMPLES`` makes it longer.
"""

import json
import os
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from bench.images import CONFIG, make_manifest, push_image
from bench.instance import Instance
from bench.target import target_of
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.sockets import Ending, ask, head
from tests.wire import matrix_world
from tests.wire.principals import Administration
from tests.wire.served_routes import list_routes
from tests.wire.strange_requests import Strange, make_requests

from silo.front import Door

EXAMPLES = int(os.environ.get("SILO_FUZZ_EXAMPLES", "1500"))
GROUP, REGISTRY, REPOSITORY = "fuzz", "fuzzing", "fuzz/app"
ACTIONS = "pull,push,delete,metadata_read,metadata_write"
NOT_YET = {501}
"""Not implemented, said in the door's shape; any other 5xx is a fault of ours."""
DESTROYED = {Door.MANAGEMENT, Door.REGISTRY}
"""Doors whose requests delete what they are about."""
RENEW_EVERY = 40
SHAPES = {
    Door.MANAGEMENT: "error",
    Door.GRAPH: "error",
    Door.LOGIN: "error",
    Door.REGISTRY: "errors",
    Door.LOGS: "error",
    Door.KUBERNETES: "status",
    Door.OIDC: "error",
}
FIELDS = {
    Door.STORAGE: (
        f"x-ms-version: {matrix_world.STORAGE_VERSION}",
        "x-ms-file-request-intent: backup",
    )
}
"""What every request to a door carries."""


class World:
    """An instance with one of everything, and tokens of somebody who may do everything."""

    def __init__(self, silo: Instance) -> None:
        self.silo = silo
        token = silo.sign_in()
        self._token = token
        digest = self.ensure()
        caller = silo.open_caller()
        administration = Administration(silo, caller)
        silo.create_group(matrix_world.GROUP, token)
        matrix_world.fill_account(silo, caller, administration)
        workspace = matrix_world.make_workspace(silo, caller, administration)
        caller.close()
        target = target_of(silo, REGISTRY)
        urls = silo.settings.names.urls
        self.hosts = {
            Door.MANAGEMENT: urls.resource_manager.removeprefix("https://"),
            Door.LOGIN: urls.login.removeprefix("https://"),
            Door.GRAPH: urls.graph.removeprefix("https://"),
            Door.REGISTRY: target.host,
            Door.LOGS: urls.logs.removeprefix("https://"),
            Door.STORAGE: urls.file_endpoint(matrix_world.ACCOUNT).split("/")[2],
            Door.KUBERNETES: urls.kubernetes.removeprefix("https://"),
            Door.OIDC: urls.oidc.removeprefix("https://"),
        }
        self.tokens = {
            Door.MANAGEMENT: token,
            Door.LOGIN: "",
            Door.GRAPH: silo.sign_in(urls.graph),
            Door.REGISTRY: target.sign_in(REPOSITORY, ACTIONS),
            Door.LOGS: silo.sign_in(matrix_world.LOGS_RESOURCE),
            Door.STORAGE: silo.sign_in(matrix_world.STORAGE_RESOURCE),
            Door.KUBERNETES: matrix_world.make_word(silo, matrix_world.CLUSTER),
            Door.OIDC: "",
        }
        self.known = {
            Door.MANAGEMENT: {
                "subscription": silo.subscription,
                "group": GROUP,
                "name": REGISTRY,
                "scope": f"/subscriptions/{silo.subscription}/resourceGroups/{GROUP}",
                "location": "westeurope",
            },
            Door.LOGIN: {"tenant": silo.tenant, "upn": "admin@silo.localhost"},
            Door.GRAPH: {"id": "00000000-0000-0000-0000-000000000001"},
            Door.REGISTRY: {"name": REPOSITORY, "reference": digest},
            Door.LOGS: {"workspace": workspace},
            Door.STORAGE: {"share": matrix_world.SHARE, "directory": "folder", "file": "file"},
            Door.KUBERNETES: {"uid": matrix_world.CLUSTER},
            Door.OIDC: {"tenant": silo.tenant, "uid": matrix_world.CLUSTER},
        }
        routes = list_routes(silo)
        self.requests: dict[Door, st.SearchStrategy[Strange]] = {
            door: make_requests(
                [route for route in routes if route.door is door],
                self.known[door],
                self._list_samples(door),
                "api-version=2024-11-01" if door is Door.MANAGEMENT else "",
            )
            for door in Door
        }

    def ensure(self) -> str:
        """Make what the requests are about, or make it again: some of them delete it."""
        for _ in range(50):  # while a group is being deleted it cannot be made anew
            with suppress(AssertionError):
                self.silo.create_group(GROUP, self._token)
                self.silo.create_registry(GROUP, REGISTRY, self._token)
                return push_image(target_of(self.silo, REGISTRY), REPOSITORY, "v1", [b"layer"])
            time.sleep(0.1)
        raise AssertionError("what is fuzzed cannot be made again")

    def _list_samples(self, door: Door) -> list[Any]:
        if door is Door.MANAGEMENT:
            return [*_arm_samples(self.silo)]
        if door is Door.GRAPH:
            return [*_graph_samples()]
        if door is Door.LOGS:
            return [{"query": "ContainerInstanceLog_CL | take 1", "timespan": "PT1H"}]
        if door is Door.KUBERNETES:
            return [*_review_samples()]
        return [json.loads(make_manifest([b"layer"])), json.loads(CONFIG), {"writeEnabled": False}]

    def send(self, door: Door, request: Strange) -> Ending:
        fields = [f"{name}: {value}" for name, value in request.fields]
        fields += FIELDS.get(door, ())
        if self.tokens[door]:
            fields.append(f"Authorization: Bearer {self.tokens[door]}")
        data = head(request.method, request.target, self.hosts[door], *fields, "Connection: close")
        return ask(self.silo, self.hosts[door], data + request.body)


def _review_samples() -> Iterator[Any]:
    extra = {"entra.silo/oid": [matrix_world.ZERO_USER], "entra.silo/iat": ["1700000000"]}
    asked = {"namespace": "shop", "verb": "get", "resource": "pods", "group": "apps"}
    yield {"spec": {"user": "x", "groups": ["g"], "extra": extra, "resourceAttributes": asked}}
    yield {"spec": {"extra": extra, "nonResourceAttributes": {"path": "/version", "verb": "get"}}}


def _arm_samples(silo: Instance) -> Iterator[Any]:
    yield {"location": "westeurope", "tags": {"a": "b"}}
    yield {
        "location": "westeurope",
        "sku": {"name": "Premium"},
        "tags": {"a": "b"},
        "identity": {"type": "SystemAssigned", "userAssignedIdentities": {"/x": {}}},
        "properties": {
            "adminUserEnabled": True,
            "publicNetworkAccess": "Enabled",
            "networkRuleSet": {"defaultAction": "Deny", "ipRules": [{"value": "1.2.3.4"}]},
            "policies": {"retentionPolicy": {"days": 7, "status": "enabled"}},
        },
    }
    yield {
        "properties": {
            "roleDefinitionId": "/providers/Microsoft.Authorization/roleDefinitions/"
            "acdd72a7-3385-48ef-bd42-f606fba81ae7",
            "principalId": "00000000-0000-0000-0000-000000000001",
            "principalType": "User",
        }
    }
    yield {
        "properties": {
            "roleName": "x",
            "description": "y",
            "assignableScopes": [f"/subscriptions/{silo.subscription}"],
            "permissions": [{"actions": ["*"], "notActions": [], "dataActions": []}],
        }
    }
    yield {"properties": {"level": "CanNotDelete", "notes": "x"}}
    yield {"operation": "Merge", "properties": {"tags": {"a": "b"}}}
    yield {"name": "freename", "type": "Microsoft.ContainerRegistry/registries"}
    yield {"name": "password"}
    yield {"properties": {"issuer": "https://x", "subject": "y", "audiences": ["z"]}}
    yield {"properties": {"displayName": "x", "details": {"parent": {"id": "/y"}}}}
    yield {"properties": {"mode": "Incremental", "template": {"resources": []}, "parameters": {}}}


def _graph_samples() -> Iterator[Any]:
    yield {
        "userPrincipalName": "x@silo.localhost",
        "displayName": "x",
        "mailNickname": "x",
        "accountEnabled": True,
        "passwordProfile": {"password": "Long-enough-9-Password", "forceChange": False},
    }
    yield {"displayName": "x", "mailNickname": "x", "mailEnabled": False, "securityEnabled": True}
    yield {
        "displayName": "x",
        "keyCredentials": [{"type": "AsymmetricX509Cert", "usage": "Verify", "key": "AAAA"}],
        "web": {"redirectUris": ["http://localhost"]},
    }
    yield {"passwordCredential": {"displayName": "x", "endDateTime": "2030-01-01T00:00:00Z"}}
    yield {"appId": "00000000-0000-0000-0000-000000000001", "accountEnabled": True}
    yield {"@odata.id": "https://graph/v1.0/directoryObjects/00000000-0000-0000-0000-000000000001"}
    yield {"ids": ["00000000-0000-0000-0000-000000000001"], "types": ["user"]}
    yield {"keyId": "00000000-0000-0000-0000-000000000001"}
    yield {"name": "x", "issuer": "https://x", "subject": "y", "audiences": ["z"]}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    silo = Instance(tmp_path_factory.mktemp("fuzz") / "state", tls=False)
    try:
        silo.start()
        yield World(silo)
    finally:
        silo.clear()


@pytest.mark.parametrize("door", list(Door))
def test_no_request_makes_a_door_fail(world: World, door: Door) -> None:
    statuses: Counter[int] = Counter()

    @given(request=world.requests[door])
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        print_blob=True,
    )
    def send(request: Strange) -> None:
        if door in DESTROYED and statuses.total() % RENEW_EVERY == 0:
            world.ensure()
        ending = world.send(door, request)
        statuses[ending.status] += 1
        complaint = f"{request} → {ending.answer[:600]!r}"
        assert ending.status, complaint
        assert ending.status < 500 or ending.status in NOT_YET, complaint
        assert b"\r\nx-ms-request-id: " in ending.answer, complaint
        if ending.status >= 400 and request.method != "HEAD":
            _check_shape(door, ending, complaint)

    send()
    print(f"{door}: {sum(statuses.values())} requests, by status {dict(sorted(statuses.items()))}")

    assert '"unhandled"' not in world.silo.log.read_text()
    # About half: for a repository that it does not name, a registry's token is none.
    assert statuses[401] < sum(statuses.values()) * 0.75, "the token has stopped working"


def _check_shape(door: Door, ending: Ending, complaint: str) -> None:
    header = ending.answer.partition(b"\r\n\r\n")[0].lower()
    if door is Door.LOGIN and b"content-type: text/html" in header:
        return
    if door is Door.STORAGE:
        assert b"content-type: application/xml" in header, complaint
        assert b"<Error>" in ending.body, complaint
        return
    assert b"content-type: application/json" in header, complaint
    document = json.loads(ending.body)
    assert SHAPES[door] in document, complaint
    if door in {Door.MANAGEMENT, Door.GRAPH}:
        assert {"code", "message"} <= set(document["error"]), complaint
    if door is Door.REGISTRY:
        assert all({"code", "message"} <= set(one) for one in document["errors"]), complaint
