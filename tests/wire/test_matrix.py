"""Every route x every way not to be allowed: 0 successes.

The routes come from the code that puts the application together (``served_routes``). What answers
without a token is listed here by name, with the reason; a route that is on neither list fails.
"""

import time
from collections import Counter
from collections.abc import Iterator, Mapping
from urllib.parse import urlencode

import pytest
from bench.caller import Answer
from bench.instance import ARM_RESOURCE, Instance
from tests.wire.forgery import Forger
from tests.wire.matrix_world import (
    ALL_ACTIONS,
    CLUSTER,
    OTHER_REGISTRY,
    REGISTRY,
    REPOSITORY,
    STORAGE_RESOURCE,
    ZERO_USER,
    World,
    access_token,
    exchange,
    fill_world,
    make_word,
    render_basic,
)
from tests.wire.served_routes import Route

from silo.front import Door

OPEN = {
    "management GET /metadata/endpoints": "az cloud register reads it before anyone signs in",
    "login GET /{tenant}/.well-known/openid-configuration": "OpenID discovery",
    "login GET /{tenant}/v2.0/.well-known/openid-configuration": "OpenID discovery",
    "login GET /discovery/keys": "public keys",
    "login GET /discovery/v2.0/keys": "public keys",
    "login GET /{tenant}/discovery/keys": "public keys",
    "login GET /{tenant}/discovery/v2.0/keys": "public keys",
    "login GET /common/discovery/instance": "MSAL asks which hosts are one",
    "login GET /common/userrealm/{upn:path}": "MSAL asks how a user signs in",
    "login GET /devicelogin": "the page on which a code is typed in",
    "login GET /{tenant}/oauth2/deviceauth": "the same page",
    "login GET /{tenant}/oauth2/authorize": "the sign-in page",
    "login GET /{tenant}/oauth2/v2.0/authorize": "the sign-in page",
    "login GET /{tenant}/oauth2/logout": "signing out",
    "login GET /{tenant}/oauth2/v2.0/logout": "signing out",
    "login POST /{tenant}/oauth2/logout": "signing out",
    "login POST /{tenant}/oauth2/v2.0/logout": "signing out",
    "login POST /{tenant}/oauth2/devicecode": "a code that is worth nothing until it is approved",
    "login POST /{tenant}/oauth2/v2.0/devicecode": "the same",
    "oidc GET /{tenant}/{uid}/.well-known/openid-configuration": "OpenID discovery of a cluster",
    "oidc GET /{tenant}/{uid}/openid/v1/jwks": "public keys of a cluster",
}
"""Routes that answer 2xx without a token, and why."""
SIGNED_IN_IS_ENOUGH = {
    "registry GET /v2/": "docker login ends with it; it says nothing but that the token holds",
    "management GET /tenants": "everybody may see the tenant that they are of",
}
"""Routes that answer everybody who is signed in, and why."""
SIGN_IN = {
    "registry GET /oauth2/token",
    "registry POST /oauth2/token",
    "registry POST /oauth2/exchange",
}
"""They take credentials instead of a token: tried with every bad token as the credential."""


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Start an instance and fill it."""
    silo = Instance(tmp_path_factory.mktemp("matrix") / "state")
    silo.start()
    caller = silo.open_caller()
    try:
        yield fill_world(silo, caller)
    finally:
        caller.close()
        silo.clear()


def _is_allowed(route: Route, what: str, answer: Answer) -> bool:  # noqa: PLR0911
    """Tell whether an answer is right for a caller who may not; the exceptions have names."""
    if not 200 <= answer.status < 300:
        # 501: it is not served to anybody, and nothing was done.
        return answer.status < 500 or answer.status == 501
    name = str(route).replace(" HEAD ", " GET ", 1)
    if name in OPEN:
        return b"access_token" not in answer.body
    known = {"no role", "a role elsewhere", "too small a role", "other repository"}
    if what not in known:
        return False
    if name in SIGNED_IN_IS_ENOUGH:
        return True
    if route.filtered:
        # It shows what the caller may see; of ours those without a role here may see nothing.
        return what != "no role" or answer.json().get("value") == []
    if what == "too small a role":
        return _is_within_role(route)
    if what == "a role elsewhere":
        return "{group}" not in route.path and "{scope}" not in route.path
    return False


def _is_within_role(route: Route) -> bool:
    """Reader may read on ARM, AcrPull may pull."""
    if route.door is Door.MANAGEMENT:
        return route.permission.casefold().endswith("/read")
    if route.door is Door.STORAGE:
        # Reader reads shares as resources; what is in them are data actions.
        return route.permission.endswith("/fileServices/shares/read")
    return route.door is Door.REGISTRY and route.permission.endswith((":pull", ":metadata_read"))


@pytest.mark.parametrize("door", list(Door))
def test_no_route_lets_anyone_in_who_may_not(world: World, door: Door) -> None:
    routes = [route for route in world.routes if route.door is door and str(route) not in SIGN_IN]
    broken: list[str] = []
    statuses: Counter[int] = Counter()
    start = time.perf_counter()
    for route in routes:
        for what, header in world.wrong[door]:
            answer = world.ask(route, header)
            statuses[answer.status] += 1
            if not _is_allowed(route, what, answer):
                broken.append(f"{route}: {what}: {answer.status} {answer.body[:160]!r}")
    count = sum(statuses.values())
    spent = time.perf_counter() - start
    print(f"{door}: {len(routes)} routes x {len(world.wrong[door])} callers = {count} refusals")
    print(f"  in {spent:.1f} s, by status {dict(sorted(statuses.items()))}")

    assert routes
    assert broken == []


def test_what_takes_credentials_takes_no_bad_token_for_one(world: World) -> None:
    server = world.silo.registry_host(REGISTRY)
    arm_token = world.administration.arm_token
    refresh = exchange(world, REGISTRY, arm_token)
    keys = world.silo.settings.keys
    bad_arm = [*Forger(arm_token, keys).list_variants(), ("refresh for Entra", refresh)]
    bad_refresh = [*Forger(refresh, keys).list_variants(), ("Entra for refresh", arm_token)]
    bad_refresh.append(("other registry", exchange(world, OTHER_REGISTRY, arm_token)))
    bad_refresh.append(("an access token", access_token(world, refresh)))
    tenant = world.silo.tenant
    login = [Route(Door.LOGIN, "POST", f"/{tenant}/oauth2/{v}token") for v in ("", "v2.0/")]
    swap, token = (Route(Door.REGISTRY, "POST", f"/oauth2/{n}") for n in ("exchange", "token"))
    get = Route(Door.REGISTRY, "GET", "/oauth2/token")
    attempts: list[tuple[Route, str, Mapping[str, str], str]] = []
    for what, bad in bad_arm:
        form = {"grant_type": "access_token", "service": server, "access_token": bad}
        attempts.append((swap, what, form, ""))
        for route in login:
            client = world.silo.credentials["servicePrincipal"]["clientId"]
            asked = {"client_id": client, "scope": f"{ARM_RESOURCE}/.default"}
            asked["resource"] = ARM_RESOURCE
            assertion = {
                "grant_type": "client_credentials",
                "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
                "client_assertion": bad,
            }
            attempts.append((route, what, asked | assertion, ""))
            again = {"grant_type": "refresh_token", "refresh_token": bad}
            attempts.append((route, what, asked | again, ""))
    for what, bad in bad_refresh:
        form = {"grant_type": "refresh_token", "service": server, "refresh_token": bad}
        attempts.append((token, what, form, ""))
        attempts.append((get, what, {}, render_basic(ZERO_USER, bad)))
    got = []
    for route, what, form, header in attempts:
        answer = _send_form(world, route, form, header)
        if not 400 <= answer.status < 500:
            got.append(f"{route}: {what}: {answer.status} {answer.body[:160]!r}")
    print(f"credentials: {len(attempts)} refusals")

    assert got == []


def _send_form(world: World, route: Route, form: Mapping[str, str], header: str) -> Answer:
    urls = world.silo.settings.names.urls
    server = f"https://{world.silo.registry_host(REGISTRY)}"
    base = urls.login if route.door is Door.LOGIN else server
    headers = {"Authorization": header} if header else {}
    if route.method == "POST":
        headers["Content-Type"] = "application/x-www-form-urlencoded"
    body = urlencode(form).encode() if route.method == "POST" else None
    world.caller.close()
    return world.caller.call(route.method, base + route.path, body=body, headers=headers)


def test_the_same_requests_reach_their_routes_with_a_right_that_suffices(world: World) -> None:
    """Else the matrix would prove nothing: a mistyped path is refused to everybody."""
    scopes = (f"repository:{REPOSITORY}:{ALL_ACTIONS}", "registry:catalog:*")
    right = {
        Door.MANAGEMENT: f"Bearer {world.administration.arm_token}",
        Door.GRAPH: f"Bearer {world.administration.graph_token}",
        Door.REGISTRY: f"Bearer {world.silo.registry_token(REGISTRY, *scopes)}",
        Door.STORAGE: f"Bearer {world.silo.sign_in(STORAGE_RESOURCE)}",
        Door.KUBERNETES: f"Bearer {make_word(world.silo, CLUSTER)}",
    }
    order = {"GET": 0, "HEAD": 1, "PATCH": 2, "PUT": 3, "POST": 4, "DELETE": 5}
    routes = [route for route in world.routes if route.door in right and str(route) not in SIGN_IN]
    refused, reached = [], Counter[str]()
    for route in sorted(routes, key=lambda route: order[route.method]):
        answer = world.ask(route, right[route.door])
        reached[f"{route.door} {answer.status // 100}xx"] += 1
        if answer.status == 401:
            refused.append(f"{route}: {answer.status} {answer.body[:160]!r}")
        assert answer.status < 500 or answer.status == 501, f"{route}: {answer}"
    print(f"with a right that suffices: {dict(sorted(reached.items()))}")

    assert refused == []
    assert reached["management 2xx"] > 20
    assert reached["graph 2xx"] > 10
    assert reached["registry 2xx"] > 15
    assert reached["storage 2xx"] > 12
    assert '"unhandled"' not in world.silo.log.read_text()
