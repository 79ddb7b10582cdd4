"""Why an instance does not start."""

from silo import core


class CannotStart(core.SiloError):
    """What ``silo up`` was asked cannot be done; the message says what to change."""
