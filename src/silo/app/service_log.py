"""The service's own log: JSON lines on standard error, which a service manager collects."""

import contextlib
import io
import os
from typing import TextIO, cast

import structlog
import structlog.tracebacks

_STANDARD_ERROR = 2


class _StandardError(io.TextIOBase):
    """Standard error, which a full disk under it must not turn into a failed request."""

    def write(self, text: str, /) -> int:
        with contextlib.suppress(OSError):
            os.write(_STANDARD_ERROR, text.encode(errors="replace"))
        return len(text)


def configure_log() -> None:
    """Send what every room logs to standard error."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            # Never the locals of a frame: they hold tokens and passwords.
            structlog.processors.ExceptionRenderer(
                structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
            ),
            structlog.processors.JSONRenderer(),
        ],
        logger_factory=structlog.WriteLoggerFactory(file=cast(TextIO, _StandardError())),
    )
