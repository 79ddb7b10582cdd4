from silo import engine
from silo.engine.asking import parse_status, render_request


def test_a_probe_asks_as_it_was_told_and_closes():
    question = engine.HttpGet("/a b", 8080, headers=(("Host", "web"), ("X-A", "b")))

    text = render_request(question).decode()

    assert text.startswith("GET /a%20b HTTP/1.1\r\n")
    assert "Host: web\r\n" in text
    assert text.count("Host:") == 1
    assert text.endswith("Connection: close\r\n\r\n")


def test_only_http_has_a_status():
    assert parse_status(b"HTTP/1.1 204 No Content\r\n") == 204
    assert parse_status(b"SSH-2.0-OpenSSH\r\n") == 0
    assert parse_status(b"HTTP/1.1 two\r\n") == 0
    assert parse_status(b"") == 0
