"""Copy File: from another file of this instance, done before it is answered."""

import errno
import os
import uuid
from collections.abc import Callable
from dataclasses import replace
from urllib.parse import parse_qsl, unquote, urlsplit

from silo import core, front

from .accounts import Account
from .errors import InvalidHeaderValue, NotImplementedHere, PermissionMismatch
from .gate import Gate
from .quota import Quota
from .routes import Route, parse_route
from .share_operations import ShareOperations
from .shares import FileShare, get_share
from .tree import Entry, Tree, describe, write_told
from .wire import Request, describe_entry, in_thread, read_attributes_of

FindPlace = Callable[[str], front.Place | None]


class Copies:
    """Copies for one worker."""

    def __init__(
        self,
        store: core.Store,
        gate: Gate,
        shares: ShareOperations,
        *,
        tree: Tree,
        quota: Quota,
        find_place: FindPlace,
    ) -> None:
        self._store = store
        self._gate = gate
        self._shares = shares
        self._tree = tree
        self._quota = quota
        self._find_place = find_place

    async def copy(self, request: Request) -> None:
        """Copy File."""
        source, route = self._authorize_source(request)
        target = self._shares.find(request)
        attributes = read_attributes_of(request)

        def work() -> Entry:
            with self._tree.open_file(source, route.parts) as original:
                known = describe("", original)
                carried = known.attributes
                if not attributes.metadata:
                    merged = attributes.changed(metadata=carried.metadata, headers=carried.headers)
                else:
                    merged = attributes.changed(headers=carried.headers)
                with self._quota.growing(target, known.size):
                    return self._tree.create_file(
                        target,
                        request.parts,
                        known.size,
                        merged,
                        fill=lambda made: _copy_content(original, made, known.size),
                    )

        entry = await in_thread(work)
        headers = {"x-ms-copy-id": str(uuid.uuid4()), "x-ms-copy-status": "success"}
        await request.reply(202, {**describe_entry(entry), **headers})

    def _authorize_source(self, request: Request) -> tuple[FileShare, Route]:
        """Return the file to be copied, once it is known that the caller may read it."""
        url = urlsplit(request.find_header("x-ms-copy-source") or "")
        place = self._find_place(url.netloc)
        if url.scheme != "https" or place is None or place.service != "file":
            raise NotImplementedHere("Only files of this instance are copied.")
        query = dict(parse_qsl(url.query, keep_blank_values=True))
        if "sharesnapshot" in query:
            raise NotImplementedHere("There are no snapshots of shares here.")
        route = parse_route("GET", unquote(url.path), {})
        if not route.parts:
            raise InvalidHeaderValue("x-ms-copy-source is not a file.")
        account = self._gate.get_account(place.account, request.context.client_ip)
        self._check_source(request, account, route, query)
        share = self._store.read_now(lambda conn: get_share(conn, account, route.share))
        return share, route

    def _check_source(
        self, request: Request, account: Account, route: Route, query: dict[str, str]
    ) -> None:
        if "sig" in query:
            asking = replace(request.asking, query=query)
            self._gate.check_sas(account, route, query, asking)
        elif not (request.caller.holds_key and account.uid == request.account.uid):
            # Nothing says that whoever may write here may read there.
            raise PermissionMismatch


def _copy_content(original: int, made: int, size: int) -> None:
    done = 0
    with write_told():
        while done < size:
            count = _copy_some(original, made, done, size - done)
            if not count:
                break
            done += count


def _copy_some(original: int, made: int, place: int, count: int) -> int:
    try:
        return os.copy_file_range(original, made, count, place, place)
    except OSError as error:
        if error.errno != errno.EXDEV:  # shares on file systems of different kinds
            raise
    os.lseek(made, place, os.SEEK_SET)
    return os.sendfile(made, original, place, count)
