"""Gathers the licence texts of every module that is linked into the programs."""

import shutil
from pathlib import Path

FORMAT = "{{with .Module}}{{.Path}}\t{{.Version}}\t{{.Dir}}{{end}}"
"""What ``go list -f`` prints per package: the module that it is from."""

_NAMES = ("LICENSE", "LICENCE", "COPYING", "NOTICE", "COPYRIGHT", "AUTHORS", "PATENTS")

# Words that only this licence has, the more particular licences first.
_MARKS = (
    ("Apache-2.0", "Apache License"),
    ("MPL-2.0", "Mozilla Public License"),
    ("GPL", "GNU GENERAL PUBLIC LICENSE"),
    ("LGPL", "GNU LESSER GENERAL PUBLIC LICENSE"),
    ("ISC", "Permission to use, copy, modify, and/or distribute this software"),
    ("ISC", "Permission to use, copy, modify, and distribute this software"),
    ("MIT", "Permission is hereby granted, free of charge"),
    ("BSD-3-Clause", "contributors may be used to endorse"),
    ("BSD-2-Clause", "Redistribution and use in source and binary forms"),
    ("Unlicense", "This is free and unencumbered software"),
)


class NoLicence(Exception):
    """A module is linked that says nothing about how it may be used."""


def gather(listed: str, folder: Path) -> list[dict[str, str]]:
    """Copy the texts of the modules that ``go list`` named and return what they are.

    Raises:
        NoLicence: a module has none, so the programs may not be given away.

    """
    found = []
    for line in sorted(set(listed.splitlines())):
        path, version, source = line.split("\t")
        if not version:
            continue  # the module at hand: the licence of this repository
        texts = _find_texts(Path(source))
        kinds = {kind for text in texts if (kind := classify(text.read_text(errors="replace")))}
        if not kinds:
            raise NoLicence(f"{path} {version}")
        target = folder / f"{path}@{version}"
        target.mkdir(parents=True, exist_ok=True)
        for text in texts:
            shutil.copyfile(text, target / text.name)
        found.append({"module": path, "version": version, "licence": " AND ".join(sorted(kinds))})
    return found


def classify(text: str) -> str | None:
    """Return the SPDX name of a licence text."""
    flat = " ".join(text.split()).lower()
    return next((kind for kind, mark in _MARKS if mark.lower() in flat), None)


def _find_texts(folder: Path) -> list[Path]:
    return [
        path
        for path in sorted(folder.iterdir())
        if path.is_file() and path.name.upper().startswith(_NAMES)
    ]
