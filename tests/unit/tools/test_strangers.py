from pathlib import Path

import pytest
from tools import strangers


def test_a_part_is_built_once(tmp_path: Path) -> None:
    built = []

    for _ in range(2):
        strangers.ensure(tmp_path / "part-1", built.append)

    assert built == [tmp_path / "part-1"]


def test_a_half_built_part_is_thrown_away_and_built_again(tmp_path: Path) -> None:
    (tmp_path / "part-1").mkdir()
    (tmp_path / "part-1" / "half").touch()

    strangers.ensure(tmp_path / "part-1", lambda folder: (folder / "whole").touch())

    assert not (tmp_path / "part-1" / "half").exists()
    assert (tmp_path / "part-1" / "whole").exists()


def test_the_second_failure_to_build_is_told(tmp_path: Path) -> None:
    tries = []

    def build(folder: Path) -> None:
        tries.append(folder)
        raise strangers.SetupFailed("no network")

    with pytest.raises(strangers.SetupFailed, match="no network"):
        strangers.ensure(tmp_path / "part-1", build)
    assert len(tries) == 2


def test_az_has_its_version_and_lock_in_its_path() -> None:
    folder = strangers.az_path().parent.parent.name

    assert folder.startswith(f"azure-cli-{strangers.AZURE_CLI_VERSION}-py3.")
    assert f"azure-cli=={strangers.AZURE_CLI_VERSION}" in strangers.AZURE_CLI_LOCK.read_text()
