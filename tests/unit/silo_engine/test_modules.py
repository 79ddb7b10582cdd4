from dataclasses import replace
from pathlib import Path

import pytest
from silo_engine import build, modules

GO = Path("/no/go")


@pytest.fixture
def engine(monkeypatch, tmp_path: Path) -> modules.Kit:
    folder = tmp_path / "go"
    for part in build.PARTS:
        (folder / part).mkdir(parents=True)
        (folder / part / "go.mod").write_text(f"module {part}\n")
    monkeypatch.setattr(modules, "CACHE", tmp_path / "cache")
    return replace(build.ENGINE, sources=folder)


@pytest.fixture
def built(monkeypatch) -> list[str]:
    """Return the names of the parts that were built, in their order."""
    names: list[str] = []

    def compile_nothing(program, _go, module, _work, target):
        names.append(module.name)
        target.mkdir(exist_ok=True)
        (target / program.name).write_text(program.name)

    monkeypatch.setattr(modules, "_compile", compile_nothing)
    monkeypatch.setattr(modules, "_run", lambda *_: "")
    monkeypatch.setattr(modules.licences, "gather_libraries", lambda _: [])
    return names


def test_nothing_is_found_before_it_is_built(engine):
    assert engine.find() is None


def test_built_engine_is_found_and_not_built_again(engine, built):
    folder = engine.build(GO)
    built.clear()

    assert engine.build(GO) == folder == engine.find()
    assert built == []
    programs = {path.name for path in (folder / "bin").iterdir()}
    assert {"containerd", "runc", "runsc", "ptp", "portmap", "silo-init"} <= programs


def test_change_of_one_part_builds_that_part_alone(engine, built):
    before = engine.build(GO)
    built.clear()
    (engine.sources / "silo" / "main.go").write_text("package main\n")

    assert engine.build(GO) != before
    assert set(built) == {"silo"}


def test_two_versions_of_a_kit_share_the_parts_they_have_in_common(engine, built):
    engine.build(GO)
    built.clear()
    newer = replace(
        engine,
        label="engine-2",
        parts={**engine.parts, "silo": (modules.Program("silo-init", "./cmd/silo-init"),)},
    )

    assert newer.build(GO).name.startswith("engine-2-")
    assert set(built) == {"silo"}


def test_our_own_programs_are_tested_when_they_are_built(engine, built, monkeypatch):
    tested = []

    def run(command, module, _environment):
        tested.extend([module.name] * (command[1] == "test"))
        return ""

    monkeypatch.setattr(modules, "_run", run)
    engine.build(GO)

    assert tested == ["gvisor", "silo"]


def test_failed_build_is_not_taken_for_an_engine(engine, monkeypatch):
    def fail(*_):
        raise modules.BuildFailed("no compiler")

    monkeypatch.setattr(modules, "_compile", fail)

    with pytest.raises(modules.BuildFailed):
        engine.build(GO)
    assert engine.find() is None
