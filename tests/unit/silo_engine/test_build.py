from pathlib import Path

import pytest
from silo_engine import build

GO = Path("/no/go")


@pytest.fixture
def sources(monkeypatch, tmp_path: Path) -> Path:
    folder = tmp_path / "go"
    for part in build.PARTS:
        (folder / part).mkdir(parents=True)
        (folder / part / "go.mod").write_text(f"module {part}\n")
    monkeypatch.setattr(build, "SOURCES", folder)
    monkeypatch.setattr(build, "CACHE", tmp_path / "cache")
    return folder


@pytest.fixture
def built(monkeypatch) -> list[str]:
    """Return the names of the parts that were built, in their order."""
    names: list[str] = []

    def compile_nothing(program, _go, module, _work, target):
        names.append(module.name)
        target.mkdir(exist_ok=True)
        (target / program.name).write_text(program.name)

    monkeypatch.setattr(build, "_compile", compile_nothing)
    monkeypatch.setattr(build, "_run", lambda *_: "")
    monkeypatch.setattr(build.licences, "gather_libraries", lambda _: [])
    return names


def test_nothing_is_found_before_it_is_built(sources):
    assert build.find_built() is None


def test_built_engine_is_found_and_not_built_again(sources, built):
    folder = build.build_engine(GO)
    built.clear()

    assert build.build_engine(GO) == folder == build.find_built()
    assert built == []
    programs = {path.name for path in (folder / "bin").iterdir()}
    assert {"containerd", "runc", "runsc", "bridge", "portmap", "silo-init"} <= programs


def test_change_of_one_part_builds_that_part_alone(sources, built):
    before = build.build_engine(GO)
    built.clear()
    (sources / "silo" / "main.go").write_text("package main\n")

    assert build.build_engine(GO) != before
    assert set(built) == {"silo"}


def test_our_own_programs_are_tested_when_they_are_built(sources, built, monkeypatch):
    tested = []

    def run(command, module, _environment):
        tested.extend([module.name] * (command[1] == "test"))
        return ""

    monkeypatch.setattr(build, "_run", run)
    build.build_engine(GO)

    assert tested == ["gvisor", "silo"]


def test_failed_build_is_not_taken_for_an_engine(sources, monkeypatch):
    def fail(*_):
        raise build.BuildFailed("no compiler")

    monkeypatch.setattr(build, "_compile", fail)

    with pytest.raises(build.BuildFailed):
        build.build_engine(GO)
    assert build.find_built() is None
