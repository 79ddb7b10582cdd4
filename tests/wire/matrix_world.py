"""What the matrix needs: something behind every route, and every kind of caller who may not."""

import base64
import http.client
import json
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from bench.caller import Answer, Caller
from bench.images import CONFIG, digest_of, push_image
from bench.instance import ARM_RESOURCE, Instance
from bench.target import Target, target_of
from tests.wire.forgery import Forger
from tests.wire.principals import Administration, Client
from tests.wire.served_routes import Route, list_routes

from silo.app import clusters
from silo.front import Door

GROUP, ELSEWHERE = "matrix", "elsewhere"
REGISTRY, OTHER_REGISTRY = "matrix", "matrixother"
ACCOUNT, SHARE = "matrixfiles", "data"
STORAGE_RESOURCE = "https://storage.azure.com"
STORAGE_VERSION = "2025-11-05"
CLUSTER = "0123456789abcdef0123456789abcdef"
"""There is none of this uid; its word is good all the same."""
KUBERNETES_RESOURCE = "6dae42f8-4368-4678-94ff-3960e28e3630"
LOGS_RESOURCE = "https://api.loganalytics.io"
REPOSITORY, OTHER_REPOSITORY = "team/app", "team/other"
ALL_ACTIONS = "pull,push,delete,metadata_read,metadata_write,deleted_read,deleted_restore"
ZERO_USER = "00000000-0000-0000-0000-000000000000"


@dataclass
class World:
    """An instance with something behind every route, and the callers that must not reach it."""

    silo: Instance
    caller: Caller
    administration: Administration
    routes: list[Route]
    values: dict[Door, dict[str, str]]
    wrong: dict[Door, list[tuple[str, str]]] = field(default_factory=dict)
    """Door → what is wrong, and the ``Authorization`` header."""

    def ask(self, route: Route, header: str, path: str = "", body: bytes | None = None) -> Answer:
        """Send a request to a route with an ``Authorization`` header, or none."""
        urls = self.silo.settings.names.urls
        bases = {
            Door.MANAGEMENT: urls.resource_manager,
            Door.LOGIN: urls.login,
            Door.GRAPH: urls.graph,
            Door.REGISTRY: f"https://{urls.login_server(REGISTRY)}",
            Door.STORAGE: urls.file_endpoint(ACCOUNT).rstrip("/"),
            Door.LOGS: urls.logs,
            Door.KUBERNETES: urls.kubernetes,
            Door.OIDC: urls.oidc,
        }
        path = path or self.fill(route)
        if route.door is Door.MANAGEMENT:
            path += "?api-version=2024-11-01"
        headers = {"Authorization": header} if header else {}
        if route.door is Door.STORAGE:
            headers |= {"x-ms-version": STORAGE_VERSION, "x-ms-file-request-intent": "backup"}
        if body is None and route.method not in {"GET", "HEAD", "DELETE"}:
            headers["Content-Type"] = "application/json"
            body = b"{}"
        url = bases[route.door] + path
        with suppress(OSError, http.client.HTTPException):
            return self.caller.call(route.method, url, body=body, headers=headers)
        self.caller.close()
        return self.caller.call(route.method, url, body=body, headers=headers)

    def fill(self, route: Route) -> str:
        """Return the path of a route with names behind which there is something."""
        values = self.values[route.door]
        parts = {"/blobs/uploads/{": "upload", "/blobs/{": "blob", "/_tags/{": "tag"}
        kind = next((kind for part, kind in parts.items() if part in route.path), "reference")
        return route.fill({**values, "reference": values.get(kind, "")})


def fill_world(silo: Instance, caller: Caller) -> World:
    administration = Administration(silo, caller)
    for group in (GROUP, ELSEWHERE):
        silo.create_group(group, administration.arm_token)
    for name in (REGISTRY, OTHER_REGISTRY):
        silo.create_registry(GROUP, name, administration.arm_token)
    target = target_of(silo, REGISTRY)
    digest = push_image(target, REPOSITORY, "v1", [b"layer"])
    push_image(target, OTHER_REPOSITORY, "v1", [b"layer"])
    fill_account(silo, caller, administration)
    world = World(silo, caller, administration, list_routes(silo), {})
    world.values = {
        Door.MANAGEMENT: {
            "subscription": silo.subscription,
            "subscriptionId": silo.subscription,
            "group": GROUP,
            "name": REGISTRY,
            "scope": f"/subscriptions/{silo.subscription}/resourceGroups/{GROUP}",
            "namespace": "Microsoft.ContainerRegistry",
            "location": "westeurope",
        },
        Door.LOGIN: {"tenant": silo.tenant, "upn": "someone@silo.localhost"},
        Door.GRAPH: {"id": administration.make_client("target").object_id},
        Door.REGISTRY: {
            "name": REPOSITORY,
            "reference": digest,
            "blob": digest_of(CONFIG),
            "upload": _open_upload(world, target),
            "tag": "v1",
        },
        Door.STORAGE: {"share": SHARE, "directory": "folder", "file": "file"},
        Door.LOGS: {"workspace": make_workspace(silo, caller, administration)},
        Door.KUBERNETES: {"uid": CLUSTER},
        Door.OIDC: {"tenant": silo.tenant, "uid": CLUSTER},
    }
    world.wrong = _collect_wrong(world, target)
    return world


def make_word(silo: Instance, uid: str) -> str:
    """Return the word by which a cluster is known."""
    return clusters.open_tokens(silo.settings)(uid)


def make_workspace(silo: Instance, caller: Caller, administration: Administration) -> str:
    """Make a Log Analytics workspace; return its customer id."""
    group = f"/subscriptions/{silo.subscription}/resourceGroups/{GROUP}"
    path = f"{group}/providers/Microsoft.OperationalInsights/workspaces/matrix"
    url = f"{silo.arm}{path}?api-version=2025-02-01"
    answer = caller.call(
        "PUT", url, document={"location": "westeurope"}, token=administration.arm_token
    )
    return str(answer.expect(200, 201).json()["properties"]["customerId"])


def fill_account(silo: Instance, caller: Caller, administration: Administration) -> None:
    """Make a storage account with a share, a directory and a file in it."""
    group = f"/subscriptions/{silo.subscription}/resourceGroups/{GROUP}"
    account = f"{group}/providers/Microsoft.Storage/storageAccounts/{ACCOUNT}"
    version = "?api-version=2025-08-01"
    for path, body in (
        (account, {"location": "westeurope", "sku": {"name": "Standard_LRS"}, "kind": "StorageV2"}),
        (f"{account}/fileServices/default/shares/{SHARE}", {"properties": {"shareQuota": 1}}),
    ):
        url = f"{silo.arm}{path}{version}"
        answer = caller.call("PUT", url, document=body, token=administration.arm_token)
        answer.expect(200, 201)
    claims = silo.sign_in(STORAGE_RESOURCE).split(".")[1]
    own = json.loads(base64.urlsafe_b64decode(claims + "=="))["oid"]
    administration.grant(own, "Storage File Data Privileged Contributor", account)
    base = f"{silo.settings.names.urls.file_endpoint(ACCOUNT)}{SHARE}"
    headers = {
        "Authorization": f"Bearer {silo.sign_in(STORAGE_RESOURCE)}",
        "x-ms-version": STORAGE_VERSION,
        "x-ms-file-request-intent": "backup",
        "x-ms-type": "file",
        "x-ms-content-length": "4",
    }
    for path in ("folder?restype=directory", "file"):
        caller.call("PUT", f"{base}/{path}", headers=headers, body=b"").expect(201)


def _open_upload(world: World, target: Target) -> str:
    url = f"https://{target.host}/v2/{REPOSITORY}/blobs/uploads/"
    token = target.sign_in(REPOSITORY, "pull,push")
    place = world.caller.call("POST", url, body=b"", token=token).expect(202).headers["location"]
    return place.partition("?")[0].rpartition("/")[2]


def _collect_wrong(world: World, target: Target) -> dict[Door, list[tuple[str, str]]]:
    silo = world.silo
    graph = silo.settings.names.urls.graph
    arm_token, graph_token = world.administration.arm_token, world.administration.graph_token
    data_token = target.sign_in(REPOSITORY, ALL_ACTIONS)
    both = _make_callers(world, graph)
    nothing = [("no token", ""), ("an empty token", "Bearer "), ("nonsense", "Bearer x.y.z")]
    nothing += [("another scheme", "Negotiate abc"), ("two spaces", f"Basic  {'x' * 10}")]
    common = [*nothing, ("Basic with nonsense", render_basic("someone", "something"))]
    return {
        Door.MANAGEMENT: [
            *common,
            *_bear(Forger(arm_token, silo.settings.keys).list_variants()),
            ("other audience (Graph)", f"Bearer {graph_token}"),
            ("other audience (registry)", f"Bearer {data_token}"),
            *_bear(both["arm"].items()),
        ],
        Door.GRAPH: [
            *common,
            *_bear(Forger(graph_token, silo.settings.keys).list_variants()),
            ("other audience (ARM)", f"Bearer {arm_token}"),
            ("other audience (registry)", f"Bearer {data_token}"),
            *_bear(both["graph"].items()),
        ],
        Door.LOGIN: [*common, *_bear(Forger(arm_token, silo.settings.keys).list_variants())],
        Door.REGISTRY: [
            *common,
            *_bear(Forger(data_token, silo.settings.keys).list_variants()),
            ("other audience (ARM)", f"Bearer {arm_token}"),
            ("other audience (Graph)", f"Bearer {graph_token}"),
            ("a refresh token", f"Bearer {exchange(world, REGISTRY, arm_token)}"),
            ("other registry", f"Bearer {_other_registry(world)}"),
            ("other repository", f"Bearer {target.sign_in(OTHER_REPOSITORY, ALL_ACTIONS)}"),
            *both["registry"].items(),
        ],
        Door.STORAGE: [
            *common,
            *_bear(Forger(silo.sign_in(STORAGE_RESOURCE), silo.settings.keys).list_variants()),
            ("other audience (ARM)", f"Bearer {arm_token}"),
            ("other audience (Graph)", f"Bearer {graph_token}"),
            ("other audience (registry)", f"Bearer {data_token}"),
            ("a made-up signature", f"SharedKey {ACCOUNT}:{'A' * 43}="),
            ("another account", f"SharedKey other:{'A' * 43}="),
            ("no signature", f"SharedKey {ACCOUNT}"),
            ("an unserved scheme", f"SharedKeyLite {ACCOUNT}:{'A' * 43}="),
            *_bear(both["storage"].items()),
        ],
        Door.LOGS: [
            *common,
            *_bear(Forger(silo.sign_in(LOGS_RESOURCE), silo.settings.keys).list_variants()),
            ("other audience (Graph)", f"Bearer {graph_token}"),
            ("other audience (registry)", f"Bearer {data_token}"),
            *_bear(both["logs"].items()),
        ],
        Door.KUBERNETES: [
            *common,
            *_bear(Forger(arm_token, silo.settings.keys).list_variants()),
            ("an administrator's (ARM)", f"Bearer {arm_token}"),
            ("an administrator's (AKS)", f"Bearer {silo.sign_in(KUBERNETES_RESOURCE)}"),
            ("another cluster's", f"Bearer {make_word(silo, 'f' * 32)}"),
            *_bear(both["arm"].items()),
        ],
        Door.OIDC: common,
    }


def _bear(variants: Any) -> list[tuple[str, str]]:
    return [(what, f"Bearer {token}") for what, token in variants]


def render_basic(name: str, password: str) -> str:
    return f"Basic {base64.b64encode(f'{name}:{password}'.encode()).decode()}"


def _make_callers(world: World, graph: str) -> dict[str, dict[str, str]]:
    """Return tokens of callers who are known but may not: no role, elsewhere, disabled, gone."""
    here = f"/subscriptions/{world.silo.subscription}"
    elsewhere = f"{here}/resourceGroups/{ELSEWHERE}"
    make = world.administration.make_client
    clients = {
        "no role": make("nobody"),
        "a role elsewhere": make("elsewhere", ("Owner", elsewhere)),
        "disabled": make("disabled", ("Owner", here)),
        "deleted": make("deleted", ("Owner", here)),
        "its secret was removed": make("secretless", ("Owner", here)),
    }
    reader, puller = make("reader", ("Reader", here)), make("puller", ("AcrPull", here))
    tokens: dict[str, dict[str, str]] = {"arm": {}, "graph": {}, "registry": {}}
    tokens |= {"storage": {}, "logs": {}}
    for what, client in {**clients, "too small a role": reader}.items():
        tokens["arm"][what] = _sign_in(world, client, ARM_RESOURCE)
        tokens["graph"][what] = _sign_in(world, client, graph)
        tokens["storage"][what] = _sign_in(world, client, STORAGE_RESOURCE)
        tokens["logs"][what] = _sign_in(world, client, LOGS_RESOURCE)
    for what, client in {**clients, "too small a role": puller}.items():
        refresh = exchange(world, REGISTRY, _sign_in(world, client, ARM_RESOURCE))
        tokens["registry"][what] = f"Bearer {access_token(world, refresh)}"
    for what in ("disabled", "deleted", "its secret was removed"):
        client = clients[what]
        tokens["registry"][f"{what} (Basic)"] = render_basic(client.client_id, client.secret)
    world.administration.disable(clients["disabled"])
    world.administration.delete(clients["deleted"])
    world.administration.remove_secret(clients["its secret was removed"])
    return tokens


def _sign_in(world: World, client: Client, resource: str) -> str:
    form = {
        "grant_type": "client_credentials",
        "client_id": client.client_id,
        "client_secret": client.secret,
        "scope": f"{resource}/.default",
    }
    url = f"{world.silo.login}/{world.silo.tenant}/oauth2/v2.0/token"
    token: str = world.caller.call("POST", url, form=form).expect(200).json()["access_token"]
    return token


def exchange(world: World, registry: str, token: str) -> str:
    server = world.silo.registry_host(registry)
    form = {"grant_type": "access_token", "service": server, "access_token": token}
    answer = world.caller.call("POST", f"https://{server}/oauth2/exchange", form=form)
    refresh: str = answer.expect(200).json()["refresh_token"]
    return refresh


def access_token(world: World, refresh: str, registry: str = REGISTRY) -> str:
    server = world.silo.registry_host(registry)
    form = {
        "grant_type": "refresh_token",
        "service": server,
        "scope": f"repository:{REPOSITORY}:{ALL_ACTIONS}",
        "refresh_token": refresh,
    }
    answer = world.caller.call("POST", f"https://{server}/oauth2/token", form=form)
    token: str = answer.expect(200).json()["access_token"]
    return token


def _other_registry(world: World) -> str:
    refresh = exchange(world, OTHER_REGISTRY, world.administration.arm_token)
    return access_token(world, refresh, OTHER_REGISTRY)
