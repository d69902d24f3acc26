"""The set-up: which Python it takes, when it starts at once, what it says when a step fails."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import stat
import subprocess
import sys
import tomllib
from pathlib import Path
from types import ModuleType

import pytest

import bootstrap

ROOT = Path(bootstrap.__file__).resolve().parent


def load_lock_module() -> ModuleType:
    """The module requirements/lock.py, which belongs to no package."""
    spec = importlib.util.spec_from_file_location("lock", ROOT / "requirements" / "lock.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


lock = load_lock_module()


def fake_python(
    path: Path, version: tuple[int, int, int], lacks: tuple[str, ...] = (), fails: bool = False
) -> str:
    """A program that answers the probe like a Python of this version."""
    answer = {
        "version": version,
        "release": True,
        "cpython": True,
        "gil": True,
        "bits": 64,
        "lacks": lacks,
        "path": str(path),
        "platform": "linux-x86_64",
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{'exit 127' if fails else ''}\ncat <<'E'\n{json.dumps(answer)}\nE\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that bootstrap takes for the checkout, with what its stamp depends on."""
    shutil.copytree(ROOT / "requirements", tmp_path / "requirements")
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    monkeypatch.setattr(bootstrap, "ROOT", tmp_path)
    return tmp_path


def ready_environment(folder: Path, **stamp: str) -> bootstrap.Environment:
    """An environment that looks complete, without the cost of making one."""
    environment = bootstrap.Environment(folder)
    environment.programs.mkdir(parents=True)
    for program in ("python", "qyzyljar"):
        environment.program(program).symlink_to(sys.executable)
    environment.write_stamp({**bootstrap.wanted_stamp(), "set": "runtime", "interpreter": "/opt/py", **stamp})
    return environment


class TestPython:
    def test_newest_suitable_is_first(self, tmp_path: Path) -> None:
        paths = [fake_python(tmp_path / f"python3.{minor}", (3, minor, 2)) for minor in (11, 14, 9, 12)]
        found = bootstrap.suitable(paths)
        assert [interpreter.minor for interpreter in found] == ["3.14", "3.12", "3.11"]

    def test_newer_than_the_locked_wheels_is_passed_over(self, tmp_path: Path) -> None:
        paths = [fake_python(tmp_path / f"python3.{minor}", (3, minor, 0)) for minor in (11, 99)]
        assert [interpreter.minor for interpreter in bootstrap.suitable(paths)] == ["3.11"]

    def test_one_that_does_not_run_or_lacks_venv_gives_way(self, tmp_path: Path) -> None:
        paths = [
            fake_python(tmp_path / "shim", (3, 13, 0), fails=True),
            fake_python(tmp_path / "bare", (3, 12, 0), lacks=("ensurepip",)),
            fake_python(tmp_path / "whole", (3, 11, 0)),
        ]
        assert [interpreter.path for interpreter in bootstrap.suitable(paths)] == [paths[2]]

    def test_message_names_the_debian_package_of_what_is_missing(self, tmp_path: Path) -> None:
        path = fake_python(tmp_path / "python3", (3, 11, 2), lacks=("venv", "ensurepip"))
        with pytest.raises(bootstrap.SetupError) as caught:
            bootstrap.suitable([path])
        message = str(caught.value)
        assert "is Python 3.11.2 without the module venv and ensurepip" in message
        assert "apt install python3-venv python3.11-venv" in message

    def test_message_for_a_computer_with_old_pythons_only(self, tmp_path: Path) -> None:
        paths = [
            fake_python(tmp_path / "python3", (3, 9, 2)),
            fake_python(tmp_path / "python", (2, 7, 18), fails=True),
        ]
        with pytest.raises(bootstrap.SetupError) as caught:
            bootstrap.suitable(paths)
        message = str(caught.value)
        assert "is Python 3.9.2; the locked requirements are for 3.11 to" in message
        assert "does not run as a Python 3" in message
        assert "apt install python3" in message

    def test_bundle_restricts_the_choice(self, tmp_path: Path) -> None:
        paths = [fake_python(tmp_path / f"python3.{minor}", (3, minor, 0)) for minor in (11, 12)]
        assert bootstrap.suitable(paths, ["3.11-linux-x86_64"])[0].minor == "3.11"
        with pytest.raises(
            bootstrap.SetupError, match=r"Python that the bundle serves \(3\.13-linux-x86_64\)"
        ):
            bootstrap.suitable(paths, ["3.13-linux-x86_64"])

    def test_candidates_come_from_path_pyenv_and_uv(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        on_path = fake_python(tmp_path / "path" / "python3.12", (3, 12, 0))
        pyenv = fake_python(tmp_path / "pyenv" / "versions" / "3.13.0" / "bin" / "python3", (3, 13, 0))
        uv = fake_python(tmp_path / "uv" / "cpython-3.14" / "bin" / "python3", (3, 14, 0))
        monkeypatch.setenv("PATH", str(tmp_path / "path"))
        monkeypatch.setenv("PYENV_ROOT", str(tmp_path / "pyenv"))
        monkeypatch.setenv("UV_PYTHON_INSTALL_DIR", str(tmp_path / "uv"))
        assert {on_path, pyenv, uv} <= set(bootstrap.candidates())

    def test_real_interpreter_of_an_environment_is_its_base(self) -> None:
        found = bootstrap.examine(sys.executable)
        assert isinstance(found, bootstrap.Interpreter)
        assert found.version == sys.version_info[:3]
        assert not Path(found.path).is_relative_to(Path(sys.prefix)) or sys.prefix == sys.base_prefix

    def test_venv_that_fails_gives_way_to_the_next_python(self, tmp_path: Path) -> None:
        broken = bootstrap.Interpreter(fake_python(tmp_path / "a", (3, 13, 0), fails=True), (3, 13, 0), "x")
        works = bootstrap.Interpreter(fake_python(tmp_path / "b", (3, 12, 0)), (3, 12, 0), "x")
        assert bootstrap.create(tmp_path / "env", [broken, works]) == works
        with pytest.raises(bootstrap.SetupError, match="cannot make a virtual environment"):
            bootstrap.create(tmp_path / "env", [broken])


class TestStamp:
    def test_complete_environment_starts_at_once(
        self, checkout: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        environment = ready_environment(checkout / ".venv")
        monkeypatch.setattr(bootstrap, "install", None)
        bootstrap.complete(environment, development=False)

    def test_what_makes_an_environment_incomplete(self, checkout: Path) -> None:
        environment = ready_environment(checkout / ".venv")
        stamp = environment.stamp()
        assert bootstrap.is_ready(stamp, False, None)
        assert bootstrap.is_ready(stamp, False, "/opt/py")
        assert not bootstrap.is_ready(stamp, True, None), "the development set is missing"
        assert not bootstrap.is_ready(stamp, False, "/opt/other"), "another Python was asked for"
        assert not bootstrap.is_ready({}, False, None), "an interrupted set-up leaves no stamp"
        assert not bootstrap.is_ready({**stamp, "folder": "/elsewhere"}, False, None), (
            "the checkout was moved"
        )
        with (checkout / "requirements" / "runtime.txt").open("a") as file:
            file.write("\n")
        assert not bootstrap.is_ready(stamp, False, None), "the requirements changed"

    def test_damaged_environment_has_no_stamp(self, checkout: Path) -> None:
        environment = ready_environment(checkout / ".venv")
        environment.python.unlink()
        environment.python.symlink_to("/nowhere/python")
        assert environment.stamp() == {}

    def test_interrupted_set_up_is_made_anew(self, checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        environment = ready_environment(checkout / ".venv")
        (environment.folder / bootstrap.STAMP).unlink()
        (environment.folder / "half").touch()
        python = bootstrap.Interpreter(sys.executable, sys.version_info[:3], "x")
        monkeypatch.setattr(bootstrap, "suitable", lambda *_: [python])
        monkeypatch.setattr(bootstrap, "create", lambda folder, _: folder.mkdir() or python)
        monkeypatch.setattr(bootstrap, "install", lambda *_: None)
        bootstrap.complete(environment, development=False)
        assert not (environment.folder / "half").exists()
        assert not list(checkout.glob(".venv.discarded*"))
        assert json.loads((environment.folder / bootstrap.STAMP).read_text())["set"] == "runtime"

    def test_failed_download_leaves_a_working_environment_as_it_is(
        self, checkout: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        environment = ready_environment(checkout / ".venv")

        def no_network(*_: object) -> None:
            assert environment.stamp() == {}, "a kill from here on must not leave a stamp"
            raise bootstrap.SetupError("no network", changed=False)

        monkeypatch.setattr(bootstrap, "has_pip", lambda _: True)
        monkeypatch.setattr(bootstrap, "install", no_network)
        with pytest.raises(bootstrap.SetupError):
            bootstrap.complete(environment, development=True)
        bootstrap.complete(environment, development=False)

    def test_second_set_up_waits_for_the_first(self, checkout: Path) -> None:
        waiting = (
            "import bootstrap, pathlib\n"
            f"bootstrap.ROOT = pathlib.Path({str(checkout)!r})\n"
            "with bootstrap.Turn(): print('in')"
        )
        with bootstrap.Turn():
            other = subprocess.Popen(
                [sys.executable, "-c", waiting],
                cwd=ROOT,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            assert other.stderr is not None
            assert "another set-up is running" in other.stderr.readline()
            assert other.poll() is None
        assert other.communicate(timeout=20)[0] == "in\n"


class TestMessages:
    @pytest.mark.parametrize(
        ("printed", "what", "next_step"),
        [
            (
                "ERROR: Could not install packages: [Errno 28] No space left on device",
                "disk is full",
                "Free about",
            ),
            ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM", "its hash differs", "cache purge"),
            (
                "NewConnectionError(...)\nERROR: No matching distribution found for x",
                "cannot be reached",
                "bundle DIR",
            ),
            (
                "ERROR: No matching distribution found for numba==0.1",
                "no wheel for this Python",
                "--python PATH",
            ),
            ("ERROR: [Errno 13] Permission denied: '/x'", "could not be written", "Check that you may write"),
            ("something nobody foresaw", "last lines above", "delete the folder .venv"),
        ],
    )
    def test_pip_failure_is_explained(self, printed: str, what: str, next_step: str) -> None:
        message = bootstrap.explain(printed)
        assert what in message.splitlines()[0]
        assert next_step in message.partition("\n")[2]

    @pytest.mark.parametrize(
        ("arguments", "expected"),
        [
            (["--form", "x", "forecast"], "unknown option --form before the command"),
            (["--from"], "--from needs a value"),
            (["--from", "/nowhere", "forecast"], "holds no complete bundle"),
            (["--python", "/nowhere/python", "forecast"], "no such program"),
            (["bundle"], "bundle needs one folder"),
        ],
    )
    def test_wrong_command_line_ends_with_exit_code_1(
        self, arguments: list[str], expected: str, checkout: Path
    ) -> None:
        shutil.copy(ROOT / "bootstrap.py", checkout)
        done = subprocess.run(
            [sys.executable, "bootstrap.py", *arguments],
            cwd=checkout,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 1
        assert expected in done.stderr
        assert "Traceback" not in done.stderr
        assert not (checkout / ".venv").exists()

    def test_help_without_command(self) -> None:
        done = subprocess.run(
            [sys.executable, "bootstrap.py"], cwd=ROOT, capture_output=True, text=True, check=True
        )
        assert "forecast" in done.stdout
        assert "bundle DIR" in done.stdout

    def test_command_keeps_its_own_options(self) -> None:
        assert bootstrap.parse(["--version"]).command == "--version"
        request = bootstrap.parse(["--from=/b", "forecast", "--runs", "2", "--help"])
        assert request == ("forecast", ["--runs", "2", "--help"], Path("/b"), None)

    def test_bundle_of_another_version_is_refused(self, checkout: Path) -> None:
        manifest = {"requirements": "0" * 64, "wheels_for": ["3.11-linux-x86_64"]}
        (checkout / bootstrap.BUNDLE_MANIFEST).write_text(json.dumps(manifest))
        with pytest.raises(bootstrap.SetupError, match="made for another version"):
            bootstrap.bundle_tags(checkout)


class TestRequirements:
    @pytest.mark.parametrize("name", ["runtime.txt", "dev.txt"])
    def test_every_requirement_is_hashed_and_no_host_is_named(self, name: str) -> None:
        text = (ROOT / "requirements" / name).read_text(encoding="utf-8")
        blocks = lock.blocks(text)
        assert blocks
        for pin, block in blocks.items():
            assert re.match(r"[a-z0-9-]+==[0-9][^ ]*( ; .+)?$", pin)
            assert "--hash=sha256:" in block
        assert "://" not in text
        assert "index" not in text

    def test_constraints_of_uv_are_in_step(self) -> None:
        pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
        texts = [
            (ROOT / "requirements" / name).read_text(encoding="utf-8") for name in ("runtime.txt", "dev.txt")
        ]
        pins = {pin for text in texts for pin in lock.pins(text) if not pin.startswith("-r ")}
        settings = pyproject["tool"]["uv"]
        assert set(settings["constraint-dependencies"]) == pins, "run python requirements/lock.py"
        assert set(settings["build-constraint-dependencies"]) <= pins

    def test_every_declared_dependency_is_locked(self) -> None:
        pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
        declared = pyproject["project"]["dependencies"] + pyproject["dependency-groups"]["build"]
        runtime = lock.pins((ROOT / "requirements" / "runtime.txt").read_text(encoding="utf-8"))
        names = {pin.partition("==")[0] for pin in runtime}
        assert {re.split(r"[^A-Za-z0-9-]", entry)[0].lower() for entry in declared} <= names

    def test_locked_for_the_oldest_declared_python(self) -> None:
        minors = bootstrap.supported_minors()
        assert minors[0] == "3.11"
        assert f"{sys.version_info[0]}.{sys.version_info[1]}" in minors

    @pytest.mark.parametrize(
        ("wheel", "minor", "expected"),
        [
            ("rich-15.0.0-py3-none-any.whl", 14, True),
            ("numpy-2.5.5-cp312-cp312-manylinux_2_28_x86_64.whl", 12, True),
            ("numpy-2.5.5-cp312-cp312-manylinux_2_28_x86_64.whl", 13, False),
            ("numpy-2.5.5-cp314-cp314t-manylinux_2_28_x86_64.whl", 14, False),
            ("ast-1.0-cp39-abi3-win_amd64.whl", 12, True),
            ("six-1.0-py2.py3-none-any.whl", 11, True),
        ],
    )
    def test_wheel_names_are_understood(self, wheel: str, minor: int, expected: bool) -> None:
        assert lock.usable(wheel, minor) is expected


def clean_clone(folder: Path) -> Path:
    """A copy of what is under version control, without environments or results."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    return folder


def run_clean(clone: Path, *arguments: str, prefix: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    """Runs bootstrap.py with nothing in the environment but HOME and the system's PATH."""
    return subprocess.run(
        [
            *prefix,
            "env",
            "-i",
            f"HOME={Path.home()}",
            "PATH=/usr/bin:/bin",
            "python3",
            "bootstrap.py",
            *arguments,
        ],
        cwd=clone,
        capture_output=True,
        text=True,
        check=False,
    )


def without_network() -> tuple[str, ...]:
    """The command prefix that cuts the network off."""
    prefix = ("unshare", "--net") if os.geteuid() == 0 else ("unshare", "--user", "--map-root-user", "--net")
    if shutil.which("unshare") is None or subprocess.call([*prefix, "true"], stderr=subprocess.DEVNULL):
        pytest.skip("the network cannot be cut off here (no unshare)")
    return prefix


@pytest.mark.slow
@pytest.mark.timeout(900)
class TestCleanEnvironment:
    def test_one_command_sets_up_and_runs_and_again_at_once(self, tmp_path: Path) -> None:
        clone = clean_clone(tmp_path)
        first = run_clean(clone, "forecast", "--help")
        assert first.returncode == 0, first.stderr
        assert "installing the project: done" in first.stderr
        second = run_clean(clone, "forecast", "--no-such-option")
        assert second.returncode == 2, second.stderr
        assert "installing" not in second.stderr

    def test_without_network(self, tmp_path: Path) -> None:
        prefix = without_network()
        clone, bundle = clean_clone(tmp_path / "clone"), tmp_path / "bundle"
        refused = run_clean(clone, "forecast", "--help", prefix=prefix)
        assert refused.returncode == 1
        assert "the package registry cannot be reached" in refused.stderr
        assert "bootstrap.py bundle DIR" in refused.stderr
        made = run_clean(clone, "bundle", str(bundle))
        assert made.returncode == 0, made.stderr
        run = run_clean(clone, "--from", str(bundle), "forecast", "--help", prefix=prefix)
        assert run.returncode == 0, run.stderr
        tests = run_clean(clone, "test", "tests/test_bootstrap.py", "-k", "TestStamp", prefix=prefix)
        assert tests.returncode == 0, tests.stdout + tests.stderr
        assert " passed" in tests.stdout

    def test_uv_takes_the_same_versions(self, tmp_path: Path) -> None:
        if shutil.which("uv") is None:
            pytest.skip("uv is not installed")
        clone = clean_clone(tmp_path)
        code = "import importlib.metadata as m; print(*(f'{d.name}=={d.version}' for d in m.distributions()))"
        done = subprocess.run(
            ["uv", "run", "python", "-c", code], cwd=clone, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        texts = [
            (ROOT / "requirements" / name).read_text(encoding="utf-8") for name in ("runtime.txt", "dev.txt")
        ]
        locked = {pin.partition(" ")[0] for text in texts for pin in lock.pins(text)}
        installed = {re.sub(r"[-_.]+", "-", name).lower() for name in done.stdout.split()}
        normal = {re.sub(r"[-_.]+", "-", name).lower() for name in locked}
        assert "numpy" in {name.partition("==")[0] for name in installed}
        assert {name for name in installed if not name.startswith("qyzyljar")} <= normal
