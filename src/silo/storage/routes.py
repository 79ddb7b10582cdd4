"""The grammar of the file service: what a path and its parameters mean, and what each needs. Pure.

Source: https://learn.microsoft.com/rest/api/storageservices/file-service-rest-api;
which letter of a SAS allows what: …/create-account-sas, …/create-service-sas.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from .errors import InvalidUri, NotImplementedHere, UnsupportedVerb
from .names import check_share, split_path

_PREFIX = "Microsoft.Storage/storageAccounts/fileServices"


class Level(StrEnum):
    """What a path names."""

    SERVICE = "/"
    SHARE = "/{share}"
    DIRECTORY = "/{share}/{directory}"
    FILE = "/{share}/{file}"


class Right(StrEnum):
    """What an operation does; decides which signature and which role allow it."""

    READ = "read"
    WRITE = "write"
    CREATE = "create"
    DELETE = "delete"
    LIST = "list"


SAS_LETTERS = {
    Right.READ: "r",
    Right.WRITE: "w",
    Right.CREATE: "cw",
    Right.DELETE: "d",
    Right.LIST: "l",
}
"""Any one of them suffices."""
SAS_TYPES = {Level.SERVICE: "s", Level.SHARE: "c", Level.DIRECTORY: "o", Level.FILE: "o"}


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation."""

    name: str
    """Azure's word for it, in the log."""
    level: Level
    method: str
    comp: str
    right: Right
    service_sas: bool = True
    """Whether a SAS of one share or file can allow it."""
    served: bool = True

    @property
    def action(self) -> str:
        """The action that a role must allow, as Azure names it."""
        if self.method == "POST":
            return f"{_PREFIX}/generateUserDelegationKey/action"
        verb = {Right.LIST: "read", Right.CREATE: "write"}.get(self.right, self.right.value)
        kind = "fileshares/files" if self.is_data else "shares"
        return f"{_PREFIX}/{kind}/{verb}"

    @property
    def is_data(self) -> bool:
        """Whether it is a data action: what is in a share, not the share itself."""
        return self.level in {Level.DIRECTORY, Level.FILE}

    @property
    def intent_action(self) -> str:
        """The data action behind ``x-ms-file-request-intent: backup``."""
        kind = "read" if self.right in {Right.READ, Right.LIST} else "write"
        return f"{_PREFIX}/{kind}FileBackupSemantics/action"

    @property
    def reads(self) -> bool:
        """Whether it changes nothing."""
        return self.right in {Right.READ, Right.LIST}

    @property
    def path(self) -> str:
        """The path and what tells it apart, for people and the matrix test."""
        restype = {Level.SERVICE: "service", Level.SHARE: "share", Level.DIRECTORY: "directory"}
        pairs = []
        if self.level in restype and (self.level, self.comp) != (Level.SERVICE, "list"):
            pairs.append(f"restype={restype[self.level]}")
        if self.comp:
            pairs.append(f"comp={self.comp}")
        return self.level.value + ("?" + "&".join(pairs) if pairs else "")


def _list(level: Level, *rows: tuple[str, str, str, Right], **more: bool) -> list[Operation]:
    return [
        Operation(name, level, method, comp, right, **more)
        for name, methods, comp, right in rows
        for method in methods.split()
    ]


_R, _W, _C, _D, _L = Right.READ, Right.WRITE, Right.CREATE, Right.DELETE, Right.LIST
OPERATIONS: dict[tuple[Level, str, str], Operation] = {
    (one.level, one.method, one.comp): one
    for one in (
        *_list(
            Level.SERVICE,
            ("ListShares", "GET", "list", _L),
            ("GetFileServiceProperties", "GET", "properties", _R),
            service_sas=False,
        ),
        *_list(
            Level.SERVICE,
            ("SetFileServiceProperties", "PUT", "properties", _W),
            ("GetUserDelegationKey", "POST", "userdelegationkey", _R),
            service_sas=False,
            served=False,
        ),
        *_list(
            Level.SHARE,
            ("CreateShare", "PUT", "", _C),
            ("GetShareProperties", "GET HEAD", "", _R),
            ("DeleteShare", "DELETE", "", _D),
            ("SetShareProperties", "PUT", "properties", _W),
            ("GetShareMetadata", "GET HEAD", "metadata", _R),
            ("SetShareMetadata", "PUT", "metadata", _W),
            ("GetShareStats", "GET", "stats", _R),
            ("GetShareACL", "GET HEAD", "acl", _R),
            service_sas=False,
        ),
        *_list(
            Level.SHARE,
            ("SetShareACL", "PUT", "acl", _W),
            ("SnapshotShare", "PUT", "snapshot", _C),
            ("RestoreShare", "PUT", "undelete", _W),
            ("LeaseShare", "PUT", "lease", _W),
            ("CreatePermission", "PUT", "filepermission", _W),
            ("GetPermission", "GET", "filepermission", _R),
            service_sas=False,
            served=False,
        ),
        *_list(
            Level.DIRECTORY,
            ("CreateDirectory", "PUT", "", _C),
            ("GetDirectoryProperties", "GET HEAD", "", _R),
            ("DeleteDirectory", "DELETE", "", _D),
            ("SetDirectoryProperties", "PUT", "properties", _W),
            ("GetDirectoryMetadata", "GET HEAD", "metadata", _R),
            ("SetDirectoryMetadata", "PUT", "metadata", _W),
            ("ListFilesAndDirectories", "GET", "list", _L),
        ),
        *_list(
            Level.DIRECTORY,
            ("RenameDirectory", "PUT", "rename", _W),
            ("ListHandles", "GET", "listhandles", _L),
            ("ForceCloseHandles", "PUT", "forceclosehandles", _W),
            served=False,
        ),
        *_list(
            Level.FILE,
            ("CreateFile", "PUT", "", _C),
            ("GetFile", "GET", "", _R),
            ("GetFileProperties", "HEAD", "", _R),
            ("DeleteFile", "DELETE", "", _D),
            ("SetFileProperties", "PUT", "properties", _W),
            ("GetFileMetadata", "GET HEAD", "metadata", _R),
            ("SetFileMetadata", "PUT", "metadata", _W),
            ("PutRange", "PUT", "range", _W),
            ("ListRanges", "GET", "rangelist", _R),
        ),
        *_list(
            Level.FILE,
            ("AbortCopyFile", "PUT", "copy", _W),
            ("LeaseFile", "PUT", "lease", _W),
            ("RenameFile", "PUT", "rename", _W),
            ("ListHandles", "GET", "listhandles", _L),
            ("ForceCloseHandles", "PUT", "forceclosehandles", _W),
            served=False,
        ),
    )
}
"""Every operation that is known; what is not here is no operation."""


@dataclass(frozen=True, slots=True)
class Route:
    """What a request is for."""

    operation: Operation
    share: str
    parts: tuple[str, ...]

    @property
    def path(self) -> str:
        """The path below the account, for the log."""
        return "/".join((self.share, *self.parts))


@dataclass(frozen=True, slots=True)
class ListedRoute:
    """One route, for the permission matrix and the documentation."""

    method: str
    path: str
    action: str


def routes() -> list[ListedRoute]:
    """Return every route of the file service."""
    return [ListedRoute(one.method, one.path, one.action) for one in OPERATIONS.values()]


def parse_route(
    method: str, path: str, query: Mapping[str, str], *, keep_dots: bool = False
) -> Route:
    """Return what a request is for.

    Raises:
        InvalidUri, UnsupportedVerb: nothing. InvalidResourceName, OutOfRangeInput: a bad name.

    """
    share, _, rest = path.lstrip("/").partition("/")
    restype, comp = query.get("restype", "").lower(), query.get("comp", "").lower()
    parts = split_path(rest, keep_dots=keep_dots)
    if not share:
        level = Level.SERVICE
    elif restype == "share" and not parts:
        level = Level.SHARE
    elif restype == "directory":
        level = Level.DIRECTORY
    elif parts and not restype:
        level = Level.FILE
    elif not parts and not restype and comp in {"filepermission", "lease", "snapshot"}:
        level = Level.SHARE
    else:
        raise InvalidUri
    if share:
        check_share(share)
    operation = OPERATIONS.get((level, method, comp))
    if operation is None:
        known = sorted(
            {one.method for one in OPERATIONS.values() if (one.level, one.comp) == (level, comp)}
        )
        if not known:
            raise InvalidUri
        raise UnsupportedVerb(headers={"allow": ", ".join(known)})
    return Route(operation, share, parts)


def check_served(operation: Operation) -> None:
    """Refuse what Azure has and this instance does not; asked only of who may do it.

    Raises:
        NotImplementedHere: naming the operation.

    """
    if not operation.served:
        raise NotImplementedHere(
            f"{operation.name} is not served by this instance; nothing was done."
        )
