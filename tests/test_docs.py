"""The documentation: generated parts are current, pages need no network, every block of code runs as it stands."""

from __future__ import annotations

import ast
import csv
import importlib.util
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import typer
from typer.testing import CliRunner

from docs.generate import (
    FOLDER,
    LABELS,
    README,
    data_files,
    data_name,
    main,
    pages,
    readme,
    stale,
    validation,
)
from experiments.command_line import app
from model.engine import Engine
from model.record import COLUMNS

PROJECT = Path(__file__).resolve().parent.parent
DOCS = PROJECT / "docs"
TUTORIALS = sorted((DOCS / "tutorials").glob("*.md"))
PARSED_ONLY = "<!-- parsed only"
FILE = re.compile(r"<!-- file: (\S+) -->")
CALL = re.compile(r"(?:qyzyljar|python3 bootstrap\.py) +(\S.*)")
DESCRIPTION = re.compile(r" {2,}")  # what some pages write beside a command
EXIT_CODE = re.compile(r"\s*# exit code (\d+)$")


class Block(NamedTuple):
    """A fenced block: its language, its text and the comment line before it."""

    language: str
    text: str
    before: str
    line: int


def blocks(page: Path) -> list[Block]:
    found = []
    text = page.read_text(encoding="utf-8")
    for match in re.finditer(r"^```(\S*)\n(.*?)^```$", text, re.DOTALL | re.MULTILINE):
        earlier = text[: match.start()].rstrip("\n")
        before = earlier.rsplit("\n", 1)[-1] if earlier else ""
        found.append(Block(match[1], match[2], before, text.count("\n", 0, match.start()) + 1))
    return found


def commands(block: Block) -> list[tuple[list[str], int]]:
    """Arguments and expected exit code of the lines of a block that call the program."""
    found = []
    for line in block.text.splitlines():
        code = EXIT_CODE.search(line)
        called = CALL.match(EXIT_CODE.sub("", line))
        if called:
            found.append(
                (shlex.split(DESCRIPTION.split(called[1])[0], comments=True), int(code[1]) if code else 0)
            )
    return found


def parse(words: list[str]) -> None:
    """Let the program parse a command line without running it; unknown commands and options raise."""
    command: Any = typer.main.get_command(app)
    context: Any = None
    name = "qyzyljar"
    while True:
        context = command.make_context(name, list(words), parent=context)
        if not hasattr(command, "commands"):
            return
        words = [*context._protected_args, *context.args]
        name, command, words = command.resolve_command(context, words)


def every_command() -> Iterator[tuple[str, list[str]]]:
    for page in [README, PROJECT / "CONTRIBUTING.md", *sorted(DOCS.rglob("*.md"))]:
        for block in blocks(page):
            if block.language in ("", "sh", "text"):
                for words, _ in commands(block):
                    if words and words[0] not in ("bundle", "test", "check", "--from"):
                        yield f"{page.relative_to(PROJECT)}:{block.line}", words


def run_python(page: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Run all Python of a page in one namespace."""
    monkeypatch.chdir(folder)
    names: dict[str, Any] = {}
    for block in blocks(page):
        if block.language == "python":
            # Line numbers of the page, so that a failure points there
            exec(compile("\n" * block.line + block.text, str(page), "exec"), names)
    return names


# --- what is generated -----------------------------------------------------------------------------------


def test_generated_parts_are_current() -> None:
    assert [path.name for path in stale()] == [], "run: python -m docs.generate"


def test_nothing_else_stands_among_the_generated() -> None:
    assert set(FOLDER.iterdir()) == {path for path in pages() if path.parent == FOLDER}


def test_the_check_fails_where_a_declaration_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("docs.generate.COLUMNS", COLUMNS[:-1])
    assert main(["--check"]) == 1
    assert [path.name for path in stale()] == ["outputs.md"]


def test_the_data_page_holds_every_figure_and_its_source() -> None:
    text = (FOLDER / "data.md").read_text(encoding="utf-8")
    for path in data_files():
        section = text.split(f"## `{data_name(path)}`\n")[1]
        section = section.split("\n## ")[0]
        for row in csv.DictReader(path.open(encoding="utf-8", newline="")):
            for name in ("value", "source", "persons", "rate", "quality"):
                wanted = " ".join(row.get(name, "").split()).replace("|", "\\|")
                assert wanted in section, f"{path.name}: {name} {wanted}"


def test_readme_without_its_markers_is_refused() -> None:
    with pytest.raises(ValueError, match="expected one"):
        readme("no markers", "text")


def test_verdicts_are_those_that_ship(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for path in LABELS.glob("*.csv"):
        lost = sum(line.endswith(",1") for line in path.read_text(encoding="utf-8").splitlines())
        total = len(path.read_text(encoding="utf-8").splitlines()) - 1
        assert (
            f"World `{path.stem}`: of {total} indicators of single places and folds the model scored better than "
            f"*every* naive forecaster in {total - lost}."
        ) in README.read_text(encoding="utf-8")
    monkeypatch.setattr("docs.generate.LABELS", tmp_path)
    assert "not validated" in validation()


# --- the elements of the protocol ------------------------------------------------------------------------


def test_odd_has_every_element() -> None:
    headings = re.findall(
        r"^#{2,3} ((?:III|II|I)(?:\.[ivx]+)?) ", (DOCS / "odd.md").read_text(encoding="utf-8"), re.M
    )
    assert headings == [
        "I", "I.i", "I.ii", "I.iii",
        "II", "II.i", "II.ii", "II.iii", "II.iv", "II.v", "II.vi", "II.vii", "II.viii", "II.ix", "II.x",
        "III", "III.i", "III.ii", "III.iii", "III.iv",
    ]  # fmt: skip


SHOWN = re.compile(r"^```\{literalinclude\} (\S+)\n:pyobject: (\S+)$", re.MULTILINE)
NAMED = re.compile(r"[Ee]quations? \((\d+)\)(?:(-| and )\((\d+)\))?")


def docstring_of(file: Path, name: str) -> str:
    """Docstring of a function or method (`Class.method`) of a source file; fails where there is none."""
    found: ast.Module | ast.ClassDef | ast.FunctionDef = ast.parse(file.read_text(encoding="utf-8"))
    for part in name.split("."):
        inside = {node.name: node for node in found.body if isinstance(node, (ast.ClassDef, ast.FunctionDef))}
        assert part in inside, f"{file.name} has no {name}"
        found = inside[part]
    return ast.get_docstring(found) or ""


def equations_named(docstring: str) -> set[int]:
    """Numbers of the equations that a docstring says it computes: "Equation (8)", "Equations (2)-(4)"."""
    named: set[int] = set()
    for first, between, last in NAMED.findall(docstring):
        named |= set(range(int(first), int(last) + 1)) if between == "-" else {int(first), int(last or first)}
    return named


def equations_of(page: str) -> dict[int, str]:
    """Text of each numbered equation of the submodels, up to the next one."""
    parts = re.split(r"^\*\*\((\d+)\)\*\* ", page.split("### III.iv ")[1], flags=re.MULTILINE)[1:]
    return {int(number): text for number, text in zip(parts[::2], parts[1::2], strict=True)}


def without_marked_code(page: str) -> list[str]:
    """What is missing beside the equations: a formula, or code whose docstring names the equation."""
    missing = []
    for number, text in equations_of(page).items():
        shown = [(DOCS / file, name) for file, name in SHOWN.findall(text)]
        if "$$" not in text:
            missing.append(f"({number}) has no formula")
        if not any(number in equations_named(docstring_of(file, name)) for file, name in shown):
            missing.append(f"({number}) has no code that names it")
    return missing


def test_every_equation_stands_beside_code_that_names_it() -> None:
    page = (DOCS / "odd.md").read_text(encoding="utf-8")
    assert list(equations_of(page)) == list(range(1, 21))
    assert without_marked_code(page) == []


def test_equations_of_the_specification_and_the_schedule_are_those_of_the_page() -> None:
    specified = (DOCS / "specification.md").read_text(encoding="utf-8").split("## 4. ")[1].split("## 5. ")[0]
    numbers = {int(number) for number in re.findall(r"\((\d{1,2})\)", specified)}
    assert numbers == set(range(1, 21))
    in_schedule: set[int] = set()
    for phase in Engine.PLAN:
        if phase.equations:
            first, _, last = phase.equations.partition("-")
            in_schedule |= set(range(int(first), int(last or first) + 1))
    assert in_schedule == numbers - {14}  # the walk of the hazards is advanced with the moves' readiness


def test_code_that_is_renamed_or_no_longer_marked_is_noticed() -> None:
    page = (DOCS / "odd.md").read_text(encoding="utf-8")
    with pytest.raises(AssertionError, match="has no wage_levels"):
        without_marked_code(page.replace(":pyobject: wage_level\n", ":pyobject: wage_levels\n"))
    swapped = page.replace(":pyobject: wage_level\n", ":pyobject: advance_wages\n")
    assert without_marked_code(swapped) == ["(8) has no code that names it"]
    assert equations_named("Equations (2)-(4): posts") == {2, 3, 4}
    assert equations_named("no number (3)") == set()


def test_trace_names_files_that_exist() -> None:
    text = (DOCS / "trace.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`((?:tests|calibration|model|experiments)/[\w/.]+)`", text))
    assert len(named) > 10
    assert [name for name in sorted(named) if not (PROJECT / name).exists()] == []


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md"])
def test_files_that_the_front_pages_name_exist(name: str) -> None:
    text = (PROJECT / name).read_text(encoding="utf-8")
    linked = re.findall(r"\]\(((?!https?:)[^)#]+)\)", text)
    named = re.findall(
        r"`((?:docs|model|scenarios|calibration|experiments|tests|requirements|\.ci)/[\w/.-]*)`", text
    )
    assert len(linked) + len(named) > 10
    assert [one for one in (*linked, *named) if not (PROJECT / one).exists()] == []


# --- the built pages -------------------------------------------------------------------------------------


class Loaded(HTMLParser):
    """Collects what a page makes a browser load."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag == "link" and values.get("rel") not in ("canonical", "author"):
            self.found.append(values.get("href") or "")
        self.found.extend(values.get(name) or "" for name in ("src", "srcset", "data") if name in values)


OUTSIDE = re.compile(r"^\s*(?:https?:)?//")


def loaded_from_elsewhere(text: str) -> list[str]:
    parser = Loaded()
    parser.feed(text)
    return [one for one in parser.found if OUTSIDE.match(one)]


def test_what_a_page_would_load_from_elsewhere_is_found() -> None:
    for text in (
        '<script src="https://cdn.example/mathjax.js"></script>',
        '<link rel="stylesheet" href="//fonts.example/a.css">',
        '<img src=" http://pictures.example/a.png">',
        '<img srcset="https://pictures.example/a.png 2x">',
    ):
        assert len(loaded_from_elsewhere(text)) == 1
    assert (
        loaded_from_elsewhere('<a href="https://example.org">a link loads nothing</a><img src="a.png">') == []
    )


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("html")
    command = [
        sys.executable,
        "-m",
        "sphinx",
        "-q",
        "-W",
        "--keep-going",
        "-b",
        "html",
        str(DOCS),
        str(folder),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder


def test_pages_are_built_without_a_warning_and_load_nothing_from_elsewhere(built: Path) -> None:
    made = sorted(built.rglob("*.html"))
    assert len(made) > 25
    for page in made:
        text = page.read_text(encoding="utf-8")
        assert "<script" in text, page.name
        assert loaded_from_elsewhere(text) == [], page.name
        assert not re.search(r"@import\s|\bfetch\(\s*['\"]https?:", text, re.I), page.name
    for sheet in built.rglob("*.css"):
        assert not re.search(r"url\(\s*['\"]?(?:https?:)?//", sheet.read_text(encoding="utf-8")), sheet.name
    assert "<math" in (built / "odd.html").read_text(encoding="utf-8")
    assert "def advance_output" in re.sub(r"<[^>]+>", "", (built / "odd.html").read_text(encoding="utf-8"))


# --- the code on the pages -------------------------------------------------------------------------------


@pytest.mark.parametrize(("where", "words"), list(every_command()))
def test_every_command_on_the_pages_exists_with_its_options(where: str, words: list[str]) -> None:
    parse([word for word in words if word != "|"])


INLINE = re.compile(r"`qyzyljar ([a-z][^`]*)`")
MODULE = re.compile(r"`python -m ([\w.]+)[^`]*`")
PLACEHOLDERS = {"NAME": "baseline", "DIR": "results/x", "TOWN": "mamlyutka"}


def inline_commands(text: str) -> list[list[str]]:
    """Commands that a sentence or a cell of a table names, with names in the place of placeholders."""
    return [
        [PLACEHOLDERS.get(word, word) for word in shlex.split(command)] for command in INLINE.findall(text)
    ]


def allows_what_is_left_out(words: list[str]) -> list[str]:
    """A command named without what it acts on (`qyzyljar compare`) with something to act on."""
    needs = {("compare",): "settlers", ("brief",): "settlers", ("scenarios", "show"): "baseline",
             ("scenarios", "check"): "my.toml", ("scenarios", "new"): "mine"}  # fmt: skip
    if tuple(words) == ("scenarios", "diff"):
        return [*words, "baseline", "settlers"]
    if words[0] == "sensitivity" and words[1:2] in (["morris"], ["sobol"], ["pawn"]) and "-y" not in words:
        return [*words, "-y", "population:mamlyutka:2045"]
    return [*words, needs[tuple(words)]] if tuple(words) in needs else words


@pytest.mark.parametrize("page", [README, *sorted(DOCS.rglob("*.md"))], ids=lambda page: page.stem)
def test_commands_inside_sentences_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for words in inline_commands(text):
        if page.parent.name != "generated":  # its table names groups without a command
            parse(allows_what_is_left_out(words))
    for module in MODULE.findall(text):
        assert importlib.util.find_spec(module) is not None, f"{page.name}: python -m {module}"


def test_every_claim_of_trace_names_what_repeats_it() -> None:
    text = (DOCS / "trace.md").read_text(encoding="utf-8")
    rows = [line for line in text.splitlines() if line.startswith("| ") and not line.startswith("| claim")]
    assert len(rows) > 25
    for row in rows:
        repeat = row.split(" | ")[-1]
        assert inline_commands(repeat) or MODULE.search(repeat) or "`tests/" in repeat, row


def test_unknown_options_do_not_parse() -> None:
    usage_error: type[Exception] = typer.BadParameter.__mro__[1]
    for words in (["forecast", "--rusn", "3"], ["forcast"], ["sensitivity", "morris", "--blocks", "3"]):
        with pytest.raises(usage_error):
            parse(words)


@pytest.mark.parametrize("page", [README, DOCS / "api.md"], ids=lambda page: page.stem)
def test_python_of_the_pages_runs(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run_python(page, tmp_path, monkeypatch)


def run_tutorial(page: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Write the files, run the Python and the commands of a tutorial in their order."""
    monkeypatch.chdir(folder)
    names: dict[str, Any] = {}
    done = 0
    for block in blocks(page):
        file = FILE.fullmatch(block.before)
        if file:
            Path(file[1]).write_text(block.text, encoding="utf-8")
        elif block.language == "python":
            exec(compile("\n" * block.line + block.text, str(page), "exec"), names)
            done += 1
        elif block.language == "sh" and not block.before.startswith(PARSED_ONLY):
            for words, code in commands(block):
                before = set(folder.rglob("*"))
                result = CliRunner().invoke(app, words)
                assert result.exit_code == code, f"{page.name}: {words}\n{result.output}"
                if code == 2:
                    assert set(folder.rglob("*")) == before, "bad input wrote something"
                done += 1
    assert done > 1


def test_the_tutorial_on_mesa_runs_from_top_to_bottom(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_tutorial(DOCS / "tutorials" / "mesa.md", tmp_path, monkeypatch)
    assert (tmp_path / "population.png").stat().st_size > 10_000


@pytest.mark.slow
@pytest.mark.parametrize(
    "page", [page for page in TUTORIALS if page.stem != "mesa"], ids=lambda page: page.stem
)
def test_tutorials_run_from_top_to_bottom(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_tutorial(page, tmp_path, monkeypatch)
