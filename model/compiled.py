"""The one door to numba: where compiled kernels are cached, and the decorator every kernel carries.

Numba's disk cache does not notice an edited helper that lives in another file, and then silently serves
the old science. So the cache folder is named by a hash of every source file of this package, the numba
version and the processor: any edit starts from an empty folder.
"""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import tempfile
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any, TypeVar

SOURCE_FOLDER = Path(__file__).resolve().parent
KEPT_CACHES = 12  # older source states are pruned: one state is about 20 MB

Function = TypeVar("Function", bound=Callable[..., Any])


def source_digest(folder: Path = SOURCE_FOLDER) -> str:
    """Hash of all model sources, the numba version and the processor (16 hexadecimal digits)."""
    digest = hashlib.sha256()
    for path in sorted(folder.glob("*.py")):
        digest.update(path.name.encode())
        digest.update(path.read_bytes())
    processor = platform.machine()
    try:
        with open("/proc/cpuinfo", encoding="ascii", errors="ignore") as lines:
            processor += next((line for line in lines if line.startswith("model name")), "")
    except OSError:
        processor += platform.processor()
    for part in (metadata.version("numba"), platform.python_version(), processor):
        digest.update(part.encode())
    return digest.hexdigest()[:16]


def cache_folder() -> Path:
    """Writable folder for this source state: `$QYZYLJAR_CACHE`, else the user's cache, else a temporary one."""
    chosen = os.environ.get("QYZYLJAR_CACHE")
    home = (
        Path(chosen)
        if chosen
        else Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "qyzyljar"
    )
    folder = home / "kernels" / source_digest()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / f".probe-{os.getpid()}"
        probe.touch()
        probe.unlink()
    except OSError:
        folder = Path(tempfile.gettempdir()) / f"qyzyljar-kernels-{source_digest()}"
        folder.mkdir(parents=True, exist_ok=True)
    return folder


def _prune(folder: Path) -> None:
    """Drop the kernels of long-gone source states, never the current one."""
    try:
        states = sorted((p for p in folder.parent.iterdir() if p.is_dir()), key=lambda p: p.stat().st_mtime)
        for old in states[:-KEPT_CACHES]:
            if old != folder:
                shutil.rmtree(old, ignore_errors=True)
    except OSError:
        return  # another process prunes at the same time


CACHE_FOLDER = cache_folder()
KERNELS_ARE_CACHED = any(CACHE_FOLDER.rglob("*.nbi"))
if not KERNELS_ARE_CACHED:
    _prune(CACHE_FOLDER)
os.environ["NUMBA_CACHE_DIR"] = str(CACHE_FOLDER)

import numba  # noqa: E402  (the cache folder has to be named before numba is imported)


def kernel(function: Function) -> Function:
    """Compile a function of the year: releases the interpreter lock, cached on disk, strict IEEE arithmetic."""
    compile_it: Any = numba.njit(nogil=True, cache=True, fastmath=False, error_model="numpy")
    compiled: Function = compile_it(function)
    return compiled


def lean_kernel(function: Function) -> Function:
    """Compile a function of the year that allocates no array (numba refuses it if it does).

    It counts no references: in an ordinary kernel every array of every argument is counted up and down,
    atomically, at every call, which took a fifth of a year; and a call from Python hands on bare pointers.
    """
    compile_it: Any = numba.njit
    compiled: Function = compile_it(nogil=True, cache=True, fastmath=False, error_model="numpy", _nrt=False)(
        function
    )
    return compiled
