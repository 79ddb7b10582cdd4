"""Folders deeper than paths and calls can be."""

import os
from pathlib import Path

DEEP = 3000
"""More than Python calls itself, and than fits a path."""


def nest(top: Path) -> None:
    top.mkdir()
    folder = os.open(top, os.O_RDONLY)
    for _ in range(DEEP):
        os.mkdir("d", dir_fd=folder)
        below = os.open("d", os.O_RDONLY, dir_fd=folder)
        os.close(folder)
        folder = below
    os.close(os.open("file", os.O_CREAT, dir_fd=folder))
    os.close(folder)
