"""The twin's door to numba: like `model.compiled`, in a cache that also knows the twin's own sources.

Numba does not notice an edited helper in another file. The model's cache folder is named by the model's
sources; the twin's kernels lie below it in a folder named by the twin's.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numba

from model.compiled import CACHE_FOLDER

SOURCE_FOLDER = Path(__file__).resolve().parent
SOURCES = "cohort_*.py"  # those that import this module hold kernels

Function = TypeVar("Function", bound=Callable[..., Any])


def twin_digest(folder: Path = SOURCE_FOLDER) -> str:
    """Hash of the twin's sources that hold kernels (16 hexadecimal digits)."""
    digest = hashlib.sha256()
    for path in sorted(folder.glob(SOURCES)):
        source = path.read_bytes()
        if b"cohort_compiled" in source:
            digest.update(path.name.encode())
            digest.update(source)
    return digest.hexdigest()[:16]


TWIN_CACHE = CACHE_FOLDER / f"cohort-{twin_digest()}"


def cohort_kernel(function: Function) -> Function:
    """Compile a kernel of the twin that allocates no array, as `model.compiled.lean_kernel`.

    Counting references to the two hundred arrays of a run at every call would take longer than the year.
    """
    return _compile(function, counts_references=False)


def outer_kernel(function: Function) -> Function:
    """Compile a kernel of the twin that calls kernels of the model which allocate arrays."""
    return _compile(function, counts_references=True)


def _compile(function: Function, counts_references: bool) -> Function:
    config: Any = numba.core.config
    compile_it: Any = numba.njit
    usual = config.CACHE_DIR
    config.CACHE_DIR = str(TWIN_CACHE)  # read when the decorated function is made
    try:
        compiled: Function = compile_it(
            nogil=True, cache=True, fastmath=False, error_model="numpy", _nrt=counts_references
        )(function)
    finally:
        config.CACHE_DIR = usual
    return compiled
