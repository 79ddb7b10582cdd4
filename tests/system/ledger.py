"""What Silo said it had stored, and the questions whether it has.

Writers push images and write resource groups as fast as one client each can, and note a write
only when its answer has come. What was asked without an answer may be there or not; what was
answered must be.
"""

import hashlib
import http.client
import random
import sqlite3
import threading
import time
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from bench.caller import Caller
from bench.clients import MANIFEST_TYPE
from bench.images import CONFIG, digest_of, make_manifest, push_blob
from bench.instance import Instance
from bench.target import Target

RETRY_S = 0.02
GIVE_UP_S = 60.0
BROKEN = (OSError, http.client.HTTPException)
"""What a client sees of a killed server."""


@dataclass
class Ledger:
    """The acknowledged writes of one or more rounds."""

    blobs: dict[tuple[str, str], int] = field(default_factory=dict)
    tags: dict[tuple[str, str], str] = field(default_factory=dict)
    groups: dict[str, str] = field(default_factory=dict)
    """Name → tag that the group has to carry."""
    moving: dict[str, list[str]] = field(default_factory=dict)
    """Group written again and again → what it may hold: the last acknowledged and later tries."""
    refused: list[str] = field(default_factory=list)
    """Answers other than success or a broken connection."""
    count: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self) -> None:
        with self.lock:
            self.count += 1


class Writer(threading.Thread):
    """One client: an image, a group, an image, a group … until its share is written."""

    def __init__(self, silo: Instance, target: Target, ledger: Ledger, name: str, share: int):
        super().__init__(name=name, daemon=True)
        self._silo, self._target, self._ledger = silo, target, ledger
        self._share = share
        self._repository = f"kill/{name}"
        self._token = silo.sign_in()
        self._registry_token = target.sign_in(self._repository, "pull,push")
        self._random = random.Random(name)
        self._urls = (silo.group_url("NAME"), f"{target.scheme}://{target.host}")
        self.stopped = threading.Event()

    def run(self) -> None:
        caller = self._silo.open_caller(timeout_s=30)
        with closing(caller):
            for number in range(self._share):
                self._insist(self._push if number % 2 else self._put_group, caller, number)

    def _insist(self, write, caller: Caller, number: int) -> None:
        deadline = time.monotonic() + GIVE_UP_S
        while not self.stopped.is_set():
            try:
                write(caller, number)
            except BROKEN:
                caller.close()
                time.sleep(RETRY_S)
            except AssertionError as error:
                self._ledger.refused.append(f"{self.name} {number}: {error}")
                time.sleep(RETRY_S)
            else:
                self._ledger.note()
                return
            if time.monotonic() > deadline:
                self._ledger.refused.append(f"{self.name} {number}: gave up")
                return

    def _push(self, caller: Caller, number: int) -> None:
        layer = self._random.randbytes(self._random.randrange(1, 65536))
        for blob in (CONFIG, layer):
            push_blob(caller, self._target, self._repository, blob, self._registry_token)
            self._ledger.blobs[self._repository, digest_of(blob)] = len(blob)
        manifest, tag = make_manifest([layer]), f"v{number}"
        caller.call(
            "PUT",
            f"{self._urls[1]}/v2/{self._repository}/manifests/{tag}",
            body=manifest,
            headers={"Content-Type": MANIFEST_TYPE},
            token=self._registry_token,
        ).expect(201)
        self._ledger.tags[self._repository, tag] = digest_of(manifest)

    def _put_group(self, caller: Caller, number: int) -> None:
        own, moving = f"{self.name}-{number}", f"{self.name}-moving"
        self._put(caller, own, str(number))
        self._ledger.groups[own] = str(number)
        tried = self._ledger.moving.setdefault(moving, [])
        tried.append(str(number))
        self._put(caller, moving, str(number))
        del tried[:-1]

    def _put(self, caller: Caller, group: str, tag: str) -> None:
        document = {"location": "westeurope", "tags": {"written": tag}}
        url = self._urls[0].replace("NAME", group)
        caller.call("PUT", url, document=document, token=self._token).expect(200, 201)


def check_ledger(silo: Instance, target: Target, ledger: Ledger) -> list[str]:
    """Return what is missing or other than acknowledged; empty when all is well."""
    caller = silo.open_caller()
    with closing(caller):
        return [*_check_registry(caller, target, ledger), *_check_groups(silo, caller, ledger)]


def _check_registry(caller: Caller, target: Target, ledger: Ledger) -> list[str]:
    base = f"{target.scheme}://{target.host}/v2"
    wrong: list[str] = []
    repositories = {name for name, _ in (*ledger.blobs, *ledger.tags)}
    tokens = {name: target.sign_in(name, "pull") for name in repositories}
    for (name, digest), size in ledger.blobs.items():
        found = caller.call("GET", f"{base}/{name}/blobs/{digest}", token=tokens[name])
        if found.status != 200 or len(found.body) != size or digest_of(found.body) != digest:
            wrong.append(f"blob {name}@{digest}: {found.status}, {len(found.body)} bytes")
    for (name, tag), digest in ledger.tags.items():
        found = caller.call("GET", f"{base}/{name}/manifests/{tag}", token=tokens[name])
        if found.status != 200 or digest_of(found.body) != digest:
            wrong.append(f"manifest {name}:{tag}: {found.status}")
    for name in repositories:
        wrong += _check_visible_tags(caller, f"{base}/{name}", tokens[name])
    return wrong


def _check_visible_tags(caller: Caller, base: str, token: str) -> list[str]:
    """Whatever is visible, acknowledged or not, must be whole: manifest, configuration, layers."""
    listed = caller.call("GET", f"{base}/tags/list?n=10000", token=token)
    if listed.status == 404:
        return []
    wrong = []
    for tag in listed.expect(200).json()["tags"] or ():
        found = caller.call("GET", f"{base}/manifests/{tag}", token=token)
        if found.status != 200:
            wrong.append(f"visible {base}:{tag}: {found.status}")
            continue
        parts = found.json()
        for part in (parts["config"], *parts["layers"]):
            blob = caller.call("HEAD", f"{base}/blobs/{part['digest']}", token=token)
            if blob.status != 200 or int(blob.headers["content-length"]) != part["size"]:
                wrong.append(f"visible {base}:{tag}: {part['digest']} is {blob.status}")
    return wrong


def _check_groups(silo: Instance, caller: Caller, ledger: Ledger) -> list[str]:
    token = silo.sign_in()
    wrong = []
    wanted = {name: [tag] for name, tag in ledger.groups.items()} | ledger.moving
    for name, tags in wanted.items():
        found = caller.call("GET", silo.group_url(name), token=token)
        if found.status != 200 or found.json()["tags"]["written"] not in tags:
            wrong.append(f"group {name}: {found.status} {found.body[:200]!r}, not one of {tags}")
    return wrong


def check_files(silo: Instance) -> list[str]:
    """Return what is torn on disk: a blob that is not its digest, a damaged database."""
    wrong = []
    for path in silo.settings.content.rglob("*"):
        if path.is_file() and len(path.name) == 64 and "blobs" in path.parts:
            with path.open("rb") as file:
                if hashlib.file_digest(file, "sha256").hexdigest() != path.name:
                    wrong.append(f"torn: {path}")
    told = ask_database(silo.settings.database, "PRAGMA integrity_check")
    if told != [("ok",)]:
        wrong.append(f"database: {told}")
    return wrong


def ask_database(path: Path, query: str) -> list[tuple[object, ...]]:
    """Return the rows of a query on the database, read only."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=30)) as connection:
        return connection.execute(query).fetchall()
