import pytest
from dnslib import QTYPE, RCODE, DNSRecord

from silo import engine
from silo.engine import resolver


def look_up(name):
    if not name.endswith(".silo.test"):
        return None
    return [] if "missing" in name else ["10.0.0.1"] * (100 if "many" in name else 1)


@pytest.fixture
def served(tmp_path):
    async def open_nothing(*_args):
        raise AssertionError("no sockets here")

    return engine.Resolver(open_nothing, look_up, tmp_path / "none")


async def ask(served, name, kind="A", **parts):
    return DNSRecord.parse(await served.answer(DNSRecord.question(name, kind).pack(), **parts))


async def test_our_own_names_are_answered_in_any_case(served):
    reply = await ask(served, "Web.SILO.test")

    assert [str(each.rdata) for each in reply.rr] == ["10.0.0.1"]
    assert reply.header.aa


async def test_a_name_of_ours_that_is_missing_is_not_asked_of_others(served):
    assert (await ask(served, "missing.silo.test")).header.rcode == RCODE.NXDOMAIN


async def test_a_name_without_ipv6_is_known_but_empty(served):
    reply = await ask(served, "web.silo.test", "AAAA")

    assert (reply.header.rcode, reply.rr) == (RCODE.NOERROR, [])
    assert reply.auth[0].rtype == QTYPE.SOA


async def test_without_a_resolver_to_ask_the_failure_is_said(served):
    assert (await ask(served, "example.com", limit=512)).header.rcode == RCODE.SERVFAIL


async def test_an_answer_too_long_for_a_datagram_says_so(served):
    assert (await ask(served, "many.silo.test", limit=512)).header.tc
    assert len((await ask(served, "many.silo.test")).rr) == 100


@pytest.mark.parametrize("data", [b"", b"\x00" * 12, b"\xff" * 40, bytes(range(200))])
async def test_noise_is_dropped(served, data):
    assert await served.answer(data) is None


def test_the_machines_resolvers_are_read(tmp_path):
    path = tmp_path / "resolv.conf"
    path.write_text(
        "# x\nsearch a\nnameserver 127.0.0.53\nnameserver bad\nnameserver fd00::1%eth0\n"
    )

    assert resolver.read_resolvers(path) == ["127.0.0.53", "fd00::1"]
