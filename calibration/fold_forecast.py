"""The model's own forecast of a fold: fitted to what the fold knows and nothing else, run on, recorded with errors."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from calibration.audit_data import AuditData, published
from calibration.back_cast import SHIFT, BackCastConstants, back_cast_world
from calibration.fold_world import FoldConstants, fitted_data, fold_constants, fold_world
from calibration.folds import (
    ACCOUNT_SERIES,
    COUNTS,
    NET,
    OF_REGION,
    PAPER_SERIES,
    START,
    Fold,
    observed_targets,
)
from calibration.observation import ObservationModel
from calibration.observation_errors import Figure
from calibration.observed_figures import figure_of
from calibration.posterior import (
    BATCH,
    Arrays,
    Effort,
    Keep,
    Task,
    Watch,
    calibrate,
    nothing_kept,
    silent,
    whole_seed,
)
from calibration.posterior_inputs import Inputs
from calibration.posterior_runs import Runner
from model.drivers import Drivers
from model.parameters import ParameterSpace
from model.world import World

Floats = NDArray[np.float64]
MODEL: Final = "model"
FREE: Final = "model without the known counts"
BY_MODEL: Final = (MODEL, FREE)
REGION_SHARE: Final = 4  # a run of a whole region takes as long as twenty of the towns
SERIES: Final = (*ACCOUNT_SERIES, *PAPER_SERIES)
RECORDED_AS: Final = {COUNTS: "count", "wage_monthly_nominal": "wage"}
UNITS: Final = {"wage_monthly_nominal": "KZT a month, nominal", "unemployment_rate": "percent"}
PREDICTIVE, RECORD, PRIOR_DESIGN = 61, 62, 63  # purposes of generators
FIRST_NUMBER: Final = 4_000_000  # of the runs that are scored: no run of a calibration shares their chance


@dataclass(frozen=True, eq=False)
class ModelForecast:
    """Predictive distribution of a series in a fold by the model.

    Attributes:
        name: `MODEL`, or `FREE`: by runs that do not meet the counts known after the start.
        series, places, years: scored. members: float64[draws, years, places]; NaN where nothing was observed.
    """

    name: str
    series: str
    places: tuple[str, ...]
    years: tuple[int, ...]
    members: Floats


@dataclass(frozen=True, eq=False)
class FoldForecast:
    """What the model says in a fold, and how it came to it.

    Attributes:
        forecasts: by series. constants: worked out anew, name and text. fitted: figures it was fitted to.
        diagnostics: of the re-fit; empty where the parameters come from their priors.
    """

    fold: Fold
    forecasts: tuple[ModelForecast, ...]
    constants: tuple[tuple[str, str], ...]
    fitted: int
    diagnostics: dict[str, Any]


def forecast_fold(
    world: World,
    data: AuditData,
    fold: Fold,
    effort: Effort,
    seed: int,
    threads: int,
    keep: Keep = nothing_kept,
    watch: Watch | None = None,
) -> FoldForecast:
    """Fit the model inside a fold, run its draws to the end of the fold and record them.

    Folds of a region are not fitted: hours of runs; their parameters come from the priors, with in/out ratios
    centred on the net migration that the fold knows.

    Raises:
        ValueError: the fold knows no births or deaths of a place. model.accounts.AccountsError.
    """
    show = watch or silent
    inside = fitted_data(data, fold)
    known_world = fold_world(world, inside, fold)
    space = ParameterSpace(known_world)
    priors = {one.name: one.prior for one in space.parameters}
    constants = fold_constants(known_world, data, inside, fold, priors, seed)
    described = [(one.name, f"{one.describe()}: {one.reason}") for one in constants.constants]
    described += [
        (f"births and deaths of {place}", f"{births:.1f} and {deaths:.1f} a year found the place")
        for place, births, deaths in zip(
            world.ids,
            known_world.founding_births.tolist(),
            known_world.founding_deaths.tolist(),
            strict=False,
        )
    ]
    diagnostics: dict[str, Any] = {}
    fitted = 0
    inputs = Inputs(space, {})
    if fold.name in OF_REGION:
        z = inputs.design(effort.draws // REGION_SHARE, whole_seed(seed, PRIOR_DESIGN))
    else:
        years = [year for year in range(START, 2021) if fold.others or year in fold.history]
        task = Task(known_world, inside, years, constants=constants)

        def kept(name: str, compute: Callable[[], Arrays], /) -> Arrays:
            return keep(f"{fold.name}-{name}", compute)

        def watched(label: str, total: int, /) -> Any:
            return show(f"{fold.name}: {label}", total)

        posterior = calibrate(task, effort, seed, threads, kept, watched)
        z = posterior.z
        fitted = sum(len(one.figures) for one in posterior.emulators)
        diagnostics = {
            "prior_not_ruled_out": posterior.not_ruled_out,
            "log_evidence_of_replicas": list(posterior.evidence),
            "largest_difference_of_replica_means_in_posterior_sd": float(posterior.disagreement.max()),
            "draws_implausible": posterior.implausible,
            "emulator_rms_residual_in_scatter": posterior.emulator_z,
        }
    observation, anchors = _scored_figures(inside, data, fold)
    records = {}
    for name, bound_until in bindings(fold).items():
        runner = _runner(known_world, inside, observation, fold, inputs, constants, seed, bound_until)
        records[name] = _records(runner, fold, z, threads, keep, show, name)
    forecasts = tuple(_forecasts(data, fold, observation, records, anchors, seed))
    return FoldForecast(fold, forecasts, tuple(described), fitted, diagnostics)


def bindings(fold: Fold) -> dict[str, int]:
    """Return by name of a forecast the last 1 January whose count its runs meet (0: they meet none).

    Where counts after the start are known, the model's own forecast meets them, as `forecast` does; beside it
    stand runs that do not. No fold meets a count that it is scored on.
    """
    if fold.is_backward or fold.history.stop <= START:
        return {MODEL: 0}
    return {MODEL: fold.history.stop, FREE: 0}


def _scored_figures(
    inside: AuditData, data: AuditData, fold: Fold
) -> tuple[ObservationModel, dict[str, int]]:
    """Return what is recorded of the fold's runs, and the year of each place's last known count."""
    anchors = {place: _anchor(inside, fold, place) for place in fold.places}
    figures = target_figures(data, inside, fold, anchors)
    return ObservationModel(figures, Drivers(data.drivers).price_level), anchors


def _runner(
    world: World,
    inside: AuditData,
    observation: ObservationModel,
    fold: Fold,
    inputs: Inputs,
    constants: FoldConstants,
    seed: int,
    bound_until: int,
) -> Runner:
    """Return what runs the fold's draws."""
    if not fold.is_backward:
        return Runner(world, inputs, observation, seed, fold.targets.stop, constants, bound_until=bound_until)
    past = back_cast_world(world, inside)
    fertility = inputs.space.by_name["tfr"].prior
    assert fertility is not None
    hinterlands = tuple(
        place for place, role in zip(past.ids, past.role, strict=True) if role == "hinterland"
    )
    back = BackCastConstants(seed, fertility, hinterlands)
    moved = Inputs(ParameterSpace(past), {})
    return Runner(past, moved, observation, seed, START - SHIFT, back, SHIFT)


def _anchor(inside: AuditData, fold: Fold, place: str) -> int:
    """Return the year of the last known count: of a back-cast the first."""
    counts = published(inside.accounts, place, COUNTS)
    return min(counts) if fold.is_backward else max(year for year in counts if year <= fold.targets.start)


def target_figures(
    data: AuditData, inside: AuditData, fold: Fold, anchors: dict[str, int]
) -> tuple[Figure, ...]:
    """Return the figures to score, with the errors that a record has as far as the fold knows.

    Nobody knows beforehand which year will hold a register event: no error is heavy-tailed here. Sizes come
    from the last known count and the mean of the known flows. The last known counts stand first.
    """
    made = []
    for place, year in anchors.items():
        count = published(inside.accounts, place, COUNTS)[year]
        made.append(figure_of("count", place, year, count, "persons", "last known count", count))
    for series in SERIES:
        observed = observed_targets(data, fold, series, fold.places)
        for p, place in enumerate(fold.places):
            size = published(inside.accounts, place, COUNTS)[anchors[place]]
            flows = published(inside.accounts, place, series)
            if series in ("births", "deaths") and flows:
                size = sum(flows.values()) / len(flows)
            for t, year in enumerate(fold.target_years(series)):
                if np.isfinite(observed[t, p]) and not (series == COUNTS and year == anchors[place]):
                    name, unit = RECORDED_AS.get(series, series), UNITS.get(series, "persons")
                    made.append(figure_of(name, place, year, float(observed[t, p]), unit, "target", size))
    return tuple(replace(one, level_sd=0.0) for one in made)


def _records(
    runner: Runner, fold: Fold, z: Floats, threads: int, keep: Keep, watch: Watch, name: str
) -> Floats:
    """Run the draws batch by batch, each kept when complete; float64[draws, figures] without errors."""
    parts = []
    stage = "scored" if name == MODEL else "free"
    with watch(f"{fold.name}: runs that are scored, {name}", len(z)) as advance:
        for first in range(0, len(z), BATCH):
            part = z[first : first + BATCH]
            calls = [0]

            def counted(calls: list[int] = calls) -> None:
                calls[0] += 1
                advance()

            def compute(
                part: Floats = part, first: int = first, counted: Callable[[], None] = counted
            ) -> Arrays:
                return {"records": runner.records(part, FIRST_NUMBER + first, threads, counted)}

            parts.append(keep(f"{fold.name}-{stage}-{first // BATCH:03d}", compute)["records"])
            for _ in range(len(part) - calls[0]):
                advance()
    return np.concatenate(parts)


def _forecasts(
    data: AuditData,
    fold: Fold,
    observation: ObservationModel,
    records: Mapping[str, Floats],
    anchors: dict[str, int],
    seed: int,
) -> Iterator[ModelForecast]:
    """Yield the model's forecast of every series, and of the accounts also by runs that do not meet known counts.

    Counts of a back-cast are walked back from the known count by the flows of the run.
    """
    number = {(one.series, one.place, one.year): k for k, one in enumerate(observation.figures)}
    for name, held in records.items():
        walked = held.copy()
        for place, year in anchors.items() if fold.is_backward else ():
            first = number["count", place, year]
            gap = observation.observed[first] - held[:, first]
            for k, one in enumerate(observation.figures):
                if one.series == "count" and one.place == place:
                    walked[:, k] += gap
        drawn = observation.natural(observation.draw(walked, whole_seed(seed, RECORD)))
        for series in SERIES if name == MODEL else ACCOUNT_SERIES:
            observed = observed_targets(data, fold, series, fold.places)
            chosen = [p for p in range(len(fold.places)) if np.isfinite(observed[:, p]).any()]
            if not chosen:
                continue
            years, places = tuple(fold.target_years(series)), tuple(fold.places[p] for p in chosen)
            members = np.full((len(held), len(years), len(places)), np.nan)
            for t, year in enumerate(years):
                for p, place in enumerate(places):
                    found = number.get((RECORDED_AS.get(series, series), place, year))
                    if found is not None:
                        members[:, t, p] = drawn[:, found]
            yield ModelForecast(name, series, places, years, _possible(members, series))


def _possible(members: Floats, series: str) -> Floats:
    """Return members without negative numbers of people."""
    return members if series == NET else np.maximum(members, 0.0)
