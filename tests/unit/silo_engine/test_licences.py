from pathlib import Path

import pytest
from silo_engine import licences


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Apache License\n   Version 2.0", "Apache-2.0"),
        ("Permission is hereby granted, free of\ncharge, to any person", "MIT"),
        ("Redistribution and use in source and binary forms ... in binary", "BSD-2-Clause"),
        ("in source and binary forms; contributors may\nbe used to endorse", "BSD-3-Clause"),
        ("Mozilla Public License Version 2.0", "MPL-2.0"),
        ("We, the authors", None),
    ],
)
def test_licences_are_known_by_their_words(text, kind):
    assert licences.classify(text) == kind


def make_module(folder: Path, text: str) -> str:
    folder.mkdir()
    (folder / "LICENSE.md").write_text(text)
    return f"example.org/one\tv1.0.0\t{folder}"


def test_text_of_every_module_is_kept(tmp_path):
    listed = make_module(tmp_path / "one", "Apache License")

    found = licences.gather(f"{listed}\n{listed}\n", tmp_path / "licences")

    assert found == [{"module": "example.org/one", "version": "v1.0.0", "licence": "Apache-2.0"}]
    kept = tmp_path / "licences" / "example.org/one@v1.0.0" / "LICENSE.md"
    assert kept.read_text() == "Apache License"


def test_module_without_licence_stops_the_build(tmp_path):
    listed = make_module(tmp_path / "one", "All rights reserved.")

    with pytest.raises(licences.NoLicence, match=r"example\.org/one"):
        licences.gather(listed, tmp_path / "licences")


def test_our_own_module_needs_none(tmp_path):
    assert licences.gather(f"silo.invalid/engine\t\t{tmp_path}", tmp_path / "licences") == []
