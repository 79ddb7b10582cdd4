"""Who a container's process is: numbers, looked up in the image's own files (man 5 passwd)."""

from dataclasses import dataclass

from .containers import Image
from .errors import ContainerRefused

LARGEST = 65535
"""A container has 65 536 user ids; a greater one has no place on the machine."""

_FIELDS = 4
"""``name:password:gid:members``, and the first four of ``passwd``."""


@dataclass(frozen=True, slots=True)
class User:
    """The numbers of a process."""

    uid: int = 0
    gid: int = 0
    additional: tuple[int, ...] = ()


def find_user(image: Image, run_as_user: int | None, run_as_group: int | None) -> User:
    """Return who the container's process shall be.

    Raises:
        ContainerRefused: the image names a user or a group that it does not have.

    """
    name, _, group = image.user.partition(":")
    if run_as_user is not None:
        name, group = str(run_as_user), ""
    uid, gid, login = _find_account(image, name)
    if group:
        gid = int(group) if group.isdecimal() else _find_group(image, group)
    if run_as_group is not None:
        gid = run_as_group
    additional = () if group or run_as_group is not None else _list_memberships(image, login)
    if max(uid, gid, *additional) > LARGEST:
        raise ContainerRefused(f"User and group ids go up to {LARGEST}: {uid}:{gid}.")
    return User(uid, gid, additional)


def _find_account(image: Image, name: str) -> tuple[int, int, str]:
    for entry in _entries(image.passwd, 2, 3):
        if name in {entry[0], entry[2]} or (not name and entry[2] == "0"):
            return int(entry[2]), int(entry[3]), entry[0]
    if not name or name.isdecimal():
        return int(name or 0), 0, ""
    raise ContainerRefused(f"The image has no user '{name}'.")


def _find_group(image: Image, name: str) -> int:
    for entry in _entries(image.groups, 2):
        if entry[0] == name:
            return int(entry[2])
    raise ContainerRefused(f"The image has no group '{name}'.")


def _list_memberships(image: Image, login: str) -> tuple[int, ...]:
    if not login:
        return ()
    groups = [
        int(entry[2])
        for entry in _entries(image.groups, 2)
        if login in entry[3].split(",") and int(entry[2]) <= LARGEST
    ]
    return tuple(sorted(set(groups)))


def _entries(text: str, *numbers: int) -> list[list[str]]:
    """Return the lines whose fields of these places are numbers; the others are nobody."""
    lines = [line.split(":") for line in text.splitlines()]
    return [
        line
        for line in lines
        if len(line) >= _FIELDS and all(_is_id(line[number]) for number in numbers)
    ]


def _is_id(value: str) -> bool:
    return value.isascii() and value.isdecimal() and len(value) <= 10  # noqa: PLR2004
