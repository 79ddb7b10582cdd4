"""Names of images as people write them (distribution/reference, as Docker reads them)."""

import re
from dataclasses import dataclass

from .errors import ImageInaccessible

_HUB = "docker.io"
_REPOSITORY = re.compile(r"[a-z0-9]+(?:(?:\.|_|__|-+|/)[a-z0-9]+)*")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}")
_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?(?::[0-9]{1,5})?")
_LONGEST = 255


@dataclass(frozen=True, slots=True)
class Reference:
    """Where an image is: ``host/repository:tag`` or ``host/repository@digest``."""

    host: str
    """With the port, when one is given."""
    repository: str
    tag: str
    digest: str

    @property
    def wanted(self) -> str:
        """What to ask the registry for; a digest cannot be moved, so it wins."""
        return self.digest or self.tag

    @property
    def endpoint(self) -> str:
        """The host that serves it; Docker Hub's has another name than its images."""
        return "registry-1.docker.io" if self.host == _HUB else self.host


def parse_reference(text: str) -> Reference:
    """Read an image's name; without a host it is Docker Hub's, without a tag ``latest``.

    Raises:
        ImageInaccessible: nothing can be called that.

    """
    rest, _, digest = text.partition("@")
    host, slash, path = rest.partition("/")
    if not slash or not ("." in host or ":" in host or host == "localhost"):
        host, path = _HUB, rest
    repository, _, tag = path.partition(":")
    if host in {_HUB, "index.docker.io"}:
        host, repository = _HUB, repository if "/" in repository else f"library/{repository}"
    if (
        not (
            _HOST.fullmatch(host)
            and _REPOSITORY.fullmatch(repository)
            and len(repository) <= _LONGEST
            and (not tag or _TAG.fullmatch(tag))
            and (not digest or _DIGEST.fullmatch(digest))
        )
        or ("@" in text) != bool(digest)
        or path.endswith(":")
    ):
        raise ImageInaccessible(text, "this is not the name of an image")
    return Reference(host, repository, tag or "latest", digest)
