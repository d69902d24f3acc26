"""Sets Qyzyljar up when needed and runs one of its commands, with nothing but the standard library.

Kept to the syntax of Python 3.6 (quoted type hints): it starts under whatever `python3` a computer has,
looks for the newest Python that the locked requirements support, and hands over to that one in `.venv`.
One file, longer than others here: it must run where nothing of the project can be imported yet.
"""

import contextlib
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

HELP = """\
usage: python3 bootstrap.py [--from DIR] [--python PATH] COMMAND [ARGUMENTS]

Every command first sets up what is missing in .venv; afterwards it starts at once.

  forecast ...           forecast the settlements; `forecast --help` lists its options
  bench ...              any other command of qyzyljar likewise; `qyzyljar --help` lists them
  qyzyljar --help        the commands of qyzyljar
  test [ARGUMENTS]       run the tests except the slow ones (arguments go to pytest: -k NAME, paths, ...)
       --all             the slow ones too
       --interpreters    first the Mesa contract tests on the oldest and the newest Python found
  check                  ruff and mypy over the project
  bundle DIR             collect in DIR all that a set-up without network needs (same system, same Python 3.x)

  --from DIR             set up from such a folder, without network
  --python PATH          use this Python instead of the newest suitable one

The first run after a set-up compiles the model, once on this computer: some minutes. It says so.
"""

ROOT = Path(__file__).resolve().parent
RUNTIME = Path("requirements", "runtime.txt")
DEVELOPMENT = Path("requirements", "dev.txt")
CONTRACT_TEST = "tests/test_mesa_contract.py"
STAMP = "bootstrap.json"
BUNDLE_MANIFEST = "bundle.json"
# Settings of the caller that would make another Python or pip work outside the new environment
UNWANTED_SETTINGS = ("PYTHONHOME", "PYTHONPATH", "PIP_TARGET", "PIP_PREFIX", "PIP_USER")
PIP_OPTIONS = ("--disable-pip-version-check", "--no-input", "--retries=2")

PROBE = """
import json, os, platform, sys, sysconfig
def lacks(name):
    try:
        return getattr(__import__(name), "__file__", None) is None
    except ImportError:
        return True
print(json.dumps({
    "version": list(sys.version_info[:3]),
    "release": sys.version_info[3] == "final",
    "cpython": platform.python_implementation() == "CPython",
    "gil": not sysconfig.get_config_var("Py_GIL_DISABLED"),
    "bits": 64 if sys.maxsize > 2**32 else 32,
    "lacks": [name for name in ("venv", "ensurepip") if lacks(name)],
    "path": os.path.realpath(getattr(sys, "_base_executable", None) or sys.executable),
    "platform": sys.platform + "-" + platform.machine().lower(),
}))
"""

# What pip prints -> what failed, what to do next; the first that matches is told
EXPLANATIONS = (
    (
        r"No space left on device|Errno 28|not enough space",
        "the disk is full",
        "Free about 1 GB (also in the folder for temporary files) and run the command again.",
    ),
    (
        r"DO NOT MATCH THE HASHES|Hash mismatch",
        "a downloaded package is not the one that was locked (its hash differs)",
        "Run the command again; if it stays so, the download is damaged or altered on the way (a proxy?). "
        "Clear pip's cache (python3 -m pip cache purge) or set up from a bundle made elsewhere (--from DIR).",
    ),
    (
        r"NewConnectionError|NameResolutionError|ConnectionError|Temporary failure in name resolution"
        r"|ProxyError|Failed to establish a new connection|Network is unreachable|ConnectTimeout|timed out"
        r"|SSLError|Max retries exceeded|ConnectionResetError|IncompleteRead|Connection broken",
        "the package registry cannot be reached",
        "Check the network (and the proxy settings HTTPS_PROXY, PIP_CERT), then run the command again.\n"
        "Without network: run `python3 bootstrap.py bundle DIR` on a computer that has it, carry DIR here,\n"
        "then `python3 bootstrap.py --from DIR COMMAND`.",
    ),
    (
        r"Permission denied|Errno 13",
        "a file could not be written",
        "Check that you may write in this folder and that no other program holds its files open.",
    ),
    (
        r"No matching distribution found|Could not find a version",
        "a locked package has no wheel for this Python and this system",
        "Use another Python (--python PATH); a bundle must be made with the Python and on the kind of system "
        "on which it is used.",
    ),
)


class SetupError(Exception):
    """A step of the set-up failed; the text says what failed and what to do next.

    `changed` is false where the environment is as it was before the step.
    """

    def __init__(self, message: str, changed: bool = True) -> None:
        super().__init__(message)
        self.changed = changed


class Interpreter(NamedTuple):
    """A Python that can carry the project."""

    path: str
    version: "tuple[int, ...]"
    platform: str

    @property
    def minor(self) -> str:
        """The version as wheels count it, e.g. `3.12`."""
        return "{}.{}".format(*self.version)

    @property
    def tag(self) -> str:
        """Version and kind of system, as noted in a bundle, e.g. `3.12-linux-x86_64`."""
        return f"{self.minor}-{self.platform}"


class Request(NamedTuple):
    """What the command line asks for."""

    command: str
    arguments: "list[str]"
    bundle: "Path | None"
    python: "str | None"


def parse(arguments: "list[str]") -> Request:
    """Reads the command line; raises SetupError where it makes no sense."""
    rest = list(arguments)
    options = {"--from": "", "--python": ""}
    while rest and rest[0].startswith("--"):
        option, _, value = rest.pop(0).partition("=")
        if option == "--help":
            return Request("", [], None, None)
        if option == "--version":  # Qyzyljar's own
            rest = [option]
            break
        if option not in options:
            known = ", ".join(options)
            raise SetupError(f"unknown option {option} before the command (known: {known}, --help).")
        if not value and not rest:
            raise SetupError(f"{option} needs a value; see python3 bootstrap.py --help.")
        options[option] = value or rest.pop(0)
    command = rest.pop(0) if rest else ""
    bundle = Path(options["--from"]).resolve() if options["--from"] else None
    return Request("" if command in ("-h", "help") else command, rest, bundle, options["--python"] or None)


def say(text: str) -> None:
    """Prints a line about the set-up, apart from the command's own output."""
    print(f"bootstrap: {text}", file=sys.stderr, flush=True)


def cleaned_environment(offline: bool = False) -> "dict[str, str]":
    """The caller's environment variables without those that lead pip or Python elsewhere."""
    environment = {name: value for name, value in os.environ.items() if name not in UNWANTED_SETTINGS}
    if offline:
        environment["PIP_CONFIG_FILE"] = os.devnull
    return environment


# ---- finding a Python


def supported_minors() -> "list[str]":
    """The Pythons for which every locked requirement has a wheel, as noted at the head of runtime.txt."""
    head = (ROOT / RUNTIME).read_text(encoding="utf-8")[:1000]
    found = re.search(r"^# wheels for Python: (.+)$", head, re.MULTILINE)
    if found is None:
        raise SetupError(f"{RUNTIME}: no line `# wheels for Python:`; write it with requirements/lock.py.")
    return found.group(1).split()


def candidates() -> "list[str]":
    """Paths of what may be a Python: on the PATH, of pyenv, of uv, of the system."""
    home = Path.home()
    names = [f"python{minor}" for minor in reversed(supported_minors())] + ["python3", "python"]
    folders = [Path(folder) for folder in os.environ.get("PATH", "").split(os.pathsep) if folder]
    folders += [Path("/usr/local/bin"), Path("/usr/bin"), Path("/opt/homebrew/bin")]
    settings = os.environ.get
    roots = [
        (Path(settings("PYENV_ROOT", str(home / ".pyenv"))) / "versions", "*/bin/python3"),
        (Path(settings("UV_PYTHON_INSTALL_DIR", str(home / ".local/share/uv/python"))), "*/bin/python3"),
        (Path(settings("LOCALAPPDATA", str(home))) / "Programs" / "Python", "Python3*/python.exe"),
        (Path(settings("APPDATA", str(home))) / "uv" / "python", "*/python.exe"),
    ]
    suffix = ".exe" if os.name == "nt" else ""
    paths = [sys.executable] + [str(folder / (name + suffix)) for folder in folders for name in names]
    paths += [str(path) for root, pattern in roots for path in sorted(root.glob(pattern))]
    real = dict.fromkeys(os.path.realpath(path) for path in paths if path)
    return [path for path in real if os.path.isfile(path) and os.access(path, os.X_OK)]


def examine(path: str) -> "Interpreter | str":
    """Runs a candidate: the Interpreter it is, or the reason why it will not do."""
    try:
        done = subprocess.run(
            [path, "-I", "-c", PROBE],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            universal_newlines=True,
            timeout=30,
            check=True,
        )
        found = json.loads(done.stdout)
    except (OSError, subprocess.SubprocessError, ValueError):
        return "does not run as a Python 3"
    version = ".".join(str(part) for part in found["version"])
    minors = supported_minors()
    if version.rsplit(".", 1)[0] not in minors:
        return f"is Python {version}; the locked requirements are for {minors[0]} to {minors[-1]}"
    if not (found["release"] and found["cpython"] and found["gil"] and found["bits"] == 64):
        return f"is Python {version}, but not an ordinary 64-bit release of CPython"
    if found["lacks"]:
        return "is Python {} without the module {}".format(version, " and ".join(found["lacks"]))
    # By its full name, of a virtual environment the base: what is made from it notices when it is replaced
    return Interpreter(found["path"], tuple(found["version"]), found["platform"])


def advice(rejected: "list[tuple[str, str]]", tags: "list[str] | None" = None) -> str:
    """The message where no candidate will do; with `tags` for a bundle that serves only these."""
    minors = supported_minors()
    lines = [f"no suitable Python found ({minors[0]} to {minors[-1]}, 64 bit, with venv and ensurepip)."]
    lines += [f"  {path} {reason}" for path, reason in rejected]
    found = [re.search(r"Python (3\.\d+)\.\d+ without", reason) for _, reason in rejected]
    packages = " ".join(sorted({f"python{match.group(1)}-venv" for match in found if match}))
    if tags is not None:
        lines.append(
            f"Install a Python that the bundle serves ({', '.join(tags)}), or make the bundle again with one "
            "that this computer has: python3 bootstrap.py --python PATH bundle DIR"
        )
    elif packages:
        lines.append(f"Install the missing part, on Debian or Ubuntu: apt install python3-venv {packages}")
    else:
        lines.append(
            "Install one, on Debian 12 or Ubuntu 24.04 and newer: apt install python3 python3-venv; with uv: "
            "uv python install 3.13; or name one: python3 bootstrap.py --python PATH COMMAND"
        )
    return "\n".join(lines)


def suitable(paths: "list[str]", tags: "list[str] | None" = None) -> "list[Interpreter]":
    """The Pythons among the paths that will do, newest first; with `tags` only those a bundle serves.

    Raises SetupError with every candidate's reason when there is none.
    """
    interpreters = {}  # type: dict[str, Interpreter]
    rejected = []  # type: list[tuple[str, str]]
    for path in paths:
        found = examine(path)
        if isinstance(found, Interpreter) and tags is not None and found.tag not in tags:
            found = "is {}; the bundle holds the packages for {}".format(found.tag, ", ".join(tags))
        if isinstance(found, Interpreter):
            interpreters[found.path] = found
        else:
            rejected.append((path, found))
    if not interpreters:
        raise SetupError(advice(rejected, tags))
    return sorted(interpreters.values(), key=lambda interpreter: interpreter.version, reverse=True)


# ---- the environment


class Environment:
    """A virtual environment of the project; its stamp, written last, says that it is complete."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.programs = folder / ("Scripts" if os.name == "nt" else "bin")
        self.python = self.program("python")

    def program(self, name: str) -> Path:
        """The path of an installed program."""
        return self.programs / (name + (".exe" if os.name == "nt" else ""))

    def stamp(self) -> "dict[str, str]":
        """What the environment was last completed for; empty where it never was."""
        try:
            found = json.loads((self.folder / STAMP).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        whole = self.python.exists() and self.program("qyzyljar").exists()
        return found if whole and isinstance(found, dict) else {}

    def write_stamp(self, stamp: "dict[str, str]") -> None:
        """Replaces the stamp in one step."""
        fresh = self.folder / (STAMP + ".new")
        fresh.write_text(json.dumps(stamp, indent=1), encoding="utf-8")
        os.replace(str(fresh), str(self.folder / STAMP))

    def discard(self) -> None:
        """Removes the folder and what earlier interrupted removals left."""
        if self.folder.exists():
            # Renamed first: what a removal cut short leaves must not be taken for an environment
            os.replace(str(self.folder), f"{self.folder}.discarded-{os.getpid()}")
        for leftover in self.folder.parent.glob(self.folder.name + ".discarded-*"):
            shutil.rmtree(str(leftover), ignore_errors=True)


def digest(*paths: Path) -> str:
    """Sha256 of the files' contents."""
    content = hashlib.sha256()
    for path in paths:
        content.update(path.read_bytes())
        content.update(b"\0")
    return content.hexdigest()


def wanted_stamp() -> "dict[str, str]":
    """The stamp of an environment completed for this checkout, here (an environment cannot be moved)."""
    return {
        "folder": str(ROOT),
        "requirements": digest(ROOT / RUNTIME, ROOT / DEVELOPMENT),
        "project": digest(ROOT / "pyproject.toml"),
    }


def is_ready(stamp: "dict[str, str]", development: bool, python: "str | None") -> bool:
    """Whether an environment with this stamp can be used as it is."""
    wanted = wanted_stamp()
    return (
        all(stamp.get(key) == value for key, value in wanted.items())
        and (not development or stamp.get("set") == "development")
        and (python is None or python in (stamp.get("asked_for"), stamp.get("interpreter")))
    )


class Turn:
    """Lets one set-up at a time work in this checkout; the others wait."""

    def __enter__(self) -> None:
        self.file = open(str(ROOT / ".venv.lock"), "a")
        os.set_inheritable(self.file.fileno(), True)
        if not self.taken():
            say("another set-up is running in this folder; waiting for it.")
            while not self.taken():
                time.sleep(0.2)

    def taken(self) -> bool:
        """Tries once to take the turn."""
        try:
            if sys.platform == "win32":
                import msvcrt

                msvcrt.locking(self.file.fileno(), msvcrt.LK_NBLCK, 1)
            else:
                import fcntl

                fcntl.flock(self.file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True

    def __exit__(self, *_: object) -> None:
        self.file.close()


# ---- installing


def explain(output: str) -> str:
    """What failed and what to do next, from what pip printed."""
    for pattern, what, next_step in EXPLANATIONS:
        if re.search(pattern, output):
            return f"{what}.\n{next_step}"
    return "see its last lines above.\nIf they do not tell, delete the folder .venv and try again."


def has_pip(python: Path) -> bool:
    """Whether the environment's Python still runs and has pip (uv takes pip away)."""
    try:
        return subprocess.call([str(python), "-I", "-c", "import pip"], stderr=subprocess.DEVNULL) == 0
    except OSError:
        return False


def run_pip(python: Path, arguments: "list[str]", purpose: str, offline: bool) -> None:
    """Runs pip, showing one line of progress; raises SetupError with an explanation when it fails."""
    say(purpose + " ...")
    started, lines, packages = time.monotonic(), [], 0
    with subprocess.Popen(
        [str(python), "-I", "-m", "pip", *PIP_OPTIONS, *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        universal_newlines=True,
        errors="replace",
        env=cleaned_environment(offline),
        cwd=str(ROOT),
        close_fds=False,  # a pip that outlives a killed set-up keeps the turn: nobody builds under its hands
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            lines.append(line.rstrip())
            packages += line.startswith("Collecting ")
            if sys.stderr.isatty() and line.startswith(("Collecting ", "Installing ")):
                step = re.split("[;,]", line)[0].strip()
                print(f"\r\033[K  {packages:3d}  {step}", end="", file=sys.stderr, flush=True)
    if sys.stderr.isatty():
        print("\r\033[K", end="", file=sys.stderr)
    if process.returncode:
        telling = [line for line in lines if not re.match(r"Ignoring |\s+Expected +or|\s*$", line)]
        print("\n".join(telling[-12:]), file=sys.stderr)
        changed = any(line.startswith("Installing collected packages") for line in lines)
        raise SetupError(f"{purpose} failed: " + explain("\n".join(lines)), changed)
    say(f"{purpose}: done in {time.monotonic() - started:.0f} s.")


def install(python: Path, development: bool, bundle: "Path | None") -> None:
    """Installs the locked requirements and the project itself; raises SetupError."""
    options = ["--require-hashes", "--only-binary=:all:"]
    if bundle is not None:
        options += ["--no-index", "--find-links", str(bundle / "wheels")]
    requirements = str(DEVELOPMENT if development else RUNTIME)
    run_pip(
        python,
        ["install", *options, "-r", requirements],
        "installing the locked requirements",
        bundle is not None,
    )
    project = ["install", "--no-index", "--no-deps", "--no-build-isolation", "--editable", "."]
    run_pip(python, project, "installing the project", True)


def create(folder: Path, interpreters: "list[Interpreter]") -> Interpreter:
    """Makes an empty environment with the first Python that manages to; raises SetupError when none does."""
    rejected = []
    for interpreter in interpreters:
        done = subprocess.run(
            [interpreter.path, "-m", "venv", str(folder)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            universal_newlines=True,
            env=cleaned_environment(),
        )
        if done.returncode == 0:
            return interpreter
        if re.search(EXPLANATIONS[0][0], done.stdout):
            raise SetupError(f"making {folder} failed: " + explain(done.stdout))
        reason = (done.stdout.strip().splitlines() or ["no reason given"])[0]
        rejected.append((interpreter.path, f"cannot make a virtual environment: {reason}"))
        shutil.rmtree(str(folder), ignore_errors=True)
    raise SetupError(advice(rejected))


def bundle_tags(bundle: "Path | None") -> "list[str] | None":
    """The Pythons and systems that a bundle serves; raises SetupError unless it is for this checkout."""
    if bundle is None:
        return None
    try:
        manifest = json.loads((bundle / BUNDLE_MANIFEST).read_text(encoding="utf-8"))
        made_for, tags = manifest["requirements"], [str(tag) for tag in manifest["wheels_for"]]
    except (OSError, ValueError, KeyError, TypeError):
        raise SetupError(
            f"{bundle} holds no complete bundle (no readable {BUNDLE_MANIFEST}). Make one on a computer with "
            "network: python3 bootstrap.py bundle DIR"
        ) from None
    if made_for != wanted_stamp()["requirements"]:
        raise SetupError(
            f"the bundle {bundle} was made for another version of this project. Make it anew from this "
            "version on a computer with network: python3 bootstrap.py bundle DIR"
        )
    return tags


def paths_to_try(python: "str | None") -> "list[str]":
    """The given Python alone, or all that may be one."""
    if python is None:
        return candidates()
    if shutil.which(python) is None:
        raise SetupError(f"--python {python}: no such program. Give the path of a Python 3.11 or newer.")
    return [str(shutil.which(python))]


def complete(
    environment: Environment, development: bool, python: "str | None" = None, bundle: "Path | None" = None
) -> None:
    """Brings the environment up to date: at once when its stamp agrees, from nothing when it never was.

    Raises SetupError; whatever was done until then is replaced by the next call.
    """
    if is_ready(environment.stamp(), development, python):
        return
    with Turn():
        stamp = environment.stamp()
        if is_ready(stamp, development, python):
            return
        # A bundle holds everything, and its user has no network to fetch the rest later
        development = development or bundle is not None or stamp.get("set") == "development"
        wanted = wanted_stamp()
        reusable = (
            stamp.get("requirements") == wanted["requirements"]
            and stamp.get("folder") == wanted["folder"]
            and (python is None or python in (stamp.get("asked_for"), stamp.get("interpreter")))
            and has_pip(environment.python)
        )
        tags = bundle_tags(bundle)
        if reusable:
            (environment.folder / STAMP).unlink()
        else:
            interpreters = suitable(paths_to_try(python), tags)
            environment.discard()
            chosen = create(environment.folder, interpreters)
            version = ".".join(str(part) for part in chosen.version)
            say(f"setting up {environment.folder.name} with Python {version} ({chosen.path})")
            stamp = {"interpreter": chosen.path, "asked_for": python or ""}
        try:
            install(environment.python, development, bundle)
        except SetupError as error:
            if reusable and not error.changed:
                environment.write_stamp(stamp)
            raise
        kind = "development" if development else "runtime"
        environment.write_stamp(dict(stamp, set=kind, **wanted))


# ---- commands


def make_bundle(folder: Path, python: "str | None") -> None:
    """Downloads the locked wheels for one Python on this kind of system; its manifest is written last."""
    stamp = Environment(ROOT / ".venv").stamp()
    interpreters = suitable(paths_to_try(python or stamp.get("interpreter")))
    wheels, manifest_file = folder / "wheels", folder / BUNDLE_MANIFEST
    wheels.mkdir(parents=True, exist_ok=True)
    tags = set()  # type: set[str]
    if manifest_file.exists():
        with contextlib.suppress(SetupError):
            tags.update(bundle_tags(folder) or [])
        manifest_file.unlink()
    with Turn():
        helper = ROOT / ".venv-bundle"
        shutil.rmtree(str(helper), ignore_errors=True)
        chosen = create(helper, interpreters)
        try:
            download = ["download", "--require-hashes", "--only-binary=:all:", "--dest", str(wheels), "-r"]
            purpose = f"collecting the wheels for Python {chosen.minor}"
            run_pip(Environment(helper).python, [*download, str(DEVELOPMENT)], purpose, False)
        finally:
            shutil.rmtree(str(helper), ignore_errors=True)
    for file in (RUNTIME, DEVELOPMENT):
        shutil.copy(str(ROOT / file), str(folder / file.name))
    manifest = {"requirements": wanted_stamp()["requirements"], "wheels_for": sorted(tags | {chosen.tag})}
    manifest_file.write_text(json.dumps(manifest, indent=1), encoding="utf-8")
    size = sum(path.stat().st_size for path in wheels.iterdir()) / 1e6
    say(f"{folder}: {size:.0f} MB for {', '.join(manifest['wheels_for'])}.")
    say(f"On the computer without network: python3 bootstrap.py --from {folder} forecast")


def hand_over(environment: Environment, command: "list[str]") -> None:
    """Replaces this process by the command, as in an activated environment; its exit code is ours."""
    os.environ["PATH"] = os.pathsep.join([str(environment.programs), os.environ.get("PATH", os.defpath)])
    os.environ["VIRTUAL_ENV"] = str(environment.folder)
    if os.name == "nt":
        sys.exit(subprocess.call(command))
    os.execv(command[0], command)


def run_contract(main: Environment, bundle: "Path | None") -> None:
    """Runs the Mesa contract tests on the oldest and the newest suitable Python; exits when they fail."""
    found = suitable(candidates(), bundle_tags(bundle))
    home = os.path.realpath(str(main.python))
    for interpreter in {found[-1].minor: found[-1], found[0].minor: found[0]}.values():
        environment = Environment(ROOT / f".venv-{interpreter.minor}")
        if home == os.path.realpath(interpreter.path):
            environment = main
        else:
            complete(environment, True, interpreter.path, bundle)
        say(f"Mesa contract tests on Python {interpreter.minor}")
        code = subprocess.call([str(environment.python), "-m", "pytest", CONTRACT_TEST], cwd=str(ROOT))
        if code:
            sys.exit(code)


def run(request: Request) -> None:
    """Carries out a request; returns only where nothing is handed over to."""
    if request.command == "bundle":
        if len(request.arguments) != 1:
            raise SetupError("bundle needs one folder: python3 bootstrap.py bundle DIR")
        make_bundle(Path(request.arguments[0]).resolve(), request.python)
        return
    environment = Environment(ROOT / ".venv")
    complete(environment, request.command in ("test", "check"), request.python, request.bundle)
    python = str(environment.python)
    if request.command == "test":
        if "--interpreters" in request.arguments:
            run_contract(environment, request.bundle)
        rest = [argument for argument in request.arguments if argument not in ("--all", "--interpreters")]
        every = ["-m", ""] if "--all" in request.arguments else []
        os.chdir(str(ROOT))
        # On all cores, file by file: what a file prepares once stays with one worker. `-n 0` runs them in one process
        spread = (
            []
            if any(argument.startswith("-n") for argument in rest)
            else ["-n", "auto", "--dist", "loadfile"]
        )
        hand_over(environment, [python, "-m", "pytest", *spread, *every, *rest])
    elif request.command == "check":
        ruff = str(environment.program("ruff"))
        steps = ([ruff, "check", "."], [ruff, "format", "--check", "."], [python, "-m", "mypy"])
        sys.exit(max([subprocess.call(step, cwd=str(ROOT)) for step in steps]))
    else:
        command = [] if request.command == "qyzyljar" else [request.command]
        hand_over(environment, [str(environment.program("qyzyljar")), *command, *request.arguments])


def main() -> None:
    """Runs the request of the command line; a failed set-up ends with its message and exit code 1."""
    try:
        request = parse(sys.argv[1:])
        if request.command:
            run(request)
        else:
            print(HELP, end="")
    except SetupError as error:
        sys.exit(f"bootstrap: {error}")
    except OSError as error:
        sys.exit(f"bootstrap: {error}\n{explain(str(error)).splitlines()[-1]}")
    except KeyboardInterrupt:
        say("interrupted; the next call goes on from a clean state.")
        sys.exit(130)


if __name__ == "__main__":
    main()
