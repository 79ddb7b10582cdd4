"""The rules of what git is asked; git itself is run by ``tests/system/test_volumes.py``."""

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
    assert "dXNlcjpwQHNz" not in repr(git._Job(None, 0, RULES, None, secret))
