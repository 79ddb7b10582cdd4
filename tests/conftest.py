"""What every test runs under."""

import pytest
import structlog


@pytest.fixture(autouse=True, scope="session")
def plain_log() -> None:
    """Log in plain lines: drawing a traceback in colours takes longer than what provokes it."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.format_exc_info,
            structlog.processors.KeyValueRenderer(),
        ]
    )
