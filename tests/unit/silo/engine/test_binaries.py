import json
from pathlib import Path

from silo.engine.binaries import read_binaries

PROGRAMS = (
    "containerd",
    "containerd-shim-runc-v2",
    "containerd-shim-runsc-v1",
    "runc",
    "runsc",
    "silo-init",
    "silo-logger",
)


def make_engine(folder: Path, *programs: str) -> Path:
    (folder / "bin").mkdir()
    for name in programs:
        (folder / "bin" / name).write_text("")
    (folder / "versions.json").write_text(json.dumps({"runc": "v1.5.2"}))
    return folder


def test_programs_of_a_built_engine_are_found_with_their_versions(tmp_path):
    found = read_binaries(make_engine(tmp_path, *PROGRAMS))

    assert found is not None
    assert found.containerd == tmp_path / "bin" / "containerd"
    assert found.folder == tmp_path / "bin"
    assert found.versions == {"runc": "v1.5.2"}


def test_engine_with_a_program_missing_is_none(tmp_path):
    assert read_binaries(make_engine(tmp_path, *PROGRAMS[:-1])) is None
