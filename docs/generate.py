"""Writes what the documentation says about the model from the model's own declarations.

`python -m docs.generate` writes `docs/generated/*.md` and the generated part of README.md; with `--check` it writes
nothing and ends with 1 where a file is no longer what the declarations say. A test calls the latter.
"""

from __future__ import annotations

import argparse
import csv
import inspect
import re
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

from model.accounts import Ledger
from model.agents import Household, Person
from model.choice import Places
from model.declarations import DECLARATIONS, KINDS, Declaration, village_declarations
from model.engine import Engine
from model.labour import Centres
from model.levers import Levers
from model.migration import Students
from model.parameters import ParameterSpace
from model.place_agents import Destination, Settlement
from model.place_attribute import PlaceAttribute
from model.population import SECTOR_NAMES, STATUS_NAMES, Households, People
from model.record import COLUMNS
from model.row_attribute import RowAttribute
from model.settlements import Settlements
from model.world import load_world
from model.zones import Project

PROJECT = Path(__file__).resolve().parent.parent
FOLDER = PROJECT / "docs" / "generated"
DATA = PROJECT / "model" / "data"
README = PROJECT / "README.md"
LABELS = PROJECT / "calibration" / "data" / "validation"
# Parameters have a page of their own; the last two were made by `qyzyljar` from the others
NO_DATA = ("parameters.csv", "posterior.csv", "design.csv")
BEGIN, END = "<!-- generated: validation -->", "<!-- end of generated -->"
NOTICE = "<!-- Written by `python -m docs.generate`; change the declarations, not this file. -->\n\n"
SERIES = ("territory", "variable", "unit", "year", "value", "source", "quality")
INDICATORS = {
    "births": "births",
    "deaths": "deaths",
    "net_migration": "net migration",
    "population_1jan": "population",
    "wage_monthly_nominal": "wage",
    "unemployment_rate": "unemployment",
}
PARAMETER_HEADER = ("name", "symbol", "meaning", "unit", "default", "prior", "range", "kind", "source")
VERDICT_HEADER = (
    "indicator", "forecast of", "places where the model beats all naive forecasters", "CRPS of the model",
    "CRPS of the best naive forecaster",
)  # fmt: skip
FOLDS = {
    "last_years": "2019-2020 from 2015-2018",
    "left_out": "2015-2020 as the place left out",
    "region": "2015-2020 from 2009-2014",
    "region_last_years": "2019-2020 from the years to 2018",
}


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a Markdown table; bars inside cells are escaped."""
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    for row in rows:
        cells = (" ".join(str(cell).split()).replace("|", "\\|") for cell in row)
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def first_line(thing: Any) -> str:
    """First paragraph of a docstring."""
    return " ".join((inspect.getdoc(thing) or "").split("\n\n")[0].split())


def schedule() -> str:
    """The year: the plan of the engine with what each phase does."""
    return table(
        ("phase", "name", "equations", "runs", "does"),
        (
            (
                phase.number,
                phase.name,
                phase.equations or "-",
                f"`Engine.{phase.run}`",
                re.sub(r"^Phases? [\d, and]+: ", "", first_line(getattr(Engine, phase.run))),
            )
            for phase in Engine.PLAN
        ),
    )


def described_attributes(kind: type, descriptor: type) -> list[tuple[str, str]]:
    """Name and meaning of the attributes of an agent, its own and inherited, in alphabetical order."""
    found = ((name, inspect.getattr_static(kind, name)) for name in dir(kind))
    return [(f"`{name}`", str(value.__doc__)) for name, value in found if isinstance(value, descriptor)]


def columns_of(kind: Any) -> list[tuple[str, str]]:
    """Names and types of the columns of a named tuple or data class."""
    return [(f"`{name}`", f"`{annotation}`") for name, annotation in inspect.get_annotations(kind).items()]


def quoted_docstring(kind: Any) -> str:
    """The docstring as it stands in the code."""
    return f"```text\n{inspect.getdoc(kind)}\n```\n"


def state() -> str:
    """State variables: agents as seen from outside, then the columns as the docstrings of the code describe them."""
    parts = []
    for agent in (Person, Household):
        parts.append(f"**{agent.__name__}** (`model/agents.py`). {first_line(agent)}\n\n")
        parts.append(table(("attribute", "meaning"), described_attributes(agent, RowAttribute)) + "\n")
    parts.append("What a person does (`status`): " + ", ".join(STATUS_NAMES) + ".\n")
    parts.append("Sectors of jobs: " + ", ".join(SECTOR_NAMES) + ".\n\n")
    for place in (Settlement, Destination):
        parts.append(f"**{place.__name__}** (`model/place_agents.py`). {first_line(place)}\n\n")
        parts.append(table(("attribute", "meaning"), described_attributes(place, PlaceAttribute)) + "\n")
    tables: tuple[tuple[str, Any], ...] = (
        ("Columns of persons", People),
        ("Columns of households", Households),
        ("Zone projects", Project),
        ("Columns of settlements", Settlements),
        ("What people see of every place", Places),
        ("Where commuters may work", Centres),
        ("Students away", Students),
        ("Accounts of a year", Ledger),
    )
    for title, kind in tables:
        parts.append(f"**{title}** (`{kind.__module__}.{kind.__name__}`)\n\n{quoted_docstring(kind)}\n")
        names = ", ".join(f"{name} {annotation}" for name, annotation in columns_of(kind))
        parts.append(f"Columns: {names}.\n\n")
    return "".join(parts)


def outputs() -> str:
    """Columns of the table of results."""
    return table(
        ("column", "unit", "meaning", "dated"),
        (
            (f"`{c.name}`", c.unit, c.meaning, "year that begins" if c.is_flow else "1 January")
            for c in COLUMNS
        ),
    )


def _declared(d: Declaration) -> tuple[str, ...]:
    """Row of a parameter."""
    return (
        f"`{d.name}`" + (f" by place ({d.per})" if d.per else ""),
        d.symbol,
        d.meaning,
        d.unit,
        f"{d.default:g}",
        d.prior.describe() if d.prior else "fixed",
        f"{d.low:g} to {d.high:g}",
        d.kind,
        d.source,
    )


def parameters() -> str:
    """Every declared parameter by block, and what a place of the world `towns` has of its own."""
    counts = ", ".join(f"{kind} {sum(d.kind == kind for d in DECLARATIONS)}" for kind in KINDS)
    space = ParameterSpace(load_world("towns"))
    parts = [
        f"{len(DECLARATIONS)} declarations ({counts}); {len(space.parameters)} values in the world `towns`, "
        "where a parameter of places has one value each.\n\n"
    ]
    for block in dict.fromkeys(d.block for d in DECLARATIONS):
        rows = [_declared(d) for d in DECLARATIONS if d.block == block]
        parts.append(f"**{block}**\n\n{table(PARAMETER_HEADER, rows)}\n")
    villages = table(PARAMETER_HEADER, map(_declared, village_declarations()))
    parts.append(f"**Only in worlds of villages**\n\n{villages}\n")
    own = [
        (f"`{p.name}`", f"{p.default:.4g}", p.prior.describe() if p.prior else "fixed")
        for p in space.parameters
        if p.place and (p.default, p.prior) != (p.declaration.default, p.declaration.prior)
    ]
    parts.append("**Places of `towns` that have a default or a prior of their own**\n\n")
    parts.append(table(("name", "default", "prior"), own))
    return "".join(parts)


def levers() -> str:
    """The arrays that policies and futures change."""
    return quoted_docstring(Levers)


def _rows(path: Path) -> tuple[list[str], list[dict[str, str]]]:
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        rows = list(reader)
        return list(reader.fieldnames or ()), rows


def _runs_of_years(years: Sequence[int]) -> str:
    """Years as ranges: 2009-2014, 2016."""
    ranges: list[list[int]] = []
    for year in years:
        if ranges and year == ranges[-1][1] + 1:
            ranges[-1][1] = year
        else:
            ranges.append([year, year])
    return ", ".join(f"{a}-{b}" if a != b else str(a) for a, b in ranges)


def _series_table(rows: Sequence[dict[str, str]]) -> str:
    """Every figure of a file in long form: one line a series of one source and quality."""
    groups: dict[tuple[str, ...], list[tuple[int, str]]] = defaultdict(list)
    for row in rows:
        key = tuple(row[name] for name in ("territory", "variable", "unit", "quality", "source"))
        groups[key].append((int(row["year"]), row["value"]))
    return table(
        ("territory", "variable", "unit", "years", "figures", "quality", "source"),
        (
            (territory, variable, unit, _runs_of_years([year for year, _ in sorted(points)]),
             ", ".join(value for _, value in sorted(points)), quality, source)
            for (territory, variable, unit, quality, source), points in sorted(groups.items())
        ),
    )  # fmt: skip


def _age_table(header: Sequence[str], rows: Sequence[dict[str, str]]) -> str:
    """Figures by single age: one line a sex, year and source, from the youngest age on."""
    value = next(name for name in header if name in ("persons", "rate"))
    keys = [name for name in header if name not in ("age", value)]
    groups: dict[tuple[str, ...], list[tuple[int, str]]] = defaultdict(list)
    for row in rows:
        groups[tuple(row[name] for name in keys)].append((int(row["age"]), row[value]))
    return table(
        (*keys, "ages", f"{value}, by age"),
        (
            (*key, _runs_of_years([age for age, _ in sorted(points)]), ", ".join(v for _, v in sorted(points)))
            for key, points in groups.items()
        ),
    )  # fmt: skip


def data_files() -> list[Path]:
    """Data files whose figures the data page prints; parameters and draws of posteriors are not data."""
    elsewhere = (
        "calibration/data",
        "calibration/data/rating",
        "calibration/data/villages",
        "experiments/data",
    )
    found = sorted(DATA.glob("*.csv")) + sorted((DATA / "villages").glob("*.csv"))
    found += sorted((PROJECT / "scenarios" / "data").glob("*.csv"))
    for folder in elsewhere:
        found += sorted((PROJECT / folder).glob("*.csv"))
    return [path for path in found if path.name not in NO_DATA]


def data_name(path: Path) -> str:
    """Name of a data file on the data page: its path in `model/data/`, of others in the project."""
    return path.relative_to(DATA if path.is_relative_to(DATA) else PROJECT).as_posix()


def data() -> str:
    """Every figure of the data files with unit, source and quality."""
    summary, parts = [], []
    for path in data_files():
        header, rows = _rows(path)
        name = data_name(path)
        counts: dict[str, int] = defaultdict(int)
        for row in rows:
            counts[row.get("quality") or "in its text"] += 1
        qualities = ", ".join(f"{quality} {count}" for quality, count in sorted(counts.items()))
        summary.append((f"`{name}`", len(rows), qualities))
        if tuple(header) == SERIES:
            body = _series_table(rows)
        elif "age" in header:
            body = _age_table(header, rows)
        else:
            body = table(header, ([row[column] for column in header] for row in rows))
        parts.append(f"## `{name}`\n\n{body}\n")
    return table(("file", "rows", "quality"), summary) + "\n" + "".join(parts)


def commands() -> str:
    """Commands with what they do."""
    import typer

    from experiments.command_line import app

    def listed(group: Any, prefix: str) -> list[tuple[str, str]]:
        rows = []
        for name, command in group.commands.items():
            full = f"{prefix} {name}"
            rows.append((f"`{full}`", " ".join((command.help or "").split("\n\n")[0].split())))
            if hasattr(command, "commands"):
                rows.extend(listed(command, full))
        return rows

    return table(("command", "does"), listed(typer.main.get_command(app), "qyzyljar"))


def three_digits(value: float) -> str:
    """A number with three significant digits, thousands separated."""
    return f"{float(f'{value:.3g}'):,g}"


def validation() -> str:
    """The shipped verdicts against naive forecasters, or the plain statement that there are none."""
    files = sorted(LABELS.glob("*.csv"), key=lambda path: (path.stem != "towns", path.stem))
    if not files:
        return (
            "No verdicts of `qyzyljar validate` ship with this version: whether a forecast beats a rule of thumb has "
            "to be made first (`qyzyljar validate --install`). Until then treat every forecast as not validated.\n"
        )
    parts = []
    for path in files:
        _, rows = _rows(path)
        beaten = sum(row["beaten"] == "0" for row in rows)
        groups: dict[tuple[str, str], list[dict[str, str]]] = defaultdict(list)
        for row in rows:
            groups[(row["series"], row["fold"])].append(row)
        parts.append(
            f"World `{path.stem}`: of {len(rows)} indicators of single places and folds the model scored better than "
            f"*every* naive forecaster in {beaten}.\n\n"
        )
        rows_of_table = [
            (
                INDICATORS.get(series, series),
                FOLDS.get(fold, fold),
                f"{sum(row['beaten'] == '0' for row in group)} of {len(group)}",
                three_digits(fmean(float(row["crps_model"]) for row in group)),
                three_digits(fmean(float(row["crps_best"]) for row in group)),
            )
            for (series, fold), group in groups.items()
        ]
        parts.append(table(VERDICT_HEADER, rows_of_table) + "\n")
    parts.append(
        "CRPS, the mean score of a forecast's whole distribution, in the unit of the indicator: smaller is better. The "
        "best naive forecaster is picked for each place after the fact, a hard test on purpose. All folds, scores and "
        "what they say: `docs/validation.md`.\n"
    )
    return "".join(parts)


FRAGMENTS: dict[str, Callable[[], str]] = {
    "schedule": schedule,
    "state": state,
    "outputs": outputs,
    "parameters": parameters,
    "levers": levers,
    "data": data,
    "commands": commands,
    "validation": validation,
}


def readme(text: str, section: str) -> str:
    """README with the text between the markers replaced.

    Raises:
        ValueError: the markers are not there.
    """
    pattern = re.compile(re.escape(BEGIN) + r"\n.*?" + re.escape(END), re.DOTALL)
    new, count = pattern.subn(lambda _: f"{BEGIN}\n{section.rstrip()}\n{END}", text)
    if count != 1:
        raise ValueError(f"README.md: expected one '{BEGIN}' ... '{END}', found {count}")
    return new


def pages() -> dict[Path, str]:
    """All generated files with the text that they should have."""
    made = {FOLDER / f"{name}.md": NOTICE + make().rstrip() + "\n" for name, make in FRAGMENTS.items()}
    made[README] = readme(README.read_text(encoding="utf-8"), validation())
    return made


def stale() -> list[Path]:
    """Generated files that are not what the declarations say."""
    return [
        path
        for path, text in pages().items()
        if not path.is_file() or path.read_text(encoding="utf-8") != text
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the generated files, or check them."""
    parser = argparse.ArgumentParser(description="Write the generated parts of the documentation.")
    parser.add_argument(
        "--check", action="store_true", help="write nothing; end with 1 where one is out of date"
    )
    if parser.parse_args(arguments).check:
        old = stale()
        for path in old:
            print(f"{path.relative_to(PROJECT)} is out of date: python -m docs.generate", file=sys.stderr)
        return 1 if old else 0
    for path, text in pages().items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
