"""Gathers the licence texts of every module that is linked into the programs."""

import shutil
import subprocess
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
    ("CC0-1.0", "CC0 1.0 Universal"),
    ("Unlicense", "This is free and unencumbered software"),
)


# What a static program takes from Debian: package, library, licence.
_LIBRARIES = (
    ("libseccomp-dev", "libseccomp", "LGPL-2.1-only"),
    ("libc6-dev", "glibc", "LGPL-2.1-or-later"),
)


class NoLicence(Exception):
    """A module is linked that says nothing about how it may be used."""


def gather(listed: str, folder: Path) -> list[dict[str, str]]:
    """Copy the texts of the modules that ``go list`` named and return what they are.

    Raises:
        NoLicence: a module has none, so the programs may not be given away.

    """
    folder.mkdir(parents=True, exist_ok=True)
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


def gather_libraries(folder: Path) -> list[dict[str, str]]:
    """Copy the texts of the C libraries that are linked in, as Debian keeps them.

    Raises:
        NoLicence: this is no Debian, or the library is not from it.

    """
    found = []
    for package, library, licence in _LIBRARIES:
        text = Path("/usr/share/doc") / package / "copyright"
        if not text.is_file():
            raise NoLicence(f"{library}: {text} is not there")
        target = folder / library
        target.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(text, target / text.name)
        found.append({"module": library, "version": _get_version(package), "licence": licence})
    return found


def _get_version(package: str) -> str:
    query = ["dpkg-query", "--show", "--showformat=${Version}", package]
    return subprocess.run(query, capture_output=True, text=True, check=True).stdout


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
