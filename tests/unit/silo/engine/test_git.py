"""The rules of what git is asked; git itself is run by ``tests/system/test_volumes.py``."""

import os
import threading
from pathlib import Path

import pytest

from silo import engine
from silo.engine import git

RULES = engine.GitRules()


@pytest.mark.parametrize(
    ("repository", "directory", "expected"),
    [
        ("https://h/team/app.git", "", "app"),
        ("https://h/team/app/", "", "app"),
        ("https://h/app", ".", "."),
        ("https://h/app", "a/b", "a/b"),
    ],
)
def test_the_folder_is_named_as_git_names_it(
    repository: str, directory: str, expected: str
) -> None:
    assert git.choose_directory(engine.GitRepo(repository, directory)) == expected


@pytest.mark.parametrize("directory", ["..", "../x", "a/../../b", "/etc", "a//b", ".git", "-x\n"])
def test_a_folder_outside_the_volume_is_refused(directory: str) -> None:
    with pytest.raises(engine.GitRefused):
        git.choose_directory(engine.GitRepo("https://h/app", directory))


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc",
        "/etc",
        "ext::sh -c id",
        "ssh://git@h/app",
        "git@h:app",
        "--upload-pack=id",
        "https://",
        "https://-oProxy/x",
        "http://h:x/y",
        "https://h/a b",
        "https://h/\n",
    ],
)
def test_only_the_allowed_protocols_are_spoken(url: str) -> None:
    with pytest.raises(engine.GitRefused):
        git._split_secret(url, RULES)


def test_a_password_is_in_no_argument() -> None:
    bare, secret = git._split_secret("https://user:p%40ss@h:8443/app.git", RULES)

    assert bare == "https://h:8443/app.git"
    assert secret == "Authorization: Basic dXNlcjpwQHNz"
    assert "dXNlcjpwQHNz" not in repr(git._Job(None, 0, RULES, None, threading.Event(), secret))


@pytest.fixture
def say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Put a program in git's place."""

    def put(script: str) -> git._Job:
        program = tmp_path / "git"
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
        monkeypatch.setattr(git.shutil, "which", lambda _name, path: str(program))
        return git._Job(tmp_path, 0, RULES, None, threading.Event(), "")

    return put


def test_git_that_fails_is_told_in_its_last_words(say) -> None:
    with pytest.raises(git.GitFailed, match=r"^git failed: fatal: no such repository$"):
        say("echo 'fatal: no such repository' >&2; exit 128").run("clone")


def test_of_what_a_server_says_only_the_end_is_kept() -> None:
    ours, theirs = os.pipe()
    said = bytearray()
    reader = threading.Thread(target=git.keep_tail, args=(os.fdopen(ours, "rb", 0), said))
    reader.start()
    with os.fdopen(theirs, "wb") as server:
        for _ in range(20):
            server.write(b"x" * 100_000)
        server.write(b"the end")
    reader.join(30)

    assert len(said) <= 4096
    assert said.endswith(b"xthe end")


def test_git_is_ended_when_nobody_wants_the_volume(say) -> None:
    job = say("exec sleep 600")
    job.stop.set()

    with pytest.raises(git.GitFailed):
        job.run("clone")
