from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from tests.unit.silo.providers.world import GROUP, NOW, World, open_world

from silo import arm, core, front, workload
from silo.workload.exec_tickets import LIFE, tickets

ID = arm.parse_resource_id(f"{GROUP}/providers/Microsoft.ContainerInstance/containerGroups/c1")
WISH = workload.ExecWish("uid1", ID.text, "web", ("cat", "/secret"), 24, 80)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    yield from open_world(tmp_path)


@pytest.fixture
def desk(tmp_path: Path) -> workload.ExecTickets:
    return workload.ExecTickets(core.Vault(tmp_path / "vault.key"))


def issue(world: World, desk: workload.ExecTickets) -> tuple[str, str]:
    return world.store.write_now(lambda conn: desk.issue(conn, WISH, NOW))


def redeem(
    world: World,
    desk: workload.ExecTickets,
    id_: str,
    password: str,
    after: timedelta = timedelta(),
) -> workload.ExecWish | workload.TicketRefused:
    return world.store.write_now(lambda conn: desk.redeem(conn, id_, password, NOW + after))


def ask(world: World, desk: workload.ExecTickets, body: Any) -> dict[str, str]:
    call = arm.Call(
        principal=world.kim,
        urls=front.AZURE_URLS,
        correlation_id="c",
        client_ip="",
        api_version="",
        query={},
        now=NOW,
        allows=lambda _action, _scope: False,
        recorder=arm.Recorder(NOW, world.kim, "", "", "POST", "", ""),
    )
    resource = world.resources.make(ID, {}, arm.make_stamp(NOW))
    return world.store.write_now(lambda conn: desk.answer(conn, call, resource, "web", body))


def test_a_ticket_says_what_may_be_run(world: World, desk: workload.ExecTickets) -> None:
    id_, password = issue(world, desk)

    assert redeem(world, desk, id_, password) == WISH


def test_a_ticket_works_once(world: World, desk: workload.ExecTickets) -> None:
    id_, password = issue(world, desk)
    redeem(world, desk, id_, password)

    assert isinstance(redeem(world, desk, id_, password), workload.TicketRefused)


def test_a_wrong_password_uses_the_ticket_up(world: World, desk: workload.ExecTickets) -> None:
    id_, password = issue(world, desk)

    assert isinstance(redeem(world, desk, id_, "guess"), workload.TicketRefused)
    assert isinstance(redeem(world, desk, id_, password), workload.TicketRefused)


def test_the_password_of_another_ticket_opens_nothing(
    world: World, desk: workload.ExecTickets
) -> None:
    id_, _ = issue(world, desk)
    _, other = issue(world, desk)

    assert isinstance(redeem(world, desk, id_, other), workload.TicketRefused)


def test_a_ticket_expires(world: World, desk: workload.ExecTickets) -> None:
    id_, password = issue(world, desk)

    assert not world.store.read_now(lambda conn: desk.is_known(conn, id_, NOW + LIFE))
    assert isinstance(redeem(world, desk, id_, password, LIFE), workload.TicketRefused)


def test_unused_tickets_are_forgotten(world: World, desk: workload.ExecTickets) -> None:
    issue(world, desk)
    world.store.write_now(lambda conn: desk.issue(conn, WISH, NOW + LIFE))

    count = sa.select(sa.func.count()).select_from(tickets)
    assert world.store.read_now(lambda conn: conn.scalar(count)) == 1


def test_neither_password_nor_command_is_stored_in_the_clear(
    world: World, desk: workload.ExecTickets
) -> None:
    _, password = issue(world, desk)

    row = str(world.store.read_now(lambda conn: conn.execute(sa.select(tickets)).all()))
    assert password not in row
    assert "/secret" not in row


def test_the_answer_is_azures_in_the_family_of_names_that_was_asked(
    world: World, desk: workload.ExecTickets
) -> None:
    body = {"command": "sh -c 'echo \"a b\"'", "terminalSize": {"rows": 50, "cols": 0}}

    answer = ask(world, desk, body)

    stem = "wss://management.azure.com/exec/"
    assert answer["webSocketUri"].startswith(stem)
    wish = redeem(world, desk, answer["webSocketUri"].removeprefix(stem), answer["password"])
    assert isinstance(wish, workload.ExecWish)
    assert wish.command == ("sh", "-c", 'echo "a b"')
    assert (wish.rows, wish.columns) == (50, 80)
    assert (wish.container, wish.caller) == ("web", world.kim.name)


@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        {},
        {"command": " "},
        {"command": ["sh"]},
        {"command": "sh -c 'open"},
        {"command": "''"},
        {"command": "a\0b"},
        {"command": "x" * 9000},
        {"command": "sh", "terminalSize": 3},
        {"command": "sh", "terminalSize": {"rows": -1}},
        {"command": "sh", "terminalSize": {"cols": "wide"}},
    ],
)
def test_a_body_that_makes_no_sense_is_refused(
    world: World, desk: workload.ExecTickets, body: Any
) -> None:
    with pytest.raises(arm.InvalidRequestContent):
        ask(world, desk, body)
