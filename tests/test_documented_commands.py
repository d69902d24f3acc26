"""Every command of the pages is run, not only read: page by page, in order, in sizes cut down by the rule below."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from docs.generate import README
from experiments.command_line import app
from model.world import DATA
from tests.test_docs import DOCS, FILE, PROJECT, allows_what_is_left_out, blocks, commands, inline_commands

# What is put behind a documented command: an option given twice counts as given last. A command that names none of
# them stands for its subcommands. Longest name first.
SMALLER: dict[tuple[str, ...], tuple[str, ...]] = {
    ("forecast",): ("--runs", "3", "--horizon", "2022", "--no-figures"),
    ("compare",): ("--runs", "2", "--horizon", "2032", "--no-figures"),
    ("brief",): ("--runs", "2", "--horizon", "2032", "--no-pdf"),
    ("extinction",): ("--runs", "3", "--horizon", "2032", "--no-figures"),
    ("rate",): ("--draws", "100", "--no-figures"),
    ("audit",): ("--no-figures",),
    ("calibrate",): ("--quick", "--no-figures"),
    ("validate",): ("--quick", "--no-figures"),
    ("sensitivity", "morris"): ("--trajectories", "4", "--no-figures"),
    # All factors together would be thousands of runs
    ("sensitivity", "sobol"): (
        "--base", "32", "--factors", "regime_weight", "--factors", "chance", "--no-interactions", "--no-blocks",
        "--policy", "none", "--future", "none", "--no-figures",
    ),
    ("sensitivity", "pawn"): ("--runs", "200", "--no-figures"),
    ("sensitivity", "ledger"): (
        "--draws", "8", "--replicates", "2", "--runs", "60", "--horizon", "2030", "--no-figures",
    ),
    ("sensitivity", "discover"): ("--runs", "60", "--horizon", "2032", "--no-figures"),
    ("scenarios",): (),
}  # fmt: skip
VILLAGES = ("--no-backtest", "--horizon", "2030")  # a drought of the future starts in 2028
NOT_RUN = {
    "dashboard": "does not end by itself; tests/test_dashboard_browser.py uses its pages",
    "bench": "measures for minutes; tests/test_bench.py runs its measurements on small worlds",
    "--cluster": "needs a scheduler; tests/test_shards.py starts one",
    "--install": "writes into the project; the same command without it is run",
    "--pyabc-direct": "an optional package; tests/test_abc_smc.py runs it",
    "--pyabc": "an optional package; tests/test_abc_smc.py runs it, and looks at what is said without it",
}
# Of these a run in small takes seconds; those of all others, and all of a page that has them, are slow
QUICK = ("scenarios", "audit", "rate")

PAGES = [README, *sorted(DOCS.rglob("*.md"))]


def documented(page: Path) -> list[tuple[list[str], int]]:
    """Commands of a page in order, with their exit codes, but those of NOT_RUN."""
    return [
        (words, code)
        for block in blocks(page)
        if block.language in ("", "sh", "text")
        for words, code in commands(block)
        if words and words[0] not in ("bundle", "test", "check", "--from") and not not_run(words)
    ]


def not_run(words: list[str]) -> str | None:
    """Why a command is not run, or None."""
    return next((reason for word, reason in NOT_RUN.items() if word in words), None)


def reduced(words: list[str], place: str) -> list[str]:
    """A documented command with smaller sizes, in a folder of its own where it names none."""
    if words[0] == "forecast" and "--list-parameters" in words:
        return words
    rule = next((rule for name, rule in SMALLER.items() if tuple(words[: len(name)]) == name), None)
    assert rule is not None, f"no rule for {words}"
    if "--verify" in words:
        rule = (*rule, "--verify", "2")
    if words[0] == "extinction" and any("villages" in word for word in words):
        rule = (*rule, *VILLAGES)
    if words[0] == "validate" and "--fold" not in words:
        rule = (*rule, "--fold", "last_years")
    own = [] if "--out" in words or words[0] == "scenarios" or "--template" in words else ["--out", place]
    return [*words, *rule, *own]


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the files that the pages tell a reader to have."""
    monkeypatch.chdir(tmp_path)
    for page in (README, DOCS / "tutorials" / "own-settlement.md"):
        for block in blocks(page):
            file = FILE.fullmatch(block.before)
            if file:
                Path(file[1]).write_text(block.text, encoding="utf-8")
    shutil.copytree(DATA / "worlds" / "template", "template")
    shutil.copy(DATA / "worlds" / "template.toml", "my_world.toml")
    shutil.copy(DATA / "worlds" / "villages.toml", "my_villages.toml")
    shutil.copy(PROJECT / "calibration" / "data" / "rating" / "external.csv", "akimat.csv")
    Path("my_figures").mkdir()
    shutil.copy(DATA / "accounts.csv", "my_figures")
    Path("results/own_posterior").mkdir(parents=True)
    draws = "chi,tau\n" + "".join(f"{0.1 + k / 1000},{0.4 + k / 1000}\n" for k in range(100))
    Path("results/own_posterior/draws.csv").write_text(draws, encoding="utf-8")
    return tmp_path


def make_ready(words: list[str]) -> None:
    """What a reader does by hand between two commands of a page."""
    if words[0] in ("compare", "brief") or words[:2] == ["scenarios", "check"]:
        if "my_policy.toml" in words and not Path("my_policy.toml").exists():
            call(["scenarios", "new", "my_policy"], 0)
    elif "--questionnaire" in words:
        with open("form.csv", encoding="utf-8", newline="") as file:
            asked = list(csv.DictReader(file))
        for row in asked:
            row["answer"] = {"grade": "3", "employer": "30", "importance": "5"}[row["section"]]
        with open("form.csv", "w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, list(asked[0]))
            writer.writeheader()
            writer.writerows(asked)


def call(words: list[str], code: int) -> None:
    result = CliRunner().invoke(app, words)
    assert result.exit_code == code, f"qyzyljar {' '.join(words)}\n{result.output}"


def run_all(asked: list[tuple[list[str], int]]) -> None:
    for number, (words, code) in enumerate(asked):
        make_ready(words)
        call(reduced(words, f"out{number}"), code)


def is_quick(words: list[str]) -> bool:
    return words[0] in QUICK and "--results" not in words and "--world" not in words


QUICK_PAGES = [page for page in PAGES if any(is_quick(words) for words, _ in documented(page))]


@pytest.mark.parametrize("page", QUICK_PAGES, ids=lambda page: page.stem)
def test_quick_commands_of_a_page_run(page: Path, desk: Path) -> None:
    run_all([(words, code) for words, code in documented(page) if is_quick(words)])


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize(
    "page",
    [
        page for page in PAGES if page.parent.name != "tutorials" and documented(page)
    ],  # those run as they stand
    ids=lambda page: page.stem,
)
def test_all_commands_of_a_page_run(page: Path, desk: Path) -> None:
    run_all(documented(page))


GROUPS = (["scenarios"], ["sensitivity"])  # named in sentences without a command


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_commands_inside_sentences_run(desk: Path) -> None:
    in_blocks = [words for page in PAGES for words, _ in documented(page)]
    asked: list[list[str]] = []
    for page in PAGES:
        for named in inline_commands(page.read_text(encoding="utf-8")):
            words = allows_what_is_left_out(named[:2] if named[:2] == ["scenarios", "new"] else named)
            left_out = not_run(words) or named in GROUPS or page.parent.name == "generated"
            if not left_out and words not in (*in_blocks, *asked):
                asked.append(words)
    assert len(asked) > 10
    bus = next(block for block in blocks(README) if FILE.fullmatch(block.before))
    Path("my.toml").write_text(bus.text, encoding="utf-8")  # what stands for a file of the reader
    for number, words in enumerate(asked):
        if "--verify" in words:  # "with the folder of a finished run"
            call(reduced(["forecast"], f"sentence{number}"), 0)
        make_ready(words)
        call(reduced(words, f"sentence{number}"), 0)


def test_what_is_not_run_is_on_a_page() -> None:
    every = [
        words
        for page in PAGES
        for block in blocks(page)
        if block.language in ("", "sh", "text")
        for words, _ in commands(block)
    ]
    assert [word for word in NOT_RUN if not any(word in words for words in every)] == []
    assert [name for name in SMALLER if not any(tuple(words[: len(name)]) == name for words in every)] == []
