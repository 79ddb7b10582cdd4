"""What can go wrong in the engine; it knows nothing of HTTP.

* core.SiloError
  x EngineError
    x EngineUnavailable
    x ImageInaccessible
    x ContainerMissing
    x ContainerRefused
"""

from silo import core


class EngineError(core.SiloError):
    """The engine did not do what it was asked."""


class EngineUnavailable(EngineError):
    """There is no engine here, or it does not answer; the message is the reason."""


class ImageInaccessible(EngineError):
    """An image cannot be had: not there, not allowed, or not an image for this machine."""

    def __init__(self, reference: str, reason: str) -> None:
        super().__init__(f"{reference}: {reason}")
        self.reference = reference
        self.reason = reason


class ContainerMissing(EngineError):
    """There is no such container, or it does not run any more."""


class ContainerRefused(EngineError):
    """The machine refused to make or start the container; the message says why."""
