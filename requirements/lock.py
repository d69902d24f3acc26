"""Writes the locked requirements: `python requirements/lock.py [--upgrade]`, with uv on the PATH.

Without `--upgrade` the present versions are kept and only what pyproject.toml newly asks for is added;
with it every package moves to its newest release that Python 3.11 and newer can use.

Written are `runtime.txt` and `dev.txt` beside this file (versions with hashes, for pip) and the two lists of
constraints in pyproject.toml (the same versions, for uv). A `uv.lock` is not kept: it names hosts.
"""

from __future__ import annotations

import argparse
import operator
import re
import shutil
import subprocess
import tempfile
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parent
PYPROJECT = FOLDER.parent / "pyproject.toml"
OLDEST_MINOR, NEWEST_MINOR = 11, 20

HEADER = """\
# {subject}: exact versions with hashes, one file for all systems.
# Written by `python requirements/lock.py` (with --upgrade: moves every package to its newest release).
# wheels for Python: {pythons}
"""


def pins(requirements: str) -> list[str]:
    """The requirements of a hashed requirements file without their hashes, e.g. `mesa==3.3.1 ; marker`."""
    lines = (line.removesuffix("\\").strip() for line in requirements.splitlines())
    return [line for line in lines if re.match(r"[A-Za-z0-9]", line)]


def blocks(requirements: str) -> dict[str, str]:
    """Splits an exported file into one block a requirement (its line, hashes and `via` notes), by its pin."""
    parts = re.split(r"^(?=[A-Za-z0-9])", requirements, flags=re.MULTILINE)
    return {pins(part)[0]: part for part in parts if pins(part)}


def with_constraints(pyproject: str, key: str, requirements: Iterable[str]) -> str:
    """The text of pyproject.toml with the list `key` of `[tool.uv]` replaced by the given requirements."""
    entries = "".join(f'    "{requirement}",\n' for requirement in requirements)
    replacement = f"{key} = [\n{entries}]\n" if entries else f"{key} = []\n"
    pattern = re.compile(rf"^{key} = \[.*?\]\n", re.MULTILINE | re.DOTALL)
    text, count = pattern.subn(lambda _: replacement, pyproject)
    if count != 1:
        raise ValueError(f"pyproject.toml: expected one list `{key}` under [tool.uv], found {count}")
    return text


def usable(wheel: str, minor: int) -> bool:
    """Whether a wheel's file name says that it runs on CPython 3.`minor`."""
    python, abi, _ = wheel.removesuffix(".whl").split("-")[-3:]
    if abi == "none":
        return bool({"py3", f"py3{minor}", f"cp3{minor}"} & set(python.split(".")))
    since = re.fullmatch(r"cp3(\d+)", python)
    if abi == "abi3":
        return since is not None and int(since[1]) <= minor
    return abi == f"cp3{minor}"


def applies(marker: str, minor: int) -> bool:
    """Whether a `python_full_version` marker of uv.lock's forks admits Python 3.`minor`."""
    signs = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge, "==": operator.eq}
    found = re.findall(r"python_full_version (<=|>=|==|<|>) '3\.(\d+)(?:\.\*)?'", marker)
    return all(signs[sign](minor, int(other)) for sign, other in found)


def minors_with_wheels(lock: Mapping[str, Any]) -> list[int]:
    """The minors of Python 3 for which every locked package (of a uv.lock) has a wheel."""

    def has_wheel(package: Mapping[str, Any], minor: int) -> bool:
        if "registry" not in package["source"]:
            return True
        forks = package.get("resolution-markers", [""])
        if not any(applies(marker, minor) for marker in forks):
            return True
        names = (wheel["url"].rsplit("/", 1)[-1] for wheel in package.get("wheels", []))
        return any(usable(name, minor) for name in names)

    candidates = range(OLDEST_MINOR, NEWEST_MINOR + 1)
    return [minor for minor in candidates if all(has_wheel(package, minor) for package in lock["package"])]


def export(uv: str, folder: Path, *groups: str) -> str:
    """The project's locked requirements, with those of the named dependency groups, as uv exports them."""
    command = [uv, "export", "--quiet", "--frozen", "--no-emit-project", "--no-header", "--no-default-groups"]
    command += [option for group in groups for option in ("--group", group)]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout


def main() -> None:
    """Locks in a temporary folder and rewrites the requirements and the constraints."""
    parser = argparse.ArgumentParser(description="Write the locked requirements.")
    parser.add_argument("--upgrade", action="store_true", help="move every package to its newest release")
    upgrade = parser.parse_args().upgrade
    uv = shutil.which("uv")
    if uv is None:
        parser.exit(1, "uv is needed to lock the requirements: python3 -m pip install uv\n")

    pyproject = PYPROJECT.read_text(encoding="utf-8")
    if upgrade:
        pyproject = with_constraints(pyproject, "constraint-dependencies", [])
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "pyproject.toml").write_text(pyproject, encoding="utf-8")
        subprocess.run([uv, "lock", "--quiet"], cwd=folder, check=True)
        lock = tomllib.loads((folder / "uv.lock").read_text(encoding="utf-8"))
        runtime = blocks(export(uv, folder, "build"))
        everything = blocks(export(uv, folder, "build", "dev"))

    pythons = " ".join(f"3.{minor}" for minor in minors_with_wheels(lock))
    header = HEADER.format(subject="What Qyzyljar needs to run and to be installed", pythons=pythons)
    (FOLDER / "runtime.txt").write_text(header + "".join(runtime.values()), encoding="utf-8")
    extra = [block for pin, block in everything.items() if pin not in runtime]
    header = HEADER.format(subject="What developers and the tests need besides", pythons=pythons)
    (FOLDER / "dev.txt").write_text(header + "-r runtime.txt\n" + "".join(extra), encoding="utf-8")

    build = [pin for pin in runtime if pin.startswith("setuptools==")]
    pyproject = with_constraints(pyproject, "build-constraint-dependencies", build)
    pyproject = with_constraints(pyproject, "constraint-dependencies", everything)
    PYPROJECT.write_text(pyproject, encoding="utf-8")
    print(f"{len(runtime)} requirements to run, {len(extra)} more to develop; wheels for Python {pythons}")


if __name__ == "__main__":
    main()
