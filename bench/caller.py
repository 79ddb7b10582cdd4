"""A plain HTTP client that names a host and speaks to a loopback port, as the proxy would."""

import http.client
import json
import select
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)

    def expect(self, *statuses: int) -> "Answer":
        """Return self, or raise AssertionError when the status is another one."""
        if self.status not in statuses:
            raise AssertionError(f"{self.status} instead of {statuses}: {self.body[:2000]!r}")
        return self


@lru_cache
def load_trust(bundle: Path) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(bundle))


def open_socket(
    port: int, host: str, bundle: Path | None = None, timeout_s: float = 60.0
) -> socket.socket:
    """Connect to a loopback port, with TLS for ``host`` when there is a bundle to check with."""
    raw = socket.create_connection(("127.0.0.1", port), timeout=timeout_s)
    raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if bundle is None:
        return raw
    return load_trust(bundle).wrap_socket(raw, server_hostname=host.partition(":")[0])


class Caller:
    """One kept-alive connection a host; opens a new one when the server closed it."""

    def __init__(self, port: int, bundle: Path | None = None, timeout_s: float = 60.0) -> None:
        self._port = port
        self._bundle = bundle
        self._timeout_s = timeout_s
        self._connections: dict[str, http.client.HTTPConnection] = {}

    def call(
        self,
        method: str,
        url: str,
        *,
        body: bytes | None = None,
        document: Any = None,
        form: Mapping[str, str] | None = None,
        token: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send one request to the host that the URL names.

        Raises:
            OSError, http.client.HTTPException: no answer, or half of one.

        """
        parts = urlsplit(url)
        sent = {"Host": parts.netloc, **(headers or {})}
        if token:
            sent["Authorization"] = f"Bearer {token}"
        if document is not None:
            body, sent["Content-Type"] = json.dumps(document).encode(), "application/json"
        if form is not None:
            body = urlencode(form).encode()
            sent["Content-Type"] = "application/x-www-form-urlencoded"
        target = parts.path + (f"?{parts.query}" if parts.query else "")
        connection = self._connections.get(parts.netloc)
        if connection is not None and _is_dropped(connection):
            connection.close()
            connection = None
        if connection is not None:
            try:
                return _exchange(connection, method, target, body, sent)
            except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError):
                connection.close()  # the server let an idle connection go
                if method not in {"GET", "HEAD"}:
                    self._connections.pop(parts.netloc)
                    raise
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=self._timeout_s)
        connection.sock = open_socket(self._port, parts.netloc, self._bundle, self._timeout_s)
        try:
            answer = _exchange(connection, method, target, body, sent)
        except BaseException:
            connection.close()
            raise
        self._connections[parts.netloc] = connection
        return answer

    def close(self) -> None:
        for connection in self._connections.values():
            connection.close()
        self._connections.clear()


def _is_dropped(connection: http.client.HTTPConnection) -> bool:
    """Tell whether the server let an idle connection go; urllib3 looks in the same way."""
    if connection.sock is None:
        return True
    watched = select.poll()
    watched.register(connection.sock, select.POLLIN)
    return bool(watched.poll(0))


def _exchange(
    connection: http.client.HTTPConnection,
    method: str,
    target: str,
    body: bytes | None,
    headers: Mapping[str, str],
) -> Answer:
    try:
        connection.request(method, target, body=body, headers=dict(headers))
        answer = connection.getresponse()
        return Answer(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
    except BaseException:
        connection.close()
        raise
