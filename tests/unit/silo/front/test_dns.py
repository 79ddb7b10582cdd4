import pytest
from dnslib import QTYPE, RCODE, DNSRecord

from silo import front

SERVER = front.DnsServer("silo.test", lambda name: [] if "missing" in name else ["127.0.0.1"])


def ask(name, kind="A"):
    return DNSRecord.parse(SERVER.answer(DNSRecord.question(name, kind).pack()))


def test_a_name_of_the_domain_has_an_address():
    reply = ask("Web1.azurecr.silo.test")

    assert [str(record.rdata) for record in reply.rr] == ["127.0.0.1"]
    assert reply.header.aa


def test_a_name_without_ipv6_is_known_but_empty():
    reply = ask("web1.azurecr.silo.test", "AAAA")

    assert reply.header.rcode == RCODE.NOERROR
    assert not reply.rr
    assert reply.auth[0].rtype == QTYPE.SOA


def test_a_missing_name_does_not_exist():
    assert ask("missing.silo.test").header.rcode == RCODE.NXDOMAIN


@pytest.mark.parametrize("name", ["example.com", "evilsilo.test"])
def test_other_zones_are_refused(name):
    assert ask(name).header.rcode == RCODE.REFUSED


@pytest.mark.parametrize("data", [b"", b"\x00", b"\xff" * 11, b"\x00" * 12, bytes(range(200))])
def test_noise_is_dropped(data):
    assert SERVER.answer(data) is None


def test_an_answer_is_not_answered():
    assert SERVER.answer(DNSRecord.question("a.silo.test").reply().pack()) is None
