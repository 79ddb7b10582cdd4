"""The silo command: two instances beside one another, one state for one instance, and its JSON."""

import json
import signal
import stat
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tools.azure import Az
from tools.instance import Instance, find_port, running


def test_status_tells_the_endpoints_and_the_processes(silo: Instance) -> None:
    status = silo.silo("status", "--json").json

    endpoints = {"resourceManager", "login", "graph", "proxy", "dns"}
    assert endpoints <= set(status["endpoints"])
    assert {"pid", "name"} <= set(status["processes"][0])
    assert status["version"]


def test_credentials_are_kept_where_only_the_owner_reads(silo: Instance) -> None:
    told = silo.silo("credentials", "--json").json

    assert {"tenantId", "subscriptionId", "administrator", "servicePrincipal"} <= set(told)
    modes = [path.stat() for path in silo.state.rglob("*") if path.is_file()]
    secret = [mode for mode in modes if stat.S_IMODE(mode.st_mode) & 0o077 == 0]
    assert secret
    assert stat.S_IMODE((silo.state / "credentials.json").stat().st_mode) == 0o600


def test_doctor_finds_nothing_wrong(silo: Instance) -> None:
    assert silo.silo("doctor").code == 0


def test_a_second_up_on_the_same_state_is_refused(silo: Instance) -> None:
    outcome = silo.silo("up", "--port", str(find_port()), check=False)

    assert outcome.code != 0
    assert "another silo" in outcome.said
    assert "Traceback" not in outcome.said


@pytest.mark.parametrize("verb", ["status", "credentials", "env", "down"])
def test_a_state_that_is_not_there_is_said_in_a_sentence(verb: str, tmp_path: Path) -> None:
    outcome = Instance(tmp_path / "nothing", 0).silo(verb, check=False)

    assert "Traceback" not in outcome.said
    assert "silo up" in outcome.said


def test_two_instances_know_nothing_of_each_other(
    silo: Instance, az: Az, make_group: Callable[[], str], tmp_path: Path
) -> None:
    group = make_group()
    with running(tmp_path / "other") as other:
        principal = other.credentials["servicePrincipal"]
        there = Az(other.environment(tmp_path), tmp_path / "az")
        there.sign_in(other.tenant, principal["clientId"], principal["clientSecret"])

        assert other.tenant != silo.tenant
        assert group not in [item["name"] for item in there("group", "list")]
        there("group", "create", "-n", "only-there", "-l", "westeurope")
        assert az.text("group", "exists", "-n", "only-there") == "false"
        mine = silo.credentials["servicePrincipal"]
        login = ["login", "--service-principal", "-u", mine["clientId"], "--tenant", other.tenant]
        Az(other.environment(tmp_path), tmp_path / "az2").refused(
            *login, "-p", mine["clientSecret"], saying="AADSTS700016"
        )


@pytest.fixture
def detached(tmp_path: Path) -> Iterator[Instance]:
    instance = Instance(tmp_path / "state", find_port())
    yield instance
    instance.silo("down", check=False)


def test_up_detached_and_down_keep_what_was_done(detached: Instance, tmp_path: Path) -> None:
    said = detached.silo("up", "--port", str(detached.port), "--detach", "--quiet")
    assert detached.credentials["administrator"]["password"] not in said.out + said.err
    before = detached.silo("status", "--json").json
    principal = detached.credentials["servicePrincipal"]
    az = Az(detached.environment(tmp_path), tmp_path / "az")
    az.sign_in(detached.tenant, principal["clientId"], principal["clientSecret"])
    az("group", "create", "-n", "kept", "-l", "westeurope")

    detached.silo("down")
    assert detached.silo("status", check=False).code != 0
    assert [item for item in before["processes"] if alive(item["pid"])] == []
    instance = json.loads((detached.state / "public" / "instance.json").read_text())["id"]
    assert not Path("/run/silo", instance).exists()
    detached.silo("up", "--detach")

    # Another instance on this machine may have taken the proxy's port meanwhile.
    az.environment["HTTPS_PROXY"] = detached.silo("status", "--json").json["endpoints"]["proxy"]
    assert az("group", "show", "-n", "kept")["name"] == "kept"


def test_it_stops_when_init_asks_and_says_nothing_is_wrong(tmp_path: Path) -> None:
    with running(tmp_path / "state") as instance:
        assert instance.process is not None
        instance.process.send_signal(signal.SIGTERM)

        assert instance.process.wait(30) == 0


def alive(pid: int) -> bool:
    """Tell whether a process still runs a moment from now; one that nobody buried does not."""
    for _ in range(50):
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except FileNotFoundError:
            return False
        if state == "Z":
            return False
        time.sleep(0.1)
    return True
