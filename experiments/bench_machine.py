"""Where and with what a measurement was taken: machine, date, versions, commit."""

from __future__ import annotations

import os
import platform
import subprocess
from importlib import metadata
from pathlib import Path
from typing import Any

from experiments.manifest import now

PROJECT = Path(__file__).resolve().parent.parent
PACKAGES = ("qyzyljar", "mesa", "numpy", "numba", "scipy")


def in_checkout() -> bool:
    """Whether this package lies in a checkout of the project, tests and all, not in an installation."""
    return (PROJECT / "pyproject.toml").is_file() and (PROJECT / "tests").is_dir()


def provenance() -> dict[str, Any]:
    """What has to stand beside every measured figure; unknown parts are None."""
    from model.compiled import source_digest

    return {
        "date": now(),
        "machine": {
            "processor": processor(),
            "architecture": platform.machine(),
            "cores": os.cpu_count(),
            "memory_gb": _memory_gb(),
            "system": platform.system(),
        },
        "versions": {"python": platform.python_version(), **{name: _version(name) for name in PACKAGES}},
        "commit": commit(),
        "model_source": source_digest(),
    }


def describe(facts: dict[str, Any]) -> str:
    """`provenance` in one line."""
    machine, versions = facts["machine"], facts["versions"]
    memory = f", {machine['memory_gb']:.0f} GB" if machine["memory_gb"] else ""
    return (
        f"{facts['date'][:10]}, {machine['processor']}, {machine['cores']} cores{memory}, {machine['system']}; "
        f"Python {versions['python']}, numba {versions['numba']}, Mesa {versions['mesa']}; "
        f"commit {facts['commit'] or 'unknown'}"
    )


def processor() -> str:
    """Name of the processor as the system gives it."""
    try:
        with open("/proc/cpuinfo", encoding="ascii", errors="ignore") as lines:
            found = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    except OSError:
        found = []
    return found[0] if found else platform.processor() or platform.machine()


def commit() -> str | None:
    """Commit of the checkout with a `+` where files differ from it; None outside a checkout or without git."""
    if not in_checkout():
        return None
    try:
        head = _git("rev-parse", "--short=12", "HEAD")
        changed = _git("status", "--porcelain", "--untracked-files=no")
    except (OSError, subprocess.CalledProcessError):
        return None
    return head + ("+" if changed else "")


def _git(*arguments: str) -> str:
    done = subprocess.run(
        ["git", "-C", str(PROJECT), *arguments], capture_output=True, text=True, check=True, timeout=30
    )
    return done.stdout.strip()


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _memory_gb() -> float | None:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    except (AttributeError, OSError, ValueError):  # no such question on Windows
        return None
