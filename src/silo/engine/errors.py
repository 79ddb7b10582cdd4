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


def shorten(text: str) -> str:
    """Return the end of a chain of messages: what really went wrong comes last."""
    for noise in ("OCI runtime create failed: ", "OCI runtime start failed: "):
        text = text.rpartition(noise)[2]
    for noise in ("unable to start container process: ", "error during container init: "):
        text = text.rpartition(noise)[2]
    return text.removesuffix(": unknown").strip()
