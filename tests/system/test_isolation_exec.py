"""Into a container only its owners come, each with a ticket for one time and one place."""

import pytest
from bench.caller import Caller
from tests.wire.principals import Administration
from websockets.exceptions import WebSocketException

SHELL = "/bin/probe echo inside"


@pytest.fixture(scope="module")
def name(containers):
    containers.make("target", ["/bin/probe", "sleep"], level="process")
    containers.wait("target", "Running")
    return "target"


def enter(containers, address, password):
    said = ""
    try:
        with containers.open(address) as socket:
            socket.send(password)
            for piece in socket:
                said += piece if isinstance(piece, str) else piece.decode()
    except WebSocketException:
        pass
    return said


def test_a_ticket_opens_once(containers, name):
    ticket = containers.ticket(name, SHELL)

    assert "inside" in enter(containers, ticket["webSocketUri"], ticket["password"])
    assert "inside" not in enter(containers, ticket["webSocketUri"], ticket["password"])


def test_a_wrong_password_opens_nothing_and_spends_the_ticket(containers, name):
    ticket = containers.ticket(name, SHELL)

    assert "inside" not in enter(containers, ticket["webSocketUri"], "x" * len(ticket["password"]))


def test_a_ticket_of_one_place_opens_no_other(containers, name):
    one, two = containers.ticket(name, SHELL), containers.ticket(name, SHELL)

    assert "inside" not in enter(containers, one["webSocketUri"], two["password"])


def test_another_group_s_owner_is_refused(containers, name):
    silo = containers.silo
    caller = Caller(silo.port, silo.bundle)
    other = silo.group_url("another").replace("?api-version=2024-11-01", "")
    silo.create_group("another", containers.token)
    scope = other.removeprefix(silo.arm)
    client = Administration(silo, caller).make_client("neighbour", ("Owner", scope))
    form = {
        "grant_type": "client_credentials",
        "client_id": client.client_id,
        "client_secret": client.secret,
        "scope": "https://management.azure.com/.default",
    }
    url = f"{silo.login}/{silo.tenant}/oauth2/v2.0/token"
    token = caller.call("POST", url, form=form).expect(200).json()["access_token"]
    caller.close()
    owner, containers.token = containers.token, token
    path = f"/providers/Microsoft.ContainerInstance/containerGroups/{name}"
    try:
        for method, verb, body in (
            ("POST", "/containers/one/exec", {"command": SHELL, "terminalSize": {}}),
            ("GET", "/containers/one/logs", None),
            ("POST", "/stop", None),
            ("GET", "", None),
        ):
            assert containers.call(method, path + verb, body).status == 403, verb
    finally:
        containers.token = owner


def test_a_container_that_is_not_there_has_no_door(containers, name):
    path = f"/providers/Microsoft.ContainerInstance/containerGroups/{name}/containers/none/exec"
    body = {"command": SHELL, "terminalSize": {"rows": 24, "cols": 80}}

    assert containers.call("POST", path, body).status == 404
