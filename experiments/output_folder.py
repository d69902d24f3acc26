"""Where a command is to write: refused before anything is done if nothing can be written there."""

from __future__ import annotations

import os
from pathlib import Path

from experiments.failures import BadInput


def check_writable(folder: Path) -> bool:
    """Whether the folder exists already; the nearest existing one above it must take it otherwise.

    Raises:
        BadInput: a file in the way, or no right to write.
    """
    nearest = folder
    while not nearest.exists():
        nearest = nearest.parent
    if not nearest.is_dir():
        raise BadInput(f"--out {folder}: {nearest} is a file, expected a folder or a name for a new one")
    if not os.access(nearest, os.W_OK | os.X_OK):
        raise BadInput(f"--out {folder}: no permission to write in {nearest.resolve()}")
    return nearest is folder
