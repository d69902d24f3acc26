"""Tables of `qyzyljar extinction --world villages`: on the terminal and as CSV files."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

import numpy as np
from rich.console import Console

from calibration.village_backtest import MODEL, QUESTIONS, Backtest
from calibration.village_benchmarks import EVENTS
from calibration.village_transitions import DATA
from experiments.cost_effectiveness import DISCOUNT, PRESENT_YEAR, Ratio
from experiments.intervals import probability
from experiments.paired_statistics import Difference
from experiments.readable_table import ReadableTable
from experiments.village_parts import CLASS_NAMES, SPAN
from experiments.village_policies import FIRST_YEAR
from experiments.village_results import Counts, Floats, PolicyEffect, quantiles
from model.csv_tables import Files
from model.problems import Problems
from model.village_sites import read_counts, read_listed

LEAST_EVENTS = 2  # an event that happened less often says nothing of who foretells it
HELD_YEAR = 2020  # 1 January after the list that is held out
SHOWN_YEARS = (2015, 2018, 2020, 2025, 2030, 2035, 2040, 2045)
COUNTED = (
    ("empty", "empty"),
    ("at_most_10", "1-10 people"),
    ("under_50", "1-49 people"),
    ("under_50_three_years", "under 50 for three years, the empty included"),
    ("listed", "on the state list"),
    ("off_list_with_people", "off it with people left"),
    ("lost_school", "school lost since 2015"),
    ("lost_medical", "medical point lost"),
    ("lost_farm", "farm closed"),
)


def text_of(low: float, median: float, high: float, digits: int = 0) -> str:
    """Median with the central 90 %."""
    return f"{median:,.{digits}f} ({low:,.{digits}f}-{high:,.{digits}f})"


def print_counts(console: Console, counts: Counts) -> None:
    """Villages by year."""
    table = ReadableTable(
        title="Villages on 1 January: median and central 90 % of the runs", title_justify="left"
    )
    table.add_column("year")
    for _, title in COUNTED:
        table.add_column(title, justify="right")
    years = [year for year in SHOWN_YEARS if counts.years[0] <= year <= counts.years[-1]]
    for year in years:
        cells = [text_of(*quantiles(counts.total(name)[:, counts.at(year)])) for name, _ in COUNTED]
        table.add_row(str(year), *cells)
    console.print(table)


def dated_rows(counts: Counts, own_list: bool = False) -> list[tuple[str, str, str, str]]:
    """Dated counts beside the model: what was fitted or put in, and what was held out.

    With a user's `own_list` of villages none of them was used.
    """
    problems = Problems("dated counts of villages")
    files = Files(problems)
    fitted, held = read_counts(files), read_counts(files, DATA / "counts_2019.csv")
    problems.raise_if_any()
    rows = []
    for (measure, year), value in sorted((fitted | held).items(), key=lambda item: item[0][1]):
        if not counts.years[0] <= year <= counts.years[-1] or measure == "abolished_in_law":
            continue
        at = counts.at(year)
        is_held = (measure, year) in held
        found = counts.total("listed" if measure == "villages" else measure)[:, at]
        low, median, high = quantiles(found)
        use = "held out" if is_held else "put in" if measure == "villages" else "fitted"
        if own_list:
            use = "not used"
        elif is_held:
            use += ": inside" if low <= value <= high else ": OUTSIDE"
        title = "villages on the state list" if measure == "villages" else measure.replace("_", " ")
        rows.append((f"{title}, 1 January {year}", str(value), text_of(low, median, high), use))
        if is_held and measure == "villages":
            standing = counts.total("villages")[:, at] - counts.total("empty")[:, at]
            left = counts.total("off_list_with_people")[:, at]
            rows.append((f"villages with people, 1 January {year}", "", text_of(*quantiles(standing)), ""))
            rows.append(("  of them off the list", "", text_of(*quantiles(left)), ""))
    return rows


def print_dated(console: Console, counts: Counts, own_list: bool = False) -> None:
    """Dated counts beside the model."""
    table = ReadableTable(
        title="Dated counts of villages beside the model (nothing after the list of January 2018 was used)",
        title_justify="left",
    )
    for name in ("count", "published", "model: median (90 %)", "use"):
        table.add_column(name, justify="left" if name in ("count", "use") else "right")
    for row in dated_rows(counts, own_list):
        table.add_row(*row)
    console.print(table)


def empirical_hazards() -> dict[str, list[tuple[str, str, int, int]]]:
    """Panel, period, villages and extinct by size class."""
    files = Files(Problems("hazards of villages"))
    found: dict[str, list[tuple[str, str, int, int]]] = {}
    columns = (
        "panel", "period", "size_class", "villages", "extinct", "annual_hazard", "wilson_low", "wilson_high",
        "mean_log_growth", "sd_log_growth", "source", "quality",
    )  # fmt: skip
    for row in files.rows(DATA / "hazards.csv", columns):
        cells = row.cells
        found.setdefault(cells["size_class"], []).append(
            (cells["panel"], cells["period"], int(cells["villages"]), int(cells["extinct"]))
        )
    files.problems.raise_if_any()
    return found


def yearly(share: float) -> float:
    """Per cent a year that gives a share over the span of `village_parts.SPAN` years."""
    return float(-100.0 * np.log1p(-min(share, 0.999)) / SPAN)


def hazard_rows(hazards: dict[str, Floats]) -> list[tuple[str, str, str, str]]:
    """Hazard of emptying a year by size class, per cent: the model, its growth, and the panels."""
    empirical = empirical_hazards()
    rows = []
    for name in CLASS_NAMES:
        exposed, emptied, growth, squares = hazards[name].T
        total = float(exposed.sum())
        by_run = np.divide(emptied, exposed, out=np.zeros_like(emptied), where=exposed > 0)
        low, high = np.quantile(by_run, (0.05, 0.95)).tolist()
        if total == 0:
            shown = "no village"
        elif emptied.sum() == 0:
            shown = f"under {yearly(probability(0, int(total)).high):.4f}"
        else:
            digits = 2 if emptied.sum() / total > 0.005 else 4
            shown = (
                f"{yearly(float(emptied.sum()) / total):.{digits}f} ({yearly(low):.2f}-{yearly(high):.2f})"
            )
        stayed = max(total - float(emptied.sum()), 1.0)
        mean = float(growth.sum()) / stayed
        sd = float(np.sqrt(max(float(squares.sum()) / stayed - mean**2, 0.0)))
        beside = []
        for panel, period, villages, extinct in empirical.get(name, ()):
            first, last = (int(year) for year in period.split("-"))
            spread = probability(extinct, villages)
            low, share, high = (
                float(-100 * np.log1p(-min(p, 0.999)) / (last - first))
                for p in (spread.low, spread.share, spread.high)
            )
            text = f"under {high:.2f}" if extinct == 0 else f"{share:.2f} ({low:.2f}-{high:.2f})"
            beside.append(f"{panel} {period}: {text}")
        rows.append((name, shown, f"{mean / SPAN:+.3f}, sd {sd / np.sqrt(SPAN):.2f}", "; ".join(beside)))
    return rows


def print_hazards(console: Console, hazards: dict[str, Floats], first: int) -> None:
    """Hazards by size class beside the empirical ones."""
    table = ReadableTable(
        title=f"Chance of emptying a year by size class of {first}, over {SPAN} years, per cent",
        title_justify="left",
    )
    for name in (
        "people",
        "model: mean (90 % of runs)",
        "model: log growth a year",
        "empirical (95 % Wilson)",
    ):
        table.add_column(name, justify="left" if name.startswith("emp") else "right")
    for row in hazard_rows(hazards):
        table.add_row(*row)
    console.print(table)


def district_rows(counts: Counts, names: dict[str, str]) -> list[tuple[str, str, str, str, str]]:
    """Districts by the share of their villages that are empty or under 50 for three years at the horizon."""
    share = counts.values["under_50_three_years"][:, -1] / counts.values["villages"][:, -1]
    empty = counts.values["empty"][:, -1] / counts.values["villages"][:, -1]
    people = counts.values["people"][:, -1] / counts.values["people"][:, 0]
    rank = (-share).argsort(axis=1).argsort(axis=1) + 1
    order = np.argsort(-share.mean(axis=0), kind="stable")
    rows = []
    for d in order.tolist():
        low, high = np.quantile(rank[:, d], (0.05, 0.95))
        rows.append(
            (
                names.get(counts.districts[d], counts.districts[d]),
                text_of(*quantiles(100 * share[:, d])),
                text_of(*quantiles(100 * empty[:, d])),
                text_of(*quantiles(100 * people[:, d])),
                f"{low:.0f}-{high:.0f}",
            )
        )
    return rows


def print_districts(console: Console, counts: Counts, names: dict[str, str]) -> None:
    """Ranking of districts."""
    table = ReadableTable(
        title=f"Districts on 1 January {counts.years[-1]}, per cent of their villages (of people: per cent of 2015)",
        title_justify="left",
    )
    for name in ("district", "under 50 for three years or empty", "empty", "people", "rank, 90 % of runs"):
        table.add_column(name, justify="left" if name == "district" else "right")
    for row in district_rows(counts, names):
        table.add_row(*row)
    console.print(table)


def mean_cell(difference: Difference, scale: float = 1.0, digits: int = 1) -> str:
    """Mean with its 95 % interval; nothing in any run is said so."""
    if difference.is_zero:
        return "none in any run"
    low, high = (bound / scale for bound in difference.of_mean)
    return f"{difference.mean / scale:+,.{digits}f} ({low:+,.{digits}f} to {high:+,.{digits}f})"


def price_cell(ratio: Ratio) -> str:
    """Expected cost per village-year with Fieller's 95 % interval, or why it is undefined."""
    if not np.isfinite(ratio.expected) or ratio.of_expected is None:
        return f"undefined: {ratio.reason}"
    low, high = ratio.of_expected
    return f"{ratio.expected:,.0f} ({low:,.0f} to {high:,.0f})"


def over_runs_cell(difference: Difference) -> str:
    """Central 90 % of the runs."""
    return f"{difference.most[0]:+,.0f} to {difference.most[1]:+,.0f}"


def listed_rows(counts: Counts, names: dict[str, str]) -> list[tuple[str, str, str, str]]:
    """Villages on the state list at the end of 2019 by district: published, held out, beside the model."""
    problems = Problems("villages by district")
    published = read_listed(Files(problems), DATA / "districts_2019.csv")
    problems.raise_if_any()
    rows = []
    for d, district in enumerate(counts.districts):
        if district not in published or not counts.years[0] <= HELD_YEAR <= counts.years[-1]:
            continue
        low, median, high = quantiles(counts.values["listed"][:, counts.at(HELD_YEAR), d])
        inside = low <= published[district] <= high
        rows.append(
            (
                names.get(district, district),
                str(published[district]),
                text_of(low, median, high),
                "inside" if inside else "OUTSIDE",
            )
        )
    return rows


def print_listed(console: Console, counts: Counts, names: dict[str, str]) -> None:
    """The held-out list by district."""
    rows = listed_rows(counts, names)
    if not rows:
        return
    inside = sum(row[3] == "inside" for row in rows)
    table = ReadableTable(
        title=f"Held out: villages on the state list by district at the end of {HELD_YEAR - 1}; {inside} of "
        f"{len(rows)} inside the model's 90 %",
        title_justify="left",
    )
    for name in ("district", "published", "model: median (90 %)", ""):
        table.add_column(name, justify="left" if name in ("district", "") else "right")
    for row in rows:
        table.add_row(*row)
    console.print(table)


def print_policies(console: Console, effects: Sequence[PolicyEffect], horizon: int) -> None:
    """Policies in villages saved and cost per village-year."""
    runs = effects[0].saved.runs
    table = ReadableTable(
        title=f"Policies from {FIRST_YEAR} against the baseline on the same draws, {horizon}: "
        f"mean (95 %) of {runs} pairs",
        title_justify="left",
        show_lines=True,
    )
    for name in (
        "policy", "villages of 50 and more", "over runs (90 %)", "villages not empty", "village-years of 50 and more",
        "people", "billion KZT", "million KZT a village-year",
    ):  # fmt: skip
        table.add_column(name, justify="left" if name == "policy" else "right")
    for effect in effects:
        table.add_row(
            effect.case.title,
            mean_cell(effect.saved),
            over_runs_cell(effect.saved),
            mean_cell(effect.alive),
            mean_cell(effect.village_years, digits=0),
            mean_cell(effect.people, digits=0),
            mean_cell(effect.cost, 1000.0, 0),
            price_cell(effect.per_village_year),
        )
    console.print(table)
    console.print(
        f"Money: KZT at 2020 prices, public, present value of 1 January {PRESENT_YEAR} at {100 * DISCOUNT:g} % a year "
        "(assumption); village-years are discounted alike, villages and people at the horizon are not. Cost per "
        "village-year: mean cost over mean gain with Fieller's 95 % interval, undefined where the gain includes 0.",
        style="dim", markup=False, highlight=False,
    )  # fmt: skip


def backtest_rows(found: Backtest) -> list[tuple[str, ...]]:
    """Brier scores by question, event and contestant."""
    titles = {event.name: event.title for event in EVENTS}
    return [
        (
            score.question,
            titles[score.event],
            score.contestant,
            str(score.villages),
            f"{score.events} ({score.expected:.1f})",
            f"{score.brier:.4f}",
            f"{score.skill:+.2f}",
            ""
            if score.contestant == MODEL
            else f"{score.difference:+.4f} ({score.low:+.4f} to {score.high:+.4f})",
        )
        for score in found.scores
        if score.events >= LEAST_EVENTS
    ]


def width_rows(found: Backtest) -> list[tuple[str, ...]]:
    """Whether forecasts of ln people were wide enough, by question, contestant and class of size."""
    return [
        (
            width.question, width.contestant, width.size, str(width.villages), f"{width.rms:.2f}",
            f"{width.sd:.2f}", f"{width.inside} of {width.villages}", f"{width.crps:.3f}",
        )
        for width in found.widths
    ]  # fmt: skip


def verdict(found: Backtest, question: str) -> str:
    """The plain statement whether the model beats the benchmarks in one question."""
    rivals = [
        score
        for score in found.scores
        if score.question == question and score.contestant != MODEL and score.events >= LEAST_EVENTS
    ]
    better = sum(score.low > 0.0 for score in rivals)
    worse = sum(score.high < 0.0 for score in rivals)
    ahead = sum(score.difference > 0.0 for score in rivals)
    gain, low, high = found.crps_difference[question]
    text = (
        f"{question.capitalize()}: in {ahead} of {len(rivals)} comparisons the model has the lower Brier score; the "
        f"90 % interval of the difference excludes nought in {better} in its favour, in {worse} against it. CRPS of ln "
        f"people, Wiener less model: {gain:+.4f} ({low:+.4f} to {high:+.4f}). "
    )
    if high < 0.0:
        text += "Of how many people are left a drifted random walk is the better forecaster. "
    if better and not worse and high > 0.0:
        return text + "The model beats the benchmarks where they can be told apart."
    if (worse or high < 0.0) and better:
        return text + "The model beats some benchmarks and is beaten by others."
    if worse or high < 0.0:
        return text + "The model is beaten by the benchmarks."
    return text + "The model neither beats the benchmarks nor is beaten."


def print_backtest(console: Console, found: Backtest) -> None:
    """Brier scores, widths and the statements."""
    table = ReadableTable(
        title="Villages of 1999 foretold to 2009, each district by what others tell (mean growth given to all); "
        f"events that happened {LEAST_EVENTS} times or more",
        title_justify="left",
    )
    for name in (
        "learned from", "event", "contestant", "villages", "events (expected)", "Brier", "skill",
        "Brier less the model's (90 %)",
    ):  # fmt: skip
        table.add_column(name, justify="left" if name in ("learned from", "event", "contestant") else "right")
    for row in backtest_rows(found):
        table.add_row(*row)
    console.print(table)
    wide = ReadableTable(
        title="Are forecasts of ln people wide enough? By people in 1999", title_justify="left"
    )
    for name in (
        "learned from", "contestant", "people", "villages", "errors (rms)", "sd stated", "inside 90 %", "CRPS"
    ):  # fmt: skip
        wide.add_column(name, justify="left" if name in ("learned from", "contestant") else "right")
    for row in width_rows(found):
        wide.add_row(*row)
    console.print(wide)
    for question in QUESTIONS:
        console.print(verdict(found, question), markup=False, highlight=False)


def csv_text(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A CSV file's content."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue()


def summary_text(scenarios: dict[str, Counts]) -> str:
    """Content of summary.csv: every measure by scenario, year and district (and all), mean and quantiles over runs."""
    rows = []
    for scenario, counts in scenarios.items():
        for name, values in counts.values.items():
            whole = np.concatenate([values, values.sum(axis=2, keepdims=True)], axis=2)
            figures = np.quantile(whole, (0.05, 0.25, 0.5, 0.75, 0.95), axis=0)
            mean = whole.mean(axis=0)
            for t, year in enumerate(counts.years.tolist()):
                for d, district in enumerate((*counts.districts, "all")):
                    cells = [f"{mean[t, d]:.10g}", *(f"{q[t, d]:.10g}" for q in figures)]
                    rows.append((scenario, year, district, name, len(values), *cells))
    header = (
        "scenario",
        "year",
        "district",
        "variable",
        "runs",
        "mean",
        "q05",
        "q25",
        "median",
        "q75",
        "q95",
    )
    return csv_text(header, rows)


def csv_tables(
    counts: Counts, hazards: dict[str, Floats], names: dict[str, str], own_list: bool = False
) -> dict[str, str]:
    """Contents of the CSV tables of the baseline by file name."""
    return {
        "dated_counts.csv": csv_text(("count", "published", "model", "use"), dated_rows(counts, own_list)),
        "hazards.csv": csv_text(
            ("size_class", "model_per_cent", "model_growth", "empirical"), hazard_rows(hazards)
        ),
        "listed_2019.csv": csv_text(("district", "published", "model", "use"), listed_rows(counts, names)),
        "districts.csv": csv_text(
            ("district", "under_50_three_years_or_empty", "empty", "people_of_2015", "rank"),
            district_rows(counts, names),
        ),
    }


def policies_text(effects: Sequence[PolicyEffect]) -> str:
    """Content of policies.csv."""
    measures = ("alive", "saved", "village_years", "people", "cost")
    header = ["policy", "future", "runs"]
    header += [
        f"{name}_{q}" for name in measures for q in ("mean", "low95", "high95", "median", "q05", "q95")
    ]
    header += [f"million_kzt_per_village_year{q}" for q in ("", "_low95", "_high95")] + ["undefined_because"]
    rows = []
    for effect in effects:
        cells: list[object] = []
        for name in measures:
            one: Difference = getattr(effect, name)
            cells += [f"{v:.6g}" for v in (one.mean, *one.of_mean, one.median, *one.most)]
        ratio = effect.per_village_year
        price = (ratio.expected, *(ratio.of_expected or (float("nan"),) * 2))
        cells += ["" if np.isnan(v) else f"{v:.6g}" for v in price]
        own = effect.case
        rows.append((own.name.partition("@")[0], own.future.name, effect.saved.runs, *cells, ratio.reason))
    return csv_text(header, rows)


def backtest_text(found: Backtest) -> str:
    """Content of backtest.csv: every event, also those that happened never or once."""
    header = (
        "learned_from", "event", "contestant", "villages", "events", "expected", "brier", "skill",
        "brier_less_models", "low90", "high90",
    )  # fmt: skip
    return csv_text(
        header,
        [
            (
                s.question, s.event, s.contestant, s.villages, s.events,
                *(f"{v:.6g}" for v in (s.expected, s.brier, s.skill, s.difference, s.low, s.high)),
            )
            for s in found.scores
        ],
    )  # fmt: skip


def widths_text(found: Backtest) -> str:
    """Content of backtest_widths.csv."""
    header = (
        "learned_from", "contestant", "people_1999", "villages", "rms_error", "sd_stated", "inside_90", "crps"
    )  # fmt: skip
    return csv_text(header, width_rows(found))
