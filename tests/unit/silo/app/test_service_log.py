import os

import pytest
import structlog

from silo.app import service_log


@pytest.fixture(autouse=True)
def log_of_tests():
    before = structlog.get_config()
    yield
    structlog.configure(**before)


def test_a_log_that_cannot_be_written_fails_nobody(monkeypatch):
    service_log.configure_log()

    def fail(_descriptor, _data):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "write", fail)
    structlog.get_logger().error("something")


def test_a_traceback_shows_no_locals(capfd):
    service_log.configure_log()
    try:
        password = "hunter" + "2"
        len(password) / 0
    except ZeroDivisionError:
        structlog.get_logger().exception("something")

    line = capfd.readouterr().err
    assert '"event": "something"' in line
    assert "hunter2" not in line
