"""The command `qyzyljar audit`: exit codes, what is printed, what is written and what is not."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner, Result

import experiments.audit_charts
from calibration.audit import audit_world
from calibration.audit_findings import NOT_TESTED
from experiments.audit_charts import PANELS, draw_audit
from experiments.audit_tables import MOST_ROWS, print_audit
from experiments.command_line import app
from tests.audit_files import AuditFiles
from tests.own_world import copy_of_template, edit

PROJECT = Path(__file__).resolve().parent.parent


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def audit(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["audit", *(str(argument) for argument in arguments)])


def written(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def words(svg: Path) -> str:
    root = ElementTree.parse(svg).getroot()
    return "\n".join("".join(node.itertext()) for node in root.iter("{http://www.w3.org/2000/svg}text"))


def test_the_audit_prints_every_finding_with_its_treatment(folder: Path) -> None:
    result = audit("--no-figures")
    assert result.exit_code == 0, result.output
    assert "11 of 11 defects looked for were found" in result.stdout
    assert len(re.findall(r"^\d+\. .*: found$", result.stdout, re.MULTILINE)) == 11
    for label in ("Test: ", "Consequence: ", "Calibration: "):
        assert len(re.findall(rf"^{label}", result.stdout, re.MULTILINE)) == 11
    assert max(len(line) for line in result.stdout.splitlines()) <= 150
    (out,) = (folder / "results").iterdir()
    assert re.fullmatch(r"audit-towns-[0-9a-f]{10}", out.name)
    assert result.stdout.splitlines()[-1] == f"Results: results/{out.name}"
    names = written(out)
    assert [name for name in names if "/" not in name] == ["audit.json", "findings.csv"]
    assert len([name for name in names if name.startswith("numbers/")]) == 11


@pytest.mark.parametrize("width", [80, 100, 120, 150])
def test_no_word_of_a_table_is_broken(width: int) -> None:
    audit = audit_world("towns")
    said = io.StringIO()
    print_audit(Console(width=width, file=said), audit)
    summary = said.getvalue().split("\n1. ")[0]
    words = {word for one in audit.findings for word in f"{one.title} {one.summary}".split()}
    assert words - set(summary.split()) == set()
    assert "agricultural_output_per_capita" in words
    rows = [row for one in audit.findings for row in one.numbers[:MOST_ROWS]]
    cells = {cell for row in rows for cell in row.values() if isinstance(cell, str)}
    printed = {word.strip(";") for word in said.getvalue().split()}
    assert {word.strip(";") for cell in cells for word in cell.split()} - printed == set()
    headings = {word for row in rows for heading in row for word in heading.split()} - {"place", "variable"}
    assert headings - {word.strip(":") for word in printed} == set()
    assert max(map(len, said.getvalue().splitlines())) <= width
    entries = re.findall("^   what: .*", said.getvalue(), re.MULTILINE)
    assert (len(entries) > 0) == (width < 120)  # there eight columns have room beside each other


def test_what_is_written_is_what_was_found(folder: Path) -> None:
    assert audit("--quiet", "--no-figures", "--out", "here").output == ""
    report = json.loads((folder / "here" / "audit.json").read_text())
    with (folder / "here" / "findings.csv").open() as file:
        listed = list(csv.DictReader(file))
    assert [row["id"] for row in listed] == [one["id"] for one in report["findings"]] == report["found"]
    with (folder / "here" / "numbers" / "accounts.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [float(row["implied"]) for row in rows] == [65, -348]


def test_json_alone_is_printed(folder: Path) -> None:
    result = audit("--json", "--no-figures", "--seed", "7", "--out", "here")
    report = json.loads(result.stdout)
    assert report == json.loads((folder / "here" / "audit.json").read_text())
    assert report["world"] == "towns"
    assert len(report["findings"]) == 11


def test_the_same_again_gives_the_same_files(folder: Path) -> None:
    assert audit("-q", "--out", "one").exit_code == 0
    assert audit("-q", "--out", "two").exit_code == 0
    assert audit("-q", "--out", "one").exit_code == 0
    assert written(folder / "one") == written(folder / "two")
    for name in written(folder / "one"):
        assert (folder / "one" / name).read_bytes() == (folder / "two" / name).read_bytes(), name


def test_the_figure_has_a_panel_for_every_finding(folder: Path) -> None:
    found = audit_world("towns")
    png, svg = draw_audit(found, folder)
    assert png.read_bytes().startswith(b"\x89PNG")
    text = words(svg)
    assert len(PANELS) == len(found.findings)
    for number, finding in enumerate(found.findings, 1):
        assert f"{number}. {finding.title[:30]}" in text
    for part in (
        "Bureau of National",
        "Turkeeva",
        "re-based: -8.6 %",
        "Petropavlovsk",
        found.data.digest[:10],
    ):
        assert part in text


def test_the_figure_says_what_could_not_be_tested(folder: Path) -> None:
    files = AuditFiles()
    files.keep("paper_tables.csv", lambda row: False)
    files.keep("paper_statements.csv", lambda row: False)
    (folder / "data").mkdir()
    files.write(folder / "data")
    result = audit("--data", "data", "--out", "here")
    assert result.exit_code == 0, result.output
    assert NOT_TESTED in words(folder / "here" / "figures" / "audit.svg")


BAD_INPUT = {
    "unknown world": (("--world", "town"), "unknown world 'town'; nearest valid name: 'towns'"),
    "no such world file": (("--world", "mine.toml"), "no such file"),
    "no such folder": (("--data", "nowhere"), "no such folder"),
    "empty folder": (("--data", "."), "holds none of the files to audit"),
    "negative seed": (("--seed", "-1"), "'--seed'"),
    "out below a file": (("--out", "/dev/null/here"), "is a file, expected a folder"),
    "misspelt option": (("--dat", "."), "No such option"),
}


@pytest.mark.parametrize("case", BAD_INPUT)
def test_bad_input_is_told_and_nothing_is_written(folder: Path, case: str) -> None:
    arguments, message = BAD_INPUT[case]
    result = audit(*arguments)
    assert result.exit_code == 2, result.output
    assert message in re.sub(r"[\s│]+", " ", result.stderr)
    assert "Traceback" not in result.stderr
    assert result.stdout == ""
    assert written(folder) == []


def test_faults_of_a_users_world_are_told_with_their_place(folder: Path) -> None:
    path = copy_of_template(folder)
    edit(path, "accounts.csv", ",2016,", ",2016,x")
    result = audit("--world", path)
    assert result.exit_code == 2
    assert "accounts.csv" in result.stderr
    assert not (folder / "results").exists()


def test_a_folder_with_something_else_is_not_touched(folder: Path) -> None:
    (folder / "mine").mkdir()
    (folder / "mine" / "letter.txt").write_text("dear")
    result = audit("--out", "mine")
    assert (result.exit_code, written(folder)) == (2, ["mine/letter.txt"])
    assert "is not empty and holds no audit.json" in result.stderr
    assert audit("-q", "--no-figures", "--out", "here").exit_code == 0
    files = AuditFiles()
    files.set("paper_tables.csv", "bulaevo", "employed", 2019, 4300)
    (folder / "data").mkdir()
    result = audit("--data", files.write(folder / "data"), "--out", "here")
    assert result.exit_code == 2
    assert "holds the audit of other data" in result.stderr


def test_a_disk_that_refuses_gives_1(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(experiments.audit_charts, "draw_audit", refuse)
    result = audit("--out", "here")
    assert result.exit_code == 1
    assert "No space left on device" in result.stderr
    assert "repeat the same command with --out here" in result.stderr
    assert not (folder / "here" / "audit.json").exists()
    assert not [name for name in written(folder) if name.endswith(".unfinished")]
    monkeypatch.undo()
    assert audit("-q", "--no-figures", "--out", str(folder / "here")).exit_code == 0


def test_help_starts_without_the_heavy_imports() -> None:
    check = (
        "import sys\nfrom experiments.command_line import main\ntry:\n    main()\nfinally:\n"
        "    print([m for m in ('numba', 'numpy', 'mesa', 'scipy', 'pandas', 'matplotlib', 'duckdb')"
        " if m in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", check, "audit", "--help"],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
        check=False,
    )
    assert (done.returncode, done.stderr.strip()) == (0, "[]")
    assert "Example: qyzyljar audit" in done.stdout
    for option in ("--world", "--data", "--json", "--seed", "--out", "--quiet"):
        assert option in done.stdout
