"""`qyzyljar scenarios`: what is printed, exit codes, what is written and what is not; the published schema."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from glob import glob
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from experiments.command_line import app
from scenarios.explanation import differences, lever_lines
from scenarios.future_levers import FutureLevers
from scenarios.library import FOLDERS, names
from scenarios.policy_levers import PolicyLevers
from scenarios.published_schema import published_schema
from scenarios.reading import load_future, load_policy
from tests.json_schema import is_valid
from tests.scenario_files import POLICY, write_future, write_policy

PROJECT = Path(__file__).resolve().parent.parent


def scenarios(*arguments: str | Path) -> Result:
    """Run a command of `qyzyljar scenarios` in this process."""
    return CliRunner().invoke(app, ["scenarios", *map(str, arguments)])


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


# ---- list, show, diff ----


@pytest.mark.parametrize(("lang", "title"), [("en", "Baseline"), ("ru", "Базовый"), ("kk", "Негізгі")])
def test_list_names_every_scenario_within_100_columns(lang: str, title: str) -> None:
    result = scenarios("list", "--lang", lang)
    assert result.exit_code == 0, result.output
    for name in (*names("policy"), *names("future")):
        assert re.search(rf"^{name} ", result.output, re.MULTILINE), name
    assert title in result.output
    assert max(map(len, result.output.splitlines())) <= 100


@pytest.mark.parametrize("name", ["combined", "no_zone", "cross_border", "drought", "reference"])
def test_show_says_what_every_lever_does(name: str) -> None:
    result = scenarios("show", name, "--world", "region")
    assert result.exit_code == 0, result.output
    assert max(len(line.rstrip()) for line in result.output.split("Files:")[0].splitlines()) <= 100
    scenario = load_policy(name) if name in names("policy") else load_future(name)
    for kind, item, _ in scenario.levers.items():
        assert f"{kind}.{item}" in result.output
    assert "Sources" in result.output
    assert "Assumptions" in result.output


def test_show_has_equations_places_years_and_costs(towns: Any) -> None:
    lines = {line.name: line for line in lever_lines(load_policy("combined"), towns, 2045)}
    heat = lines["renewal.heat"]
    assert (heat.equation, heat.places, heat.years) == ("18", "@towns (4)", "2027-2036")
    assert heat.public is not None
    assert heat.public > 1000
    mill = lines["zone_project.mill_and_elevator"]
    assert (mill.places, mill.years) == ("mamlyutka", "2028-2030")
    assert mill.private == pytest.approx(150 * towns.drivers.deflate(40.6, 2025), rel=0.01)
    assert lines["qyzyljar"].public is not None
    assert lever_lines(load_policy("no_zone"), towns, 2045)[0].public is None


def test_diff_names_what_differs() -> None:
    rows = list(differences(load_policy("baseline"), load_policy("zone_as_declared")))
    assert rows == [
        (
            "qyzyljar",
            "status as_realised, declared_jobs not set, declared_by not set, kept_until not set",
            "status as_declared, declared_jobs 4000, declared_by 2030, kept_until 2044",
        )
    ]
    assert not list(differences(load_policy("combined"), load_policy("combined")))
    result = scenarios("diff", "housing", "settlers")
    assert result.exit_code == 0
    assert "2 levers differ" in result.output
    assert "families_a_year 10" in result.output
    same = scenarios("diff", "housing", "housing")
    assert "set the same" in same.output
    mixed = scenarios("diff", "housing", "drought")
    assert mixed.exit_code == 2
    assert "is a policy and 'drought' a future" in mixed.output


# ---- check ----


def test_check_passes_what_is_right(folder: Path) -> None:
    result = scenarios("check", write_policy(folder), write_future(folder, name="dry"), "combined", "drought")
    assert result.exit_code == 0, result.output
    assert len(result.output.strip().splitlines()) == 4


BAD = """
[qyzyljar]
but_for = 1.5
[settlers.s]
places = ["mamlutka"]
[public_wages.p]
places = ["@town"]
from = 2060
supplement = 0.1
"""


def test_check_lists_all_errors_of_all_files_and_writes_nothing(folder: Path) -> None:
    bad = write_policy(folder, BAD, "bad")
    lost = write_policy(
        folder, "[settlers.s]\nplaces = ['atlantis']\nfrom = 2060\nfamilies_a_year = 3\n", "lost"
    )
    before = {path: path.stat().st_mtime_ns for path in folder.iterdir()}
    result = scenarios("check", bad, lost, "baseline")
    assert result.exit_code == 2
    for text in (
        "bad.toml: qyzyljar.but_for: expected at most 1, got 1.5",
        "bad.toml: settlers.s.from: is missing",
        "bad.toml: settlers.s.families_a_year: is missing",
        "bad.toml: public_wages.p.places.0: unknown group of places '@town'; nearest valid name: '@towns'",
        "bad.toml: settlers.s.places: world 'towns' has no place 'mamlutka'",
        "bad.toml: public_wages.p.from: year 2060 lies outside the run",
        "lost.toml: settlers.s.places: world 'towns' has no place 'atlantis'",
        "lost.toml: settlers.s.from: year 2060 lies outside the run",
    ):
        assert text in result.stderr, text
    assert len(result.stderr.splitlines()) == 3 + 8, "every problem once"
    assert result.stdout == ""
    assert "Traceback" not in result.output
    assert {path: path.stat().st_mtime_ns for path in folder.iterdir()} == before


@pytest.mark.parametrize(
    "content",
    [
        b"\0" * 100,
        bytes(range(256)),
        b"x = " + b"[" * 50_000,
        b"kind = 'policy'\nkind = 'policy'",
        b"[renewal.a]\nkm = nan",
        b" " * 50_000_000,
    ],
    ids=["zeros", "binary", "deep", "twice", "headless", "50 MB"],
)
def test_files_that_cannot_be_read_end_with_2(folder: Path, content: bytes) -> None:
    (folder / "bad.toml").write_bytes(content)
    for arguments in (("check", "bad.toml"), ("show", "bad.toml"), ("diff", "bad.toml", "baseline")):
        result = scenarios(*arguments)
        assert result.exit_code == 2, result.output
        assert "bad.toml" in result.stderr
        assert "Traceback" not in result.output
    assert [path.name for path in folder.iterdir()] == ["bad.toml"]


def test_unknown_names_worlds_and_horizons_end_with_2(folder: Path) -> None:
    assert "nearest valid name: 'housing'" in scenarios("show", "hosing").stderr
    for arguments in (
        ("show", "hosing"),
        ("show", "housing", "--world", "town"),
        ("show", "housing", "--horizon", "1990"),
        ("check", "nowhere.toml"),
        ("list", "--lang", "de"),
    ):
        result = scenarios(*arguments)
        assert result.exit_code == 2, arguments
        assert "Traceback" not in result.output
    assert not list(folder.iterdir())


# ---- new ----


@pytest.mark.parametrize("kind", ["policy", "future"])
def test_new_writes_a_template_that_passes_check_also_with_every_lever_pulled(
    folder: Path, kind: str
) -> None:
    result = scenarios("new", "mine", "--kind", kind)
    assert result.exit_code == 0, result.output
    path = folder / "mine.toml"
    assert scenarios("check", path).exit_code == 0
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("#~", ""), encoding="utf-8")
    checked = scenarios("check", path)
    assert checked.exit_code == 0, checked.output
    load = load_policy if kind == "policy" else load_future
    pulled = {lever for lever, _, _ in load(str(path)).levers.items()}
    fields = type(load(str(path)).levers).model_fields
    assert pulled == set(fields) - {"qyzyljar"}, "the template shows every lever"


def test_new_overwrites_nothing_and_refuses_bad_names(folder: Path) -> None:
    (folder / "mine.toml").write_text("precious")
    for name in ("mine", "../mine", "a b", "", "x" * 61, "housing", "имя", "a@b"):
        result = scenarios("new", name)
        assert result.exit_code == 2, name
    assert scenarios("new", "other", "--out", "nowhere").exit_code == 2
    assert (folder / "mine.toml").read_text() == "precious"
    assert [path.name for path in folder.iterdir()] == ["mine.toml"]


# ---- schema ----


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    printed = scenarios("schema")
    assert printed.exit_code == 0
    held: dict[str, Any] = json.loads(printed.stdout)
    assert held == published_schema()
    return held


def test_the_library_and_the_templates_obey_the_published_schema(
    schema: dict[str, Any], folder: Path
) -> None:
    files = [path for held in FOLDERS.values() for path in held.glob("*.toml")]
    for kind in ("policy", "future"):
        scenarios("new", kind, "--kind", kind)
        files.append(folder / f"{kind}.toml")
    for path in files:
        assert is_valid(tomllib.loads(path.read_text(encoding="utf-8")), schema), path


@pytest.mark.parametrize(
    "text",
    [
        "colour = 'green'\n",
        "[qyzyljar]\nbut_for = 1.5\n",
        "[settlers.s]\nplaces = ['mamlyutka']\nfrom = 2027\n",
        "[settlers.s]\nplaces = []\nfrom = 2027\nfamilies_a_year = 1\n",
        "[settlers.s]\nplaces = ['mamlyutka']\nfrom = 2010\nfamilies_a_year = 1\n",
        "[settlers.s]\nplaces = ['mamlyutka']\nfrom = 2027\nfamilies_a_year = -1\n",
        "[settlers.s]\nplaces = ['mamlyutka']\nfrom = 2027\nfamilies_a_year = 1\nfamilies = 2\n",
        "[settlers.'a b']\nplaces = ['mamlyutka']\nfrom = 2027\nfamilies_a_year = 1\n",
        "[rouble.weak]\nfrom = 2027\nlevel_factor = 0.8\n",
    ],
)
def test_what_the_reader_refuses_the_schema_refuses_too(
    schema: dict[str, Any], tmp_path: Path, text: str
) -> None:
    assert is_valid(tomllib.loads(POLICY), schema)
    assert not is_valid(tomllib.loads(POLICY + text), schema)
    assert scenarios("check", write_policy(tmp_path, text)).exit_code == 2


def test_a_file_that_builds_on_another_may_give_part_of_a_lever(schema: dict[str, Any]) -> None:
    part = "[settlers.families]\nfamilies_a_year = 5\n"
    assert is_valid(tomllib.loads(POLICY + 'extends = "settlers"\n' + part), schema)
    assert not is_valid(tomllib.loads(POLICY + part), schema)


# ---- documentation, start-up ----


def test_the_page_on_scenarios_names_every_lever_and_every_scenario() -> None:
    page = (PROJECT / "docs" / "scenarios.md").read_text(encoding="utf-8")
    kinds = [*PolicyLevers.model_fields, *FutureLevers.model_fields]
    for name in (*kinds, *names("policy"), *names("future")):
        assert f"`{name}`" in page, name


def test_the_example_of_the_page_is_right(tmp_path: Path) -> None:
    page = (PROJECT / "docs" / "scenarios.md").read_text(encoding="utf-8")
    example = page.split("```toml\n")[1].split("```")[0]
    path = tmp_path / "bus_and_school.toml"
    path.write_text(example, encoding="utf-8")
    assert scenarios("check", path).exit_code == 0


def test_the_package_ships_the_library_and_its_data() -> None:
    settings = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))
    shipped = settings["tool"]["setuptools"]["package-data"]["scenarios"]
    package = PROJECT / "scenarios"
    held = {name for pattern in shipped for name in glob(pattern, root_dir=package, recursive=True)}
    needed = [path for path in package.rglob("*") if path.suffix in (".toml", ".csv")]
    assert {str(path.relative_to(package)) for path in needed} <= held


def test_help_imports_nothing_heavy() -> None:
    program = (
        "import sys; from experiments.command_line import app; from typer.testing import CliRunner;"
        "print(CliRunner().invoke(app, ['scenarios', '--help']).output);"
        "heavy = ('numpy', 'scenarios.reading', 'model.world', 'numba', 'scipy', 'pandas', 'mesa');"
        "print([m for m in heavy if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip().endswith("[]")
    for command in ("list", "show", "check", "new", "diff", "schema"):
        assert command in done.stdout
