"""What a file carries besides its content: metadata and HTTP headers, in an extended attribute.

As root they lie under ``trusted.``, which no container can read or write; otherwise under
``user.``. What is found is checked as if a stranger had written it.
"""

import ctypes
import errno
import json
import os
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from .errors import InvalidMetadata

_NAME = "trusted.silo.file" if os.geteuid() == 0 else "user.silo.file"
_ACL_DEFAULT = "system.posix_acl_default"
_USER, _GROUP, _OTHER, _ALL, _NOBODY = 0x01, 0x04, 0x20, 7, 0xFFFFFFFF
_PUNCH_HOLE, _KEEP_SIZE = 0x02, 0x01
HEADERS = {
    "content-type": "application/octet-stream",
    "content-encoding": "",
    "content-language": "",
    "cache-control": "",
    "content-disposition": "",
    "content-md5": "",
}
"""What a file is sent with, and Azure's values for what nobody said."""


@dataclass(frozen=True, slots=True)
class Attributes:
    """What is kept of a file or directory."""

    metadata: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    created: str = ""
    """``x-ms-file-creation-time``, as it was given."""
    flags: str = ""
    """``x-ms-file-attributes``, as it was given."""

    def changed(self, **values: Any) -> "Attributes":
        """Return them with other values."""
        return replace(self, **values)


def read_attributes(descriptor: int) -> Attributes:
    """Return what an open file or directory carries; nothing for what cannot be read."""
    try:
        found = json.loads(os.getxattr(descriptor, _NAME))
        return Attributes(
            metadata=_read_texts(found["metadata"]),
            headers={k: v for k, v in _read_texts(found["headers"]).items() if k in HEADERS},
            created=_clean(found["created"]),
            flags=_clean(found["flags"]),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return Attributes()


def write_attributes(descriptor: int, attributes: Attributes) -> None:
    """Keep what an open file or directory carries.

    Raises:
        InvalidMetadata: it is more than the file system takes.

    """
    document = {
        "metadata": dict(attributes.metadata),
        "headers": dict(attributes.headers),
        "created": attributes.created,
        "flags": attributes.flags,
    }
    try:
        os.setxattr(descriptor, _NAME, json.dumps(document, separators=(",", ":")).encode())
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.E2BIG, errno.ERANGE}:
            raise InvalidMetadata("The metadata is more than this file system keeps.") from None
        raise


def open_to_all(descriptor: int) -> None:
    """Let everybody write to a folder, and to whatever is made in it, by whichever user.

    The users of two groups that share it are different users of this machine; a default ACL sets
    the umask of what makes a file aside. Where there are no ACLs, what the umask says holds.
    """
    os.fchmod(descriptor, 0o777)
    entries = ((tag, _ALL, _NOBODY) for tag in (_USER, _GROUP, _OTHER))
    acl = struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in entries)
    try:
        os.setxattr(descriptor, _ACL_DEFAULT, acl)
    except OSError as error:
        if error.errno not in {errno.ENOTSUP, errno.EPERM}:
            raise


def punch_hole(descriptor: int, start: int, length: int) -> None:
    """Make part of a file zeros without writing them."""
    libc = ctypes.CDLL(None, use_errno=True)
    call = libc.fallocate
    call.argtypes = (ctypes.c_int, ctypes.c_int, ctypes.c_int64, ctypes.c_int64)
    if call(descriptor, _PUNCH_HOLE | _KEEP_SIZE, start, length):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def _read_texts(found: Any) -> dict[str, str]:
    return {_clean(name): _clean(value) for name, value in found.items()}


def _clean(text: Any) -> str:
    """Return a text that may stand in a header; else nothing."""
    return text if isinstance(text, str) and text.isprintable() else ""
