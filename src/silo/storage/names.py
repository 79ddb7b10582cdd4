"""The grammar of accounts, shares, directories and files. Pure.

Source: https://learn.microsoft.com/rest/api/storageservices/naming-and-referencing-shares--directories--files--and-metadata
"""

import re

from .errors import InvalidMetadata, InvalidResourceName, OutOfRangeInput

ACCOUNT = r"[a-z0-9]{3,24}"
SHARE = r"(?=.{3,63}\Z)[a-z0-9]+(?:-[a-z0-9]+)*"
_SHARE = re.compile(SHARE)
_FORBIDDEN = re.compile(r'["\\/:|<>*?\x00-\x1f\x7f]')
_RESERVED = re.compile(r"(?:con|prn|aux|nul|clock\$|com[1-9]|lpt[1-9])", re.IGNORECASE)
_METADATA = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
NAME_BYTES = 255
"""Of one name on disk, as UTF-8; Azure counts characters."""
PATH_LENGTH = 2_048
DEPTH = 250
METADATA_BYTES = 2_048
"""Of names and values together; Azure takes 8 KiB, an inode of ext4 does not."""


def check_share(name: str) -> str:
    """Return a share's name that follows the grammar.

    Raises:
        InvalidResourceName, OutOfRangeInput: it does not.

    """
    if not 3 <= len(name) <= 63:  # noqa: PLR2004 - Azure's numbers
        raise OutOfRangeInput
    if not _SHARE.fullmatch(name):
        raise InvalidResourceName
    return name


def split_path(path: str, *, keep_dots: bool) -> tuple[str, ...]:
    """Return the names in a path below a share; trailing dots go unless the client keeps them.

    Raises:
        InvalidResourceName, OutOfRangeInput: a name is not one; ``..`` never is.

    """
    if len(path) > PATH_LENGTH:
        raise OutOfRangeInput
    parts = [part for part in path.split("/") if part]
    if len(parts) > DEPTH:
        raise OutOfRangeInput
    return tuple(_check_name(part if keep_dots else part.rstrip(".")) for part in parts)


def is_servable(name: str) -> bool:
    """Tell whether a name found on disk can be asked for; a container may have made any other."""
    try:
        return _check_name(name) == name
    except (InvalidResourceName, OutOfRangeInput):
        return False


def check_metadata(metadata: dict[str, str]) -> dict[str, str]:
    """Return metadata that follows the grammar.

    Raises:
        InvalidMetadata: it does not, or is too much.

    """
    if any(not _METADATA.fullmatch(name) for name in metadata):
        raise InvalidMetadata("A metadata name is not a valid C# identifier.")
    if sum(len(name) + len(value) for name, value in metadata.items()) > METADATA_BYTES:
        raise InvalidMetadata(f"Metadata takes at most {METADATA_BYTES} bytes here.")
    return metadata


def _check_name(name: str) -> str:
    try:
        size = len(name.encode())
    except UnicodeEncodeError:
        raise InvalidResourceName from None
    if size > NAME_BYTES:
        raise OutOfRangeInput
    if name in {"", ".", ".."} or _FORBIDDEN.search(name) or _RESERVED.fullmatch(name):
        raise InvalidResourceName
    return name
