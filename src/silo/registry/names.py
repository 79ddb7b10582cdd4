"""The grammar of repository names, tags and digests. Pure.

Source: OCI distribution-spec, "Pulling manifests"; image-spec, "Digests".
"""

import hashlib
import re

from .errors import DigestInvalid, NameInvalid, TagInvalid

_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_NAME = re.compile(rf"{_COMPONENT}(?:/{_COMPONENT})*")
_TAG = re.compile(r"[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}")

NAME_LENGTH = 255
"""Clients refuse longer ones, host name included."""
ALGORITHMS = {"sha256": hashlib.sha256, "sha512": hashlib.sha512}


def check_name(text: str) -> str:
    """Return a repository name that follows the grammar.

    Raises:
        NameInvalid: it does not.

    """
    if len(text) > NAME_LENGTH or not _NAME.fullmatch(text):
        raise NameInvalid("The repository name is not valid.", {"name": text[:NAME_LENGTH]})
    return text


def check_tag(text: str) -> str:
    """Return a tag that follows the grammar.

    Raises:
        TagInvalid: it does not.

    """
    if not _TAG.fullmatch(text):
        raise TagInvalid("The tag is not valid.", {"tag": text[:NAME_LENGTH]})
    return text


def check_digest(text: str) -> str:
    """Return a digest of an algorithm we have, ``sha256`` or ``sha512``.

    Raises:
        DigestInvalid: it is not one.

    """
    if not _DIGEST.fullmatch(text):
        raise DigestInvalid("The digest is not valid or not supported.", {"digest": text[:200]})
    return text


def is_digest(reference: str) -> bool:
    """Tell whether a manifest reference is a digest: no tag holds a colon."""
    return ":" in reference


def compute_digest(data: bytes, algorithm: str = "sha256") -> str:
    """Return the digest of some bytes."""
    return f"{algorithm}:{ALGORITHMS[algorithm](data).hexdigest()}"
