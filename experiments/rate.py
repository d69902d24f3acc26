"""`qyzyljar rate`: the paper's seven steps for every settlement and year, observed or simulated."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from rich.console import Console

from calibration.rating import Rating, rate, weights_for
from calibration.rating_checks import (
    OrderCheck,
    RankStability,
    order_checks,
    rank_stability,
    scheme_rankings,
)
from calibration.rating_external import SHIPPED, ExternalFigure, read_external
from calibration.rating_figures import observed_figures
from calibration.rating_groups import criteria_of
from calibration.rating_questionnaire import Answers, read_questionnaires, template
from calibration.rating_system import LABEL, RATING_DATA, RatingSystem, rating_system
from calibration.rating_weights import SCHEMES, Scheme, WeightError
from calibration.region_geography import border_distances
from experiments.failures import BadInput, RunFailure
from experiments.forecast import read_world
from experiments.output_folder import check_writable
from experiments.rate_files import (
    write_checks,
    write_criteria,
    write_figures,
    write_groups,
    write_problems,
    write_ratings,
    write_system,
)
from experiments.rate_outputs import completed_figures, rate_scenarios, write_changes
from experiments.rate_results import SimulatedYears, of_folder
from experiments.rate_tables import (
    OFFICIAL,
    TABLES,
    coverage_table,
    group_table,
    notes,
    order_table,
    print_tables,
    problem_table,
    rating_table,
    stability_table,
    title_of,
)
from model.accounts_data import LAST_FLOW_YEAR
from model.problems import WorldError, nearest
from model.world import World

RESULTS: Final = Path("results")
NARROWEST: Final = 170
REPORT: Final = "rating.json"
TEMPLATE: Final = "4_questionnaire.csv"
FORMAT: Final = 1
CHECK_DRAWS: Final = 500
LEAST_DRAWS: Final = 100
OWN_NAMES: Final = frozenset(
    {
        "1_criteria.csv", "2_groups.csv", "3_indicators.csv", "3_rules.csv", TEMPLATE, "5_figures.csv",
        "5_coverage.csv", "6_ratings.csv", "7_problems.csv", "checks.csv", "stability.csv",
        "rating_changes.csv", "figures",
    }
)  # fmt: skip


@dataclass(frozen=True)
class RateOptions:
    """What the user asked for.

    Attributes:
        world: shipped or a file; not used with `results`. results: folder of a forecast or a comparison.
        weights: scheme. external, questionnaires: the user's files. template: only write a questionnaire there.
        draws: of weights, thresholds and missing scores. out None: a folder under results/ named by the input.
    """

    world: str = "towns"
    results: Path | None = None
    weights: str = "equal"
    external: Sequence[Path] = ()
    questionnaires: Sequence[Path] = ()
    template: Path | None = None
    draws: int = 2000
    seed: int = 1
    out: Path | None = None
    figures: bool = True
    quiet: bool = False


@dataclass(frozen=True)
class Inputs:
    """All that is read before anything is written."""

    world: World
    world_source: str
    system: RatingSystem
    scheme: Scheme
    external: tuple[ExternalFigure, ...]
    answers: Answers
    distances: Mapping[str, float]
    results: SimulatedYears | None


def run_rate(options: RateOptions) -> Path:
    """Rate the settlements, print and write every step; returns the folder (or the template's path).

    Raises:
        BadInput: wrong options or files, all problems of the user's files at once; nothing is written.
        RunFailure: the disk refuses.
    """
    inputs = _read(options)
    console = Console(quiet=options.quiet)
    if not console.is_terminal:
        console.width = max(console.width, NARROWEST)
    if options.template is not None:
        return _write_template(options.template, inputs, console)
    identity = _identity(options, inputs)
    out = options.out or RESULTS / f"rate-{inputs.world.name}-{identity[:10]}"
    _check_folder(out, identity)
    try:
        observed, simulated = _ratings(options, inputs)
    except WeightError as error:
        raise BadInput(str(error)) from None
    orders, stability = _checks(options, inputs, observed, simulated)
    try:
        _write(out, options, inputs, observed, simulated, orders, stability)
        if options.figures:
            _draw(out, options, inputs, observed, simulated)
        _write_report(out, options, inputs, identity, observed, simulated)
    except OSError as error:
        raise RunFailure(f"{out}: the rating could not be written: {error}") from error
    _print(console, inputs, observed, simulated, orders, stability)
    console.print(f"Results: {out}", markup=False, highlight=False, soft_wrap=True)
    return out


def _read(options: RateOptions) -> Inputs:
    if options.weights not in SCHEMES:
        raise BadInput(f"--weights {options.weights}: unknown" + nearest(options.weights, SCHEMES))
    if options.draws < LEAST_DRAWS:
        raise BadInput(f"--draws {options.draws}: expected at least {LEAST_DRAWS}")
    results = of_folder(options.results) if options.results is not None else None
    world = results.world if results is not None else read_world(options.world)
    source = results.world_source if results is not None else options.world
    system = rating_system()
    problems: list[str] = []
    external: tuple[ExternalFigure, ...] = ()
    answers = Answers()
    try:
        external = read_external([SHIPPED, *options.external], world, system)
    except WorldError as error:
        problems.append(str(error))
    try:
        answers = read_questionnaires(options.questionnaires, world, system)
    except WorldError as error:
        problems.append(str(error))
    if problems:
        raise BadInput("\n".join(problems))
    scheme: Scheme = options.weights
    try:
        distances = border_distances(source, world.ids[: world.n_sim])
    except WorldError:
        distances = {}
    return Inputs(world, source, system, scheme, external, answers, distances, results)


def _identity(options: RateOptions, inputs: Inputs) -> str:
    """Hash of everything that determines the results."""
    content: list[Any] = [
        FORMAT,
        inputs.world.digest,
        inputs.results.identity if inputs.results else "",
        _parts_held(inputs.results) if inputs.results else [],
        options.weights,
        options.draws,
        options.seed,
    ]
    content += [hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(RATING_DATA.iterdir())]
    content += [
        hashlib.sha256(path.read_bytes()).hexdigest() for path in (*options.external, *options.questionnaires)
    ]
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()[:16]


def _parts_held(results: SimulatedYears) -> list[tuple[str, int]]:
    """Names and sizes of the parts: a folder that has been extended by further runs gives another rating."""
    return sorted(
        (path.name, path.stat().st_size) for path in (results.folder / "parts").glob("part-*.parquet")
    )


def _check_folder(out: Path, identity: str) -> None:
    """Refuse a folder that cannot be written or holds anything but this rating."""
    held = {path.name for path in out.iterdir()} if check_writable(out) else set()
    if held <= OWN_NAMES:
        return
    try:
        there = json.loads((out / REPORT).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise BadInput(f"--out {out}: is not empty and holds no {REPORT}; choose another folder") from None
    if not isinstance(there, dict) or there.get("identity") != identity:
        raise BadInput(f"--out {out}: holds the rating of other figures or settings; choose another folder")


def _write_template(path: Path, inputs: Inputs, console: Console) -> Path:
    if path.exists():
        raise BadInput(f"--template {path}: exists already; give a new name")
    check_writable(path.parent)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(template(inputs.world, inputs.system, LAST_FLOW_YEAR), encoding="utf-8", newline="\n")
    except OSError as error:
        raise RunFailure(f"{path}: could not be written: {error.strerror}") from error
    console.print(
        f"Questionnaire: {path}\nFill in column 'answer' (leave blank what you do not know) and read it with"
        f" --questionnaire {path}; one file a respondent.",
        markup=False,
        highlight=False,
        soft_wrap=True,
    )
    return path


def _ratings(options: RateOptions, inputs: Inputs) -> tuple[dict[str, Rating], dict[str, Rating]]:
    """Ratings of the observed years by basis, and of the simulated years by scenario."""
    observed: dict[str, Rating] = {}
    for basis in (TABLES, OFFICIAL):
        figures = observed_figures(inputs.world, inputs.system, "tables" if basis == TABLES else "official")
        if basis == OFFICIAL:
            figures = completed_figures(figures, inputs.external, inputs.answers, inputs.system)
        if not figures.known().any():
            continue
        scheme: Scheme = inputs.scheme
        if basis == TABLES and scheme in ("entropy", "component"):
            scheme = "equal"  # two towns in six years are no sample to take weights from
        weights = weights_for(scheme, figures, inputs.system, inputs.answers.importance())
        observed[basis] = rate(figures, inputs.world, weights, options.draws, options.seed, inputs.system)
    simulated: dict[str, Rating] = {}
    if inputs.results is not None:
        simulated = rate_scenarios(
            inputs.results, inputs.scheme, inputs.external, inputs.answers, options.draws, options.seed
        )
    return observed, simulated


def _checks(
    options: RateOptions, inputs: Inputs, observed: Mapping[str, Rating], simulated: Mapping[str, Rating]
) -> tuple[dict[str, list[OrderCheck]], dict[str, list[RankStability]]]:
    draws = min(options.draws, CHECK_DRAWS)
    orders: dict[str, list[OrderCheck]] = {}
    stability: dict[str, list[RankStability]] = {}
    first = next(iter(simulated.items()), None)
    for name, rating in [*observed.items(), *([first] if first else [])]:
        figures = rating.figures
        if name == TABLES:
            figures = figures.only(
                tuple(place for p, place in enumerate(figures.places) if figures.known()[:, p].any())
            )
        else:
            stability[name] = rank_stability(figures, inputs.system, rating.weights, draws, options.seed)
        orders[name] = order_checks(figures, inputs.system, rating.weights, draws, options.seed)
    return {name: checks for name, checks in orders.items() if checks}, stability


def _write(
    out: Path,
    options: RateOptions,
    inputs: Inputs,
    observed: Mapping[str, Rating],
    simulated: Mapping[str, Rating],
    orders: Mapping[str, Sequence[OrderCheck]],
    stability: Mapping[str, Sequence[RankStability]],
) -> None:
    out.mkdir(parents=True, exist_ok=True)
    criteria = criteria_of(inputs.world, inputs.system, inputs.distances, inputs.answers.largest_employer())
    ratings = {**observed, **simulated}
    write_criteria(out, criteria)
    write_groups(out, criteria, inputs.system)
    write_system(out, next(iter(simulated.values()), None) or list(observed.values())[-1])
    (out / TEMPLATE).write_text(
        template(inputs.world, inputs.system, LAST_FLOW_YEAR), encoding="utf-8", newline="\n"
    )
    write_figures(out, ratings)
    write_ratings(out, ratings)
    write_problems(out, {name: rating for name, rating in ratings.items() if name != TABLES})
    write_checks(out, orders, stability)
    write_changes(out, simulated)


def _write_report(
    out: Path,
    options: RateOptions,
    inputs: Inputs,
    identity: str,
    observed: Mapping[str, Rating],
    simulated: Mapping[str, Rating],
) -> None:
    """The report last: where it stands, all is there."""
    best = simulated or observed
    rating = list(best.values())[0 if simulated else -1]
    rankings = scheme_rankings(rating.figures, inputs.system, inputs.answers.importance())
    report = {
        "format": FORMAT,
        "command": "rate",
        "identity": identity,
        "label": LABEL,
        "world": {"name": inputs.world.name, "source": inputs.world_source, "digest": inputs.world.digest},
        "results": str(inputs.results.folder) if inputs.results else None,
        "results_identity": inputs.results.identity if inputs.results else None,
        "weights": options.weights,
        "draws": options.draws,
        "seed": options.seed,
        "external": [str(path) for path in options.external],
        "questionnaires": [str(path) for path in options.questionnaires],
        "respondents": list(inputs.answers.respondents),
        "ratings": {
            name: {"years": list(one.figures.years), "runs": one.figures.values.shape[0]}
            for name, one in {**observed, **simulated}.items()
        },
        "ranking_by_scheme": {name: list(places) for name, places in rankings.items()},
    }
    path = out / REPORT
    temporary = path.with_name(f".{REPORT}.{os.getpid()}.unfinished")
    temporary.write_text(json.dumps(report, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    os.replace(temporary, path)


def _draw(
    out: Path,
    options: RateOptions,
    inputs: Inputs,
    observed: Mapping[str, Rating],
    simulated: Mapping[str, Rating],
) -> None:
    from experiments.rate_charts import draw_rating_figures

    parts = [f"World {inputs.world.name}", f"weights {options.weights}", f"seed {options.seed}"]
    if inputs.results is not None:
        parts += [f"results {inputs.results.identity}", f"parameters: {inputs.results.parameters}"]
    parts.append(
        "observed: BNS (accounts), Turkeeva, Omarov, Abilkaiyr 2022 (tables); bands: calibration/data/rating"
    )
    draw_rating_figures(
        out,
        inputs.world,
        inputs.world_source,
        observed.get(OFFICIAL),
        simulated,
        options.seed,
        "; ".join(parts) + ".",
    )


def _print(
    console: Console,
    inputs: Inputs,
    observed: Mapping[str, Rating],
    simulated: Mapping[str, Rating],
    orders: Mapping[str, Sequence[OrderCheck]],
    stability: Mapping[str, Sequence[RankStability]],
) -> None:
    world, system = inputs.world, inputs.system
    criteria = criteria_of(world, system, inputs.distances, inputs.answers.largest_employer())
    first = dict(list(simulated.items())[:1])
    shown = {**observed, **first}
    tables = [group_table(criteria, world, system), coverage_table(shown, world)]
    for name, rating in shown.items():
        if name != TABLES:
            tables += [
                rating_table(name, rating, world, len(rating.figures.years) - 1),
                problem_table(name, rating, world),
            ]
    if len(simulated) > 1:
        from experiments.rate_outputs import class_table

        tables.append(class_table(simulated, world))
    if orders:
        tables.append(order_table(orders, world))
    if any(stability.values()):
        tables.append(stability_table(stability))
    last = list(shown.values())[-1]
    rankings = scheme_rankings(last.figures, system, inputs.answers.importance())
    lines = [
        f"Order of {last.figures.years[-1]} ({title_of(list(shown)[-1])}) by scheme of weights, best first:",
        *(f"  {name}: {', '.join(places)}" for name, places in rankings.items()),
        *notes(last),
    ]
    print_tables(console, tables, lines)
