"""The designed grid of the uncertainty ledger: which runs, and the headline figures read from them."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from experiments.compare import comparison_design
from experiments.compare_scenarios import BASELINE, REFERENCE, Comparison
from experiments.design import Design
from experiments.extinction_ladder import COLUMNS_NEEDED as LADDER_COLUMNS
from experiments.extinction_ladder import ExtinctionRung, crossings, extinction_rungs
from experiments.extinction_outcomes import read_cases
from experiments.failures import BadInput, Interrupted, RunFailure
from experiments.forecast_tables import MOST_PLACES_IN_DETAIL
from experiments.parameter_source import ParameterSource
from experiments.results import Results
from model.accounts_data import LAST_COUNT_YEAR
from model.parameters import Parameter, ParameterSpace
from model.priors import Choice
from model.world import World

Floats = NDArray[np.float64]

# Declared structural, and what the specification calls a headline structural factor
STRUCTURAL_KIND: Final = "structural"
HEADLINE_FACTORS: Final = ("hinterland_weight",)
# Nodes of Gauss and Legendre on (0, 1): two levels of equal weight with the mean and variance of a uniform
NODES: Final = (0.5 - 0.5 / math.sqrt(3.0), 0.5 + 0.5 / math.sqrt(3.0))
ALL: Final = "all"


@dataclass(frozen=True)
class Factor:
    """A structural choice and the levels it takes in the grid, of equal weight."""

    name: str
    levels: tuple[float, ...]


def structural_factors(world: World, fixed: Mapping[str, float]) -> tuple[Factor, ...]:
    """Structural parameters that the user has not fixed: their own levels, or two with the variance of the prior."""
    space = ParameterSpace(world)
    return tuple(
        Factor(parameter.name, _levels(parameter))
        for parameter in space.parameters
        if parameter.prior is not None
        and parameter.name not in fixed
        and (parameter.declaration.kind == STRUCTURAL_KIND or parameter.name in HEADLINE_FACTORS)
    )


def check_varies(world: World, fixed: Mapping[str, float]) -> None:
    """Refuse to look for what matters among parameters that are all fixed.

    Raises:
        BadInput: no parameter has a range left.
    """
    if all(one.prior is None or one.name in fixed for one in ParameterSpace(world).parameters):
        raise BadInput("--set fixes every parameter: none has a range left to be looked into")


def _levels(parameter: Parameter) -> tuple[float, ...]:
    assert parameter.prior is not None
    if isinstance(parameter.prior, Choice):
        return tuple(sorted(parameter.prior.levels))
    return tuple(float(parameter.prior.quantile(node)) for node in NODES)


def structures(factors: Sequence[Factor]) -> list[dict[str, float]]:
    """All combinations of the levels; one empty structure where no factor varies."""
    names = [factor.name for factor in factors]
    return [
        dict(zip(names, levels, strict=True)) for levels in itertools.product(*(f.levels for f in factors))
    ]


def futures_in_grid(names: Sequence[str], world: World, horizon: int) -> Comparison:
    """The baseline under every future of the grid, the reference among them.

    Raises:
        BadInput: lists everything that is wrong with any of them.
    """
    wanted = dict.fromkeys((REFERENCE, *names))
    return read_cases([f"{BASELINE}@{future}" for future in wanted], world, horizon)


def grid_designs(
    world: World,
    horizon: int,
    seed: int,
    fixed: Mapping[str, float],
    comparison: Comparison,
    source: ParameterSource,
    factors: Sequence[Factor],
    replicates: int,
) -> list[Design]:
    """One design a structure; all share draws, chance and futures."""
    return [
        replace(
            comparison_design(world, horizon, seed, {**fixed, **structure}, comparison, source),
            replicates=replicates,
        )
        for structure in structures(factors)
    ]


def structure_folder(out: Path, number: int) -> Path:
    """Folder of one structure's runs."""
    return out / f"structure-{number:02d}"


@dataclass(frozen=True)
class Headline:
    """A figure of the forecast.

    Attributes:
        id: `population`, `net_migration` or `crossing`. place: id, or ALL. name: of the place, with the rung of a
            crossing. heading: what it is, the same for all places. unit: of its values. rung: of a crossing.
    """

    id: str
    place: str
    name: str
    heading: str
    unit: str
    rung: ExtinctionRung | None = None

    @property
    def title(self) -> str:
        """Name and heading in one line."""
        return f"{self.name}: {self.heading}"


def nearest_rung(world: World, place: int) -> ExtinctionRung | None:
    """The highest rung by residents that applies to a place and is below its present number."""
    size = float(world.founding_population[place])
    below = [
        rung
        for rung in extinction_rungs()
        if rung.figure == "population" and rung.applies(world.kind[place]) and 1.0 < rung.threshold <= size
    ]
    return max(below, key=lambda rung: rung.threshold, default=None)


def headlines(world: World, horizon: int) -> list[Headline]:
    """Population at the horizon, mean net migration a year and crossing of the nearest rung, by place.

    In a world of many places those of the towns, and of all places together.
    """
    first = max(world.start, min(LAST_COUNT_YEAR, horizon - 1))
    names = world.names("en")
    places = list(range(world.n_sim))
    if len(places) > MOST_PLACES_IN_DETAIL:
        places = [p for p in places if world.kind[p] == "town"] or places[:MOST_PLACES_IN_DETAIL]
    shown = [(world.ids[p], names[p]) for p in places]
    if world.n_sim > 1:
        shown.append((ALL, "All together"))
    residents, net = f"residents on 1 January {horizon}", f"net migration a year, {first}-{horizon - 1}"
    found = [Headline("population", place, name, residents, "persons") for place, name in shown]
    found += [Headline("net_migration", place, name, net, "persons a year") for place, name in shown]
    for p in places:
        rung = nearest_rung(world, p)
        if rung is not None:
            name = f"{names[p]}, {rung.threshold:,.0f}"
            found.append(
                Headline(
                    "crossing", world.ids[p], name, f"below the nearest rung by {horizon}", "0 or 1", rung
                )
            )
    return found


def headline_values(results: Results, wanted: Sequence[Headline]) -> Floats:
    """Values of the headline figures, float64[headlines, scenarios, runs]."""
    columns = results.columns(tuple(dict.fromkeys((*LADDER_COLUMNS, "net_migration"))))
    start, horizon = int(results.years[0]), int(results.years[-1])
    first = max(start, min(LAST_COUNT_YEAR, horizon - 1))

    def at(name: str, place: str) -> Floats:
        values = columns[name]
        if place == ALL:
            total: Floats = np.add.reduce(values, axis=3)
            return total
        cell: Floats = values[:, :, :, results.places.index(place)]
        return cell

    made = []
    for one in wanted:
        if one.id == "population":
            made.append(at("population", one.place)[:, :, -1])
        elif one.id == "net_migration":
            made.append(at("net_migration", one.place)[:, :, first - start : -1].mean(axis=2))
        else:
            assert one.rung is not None
            p = results.places.index(one.place)
            ladder = {name: columns[name][..., p : p + 1] for name in LADDER_COLUMNS}
            made.append(
                np.stack(
                    [
                        crossings(one.rung, {name: values[s] for name, values in ladder.items()}).crossed[
                            :, 0
                        ]
                        for s in range(len(results.scenarios))
                    ]
                ).astype(np.float64)
            )
    return np.stack(made)


def grid_values(by_structure: Sequence[Floats], replicates: int, draws: int) -> Floats:
    """Values of the whole grid, float64[headlines, structures, futures, draws, replicates].

    Args:
        by_structure: float64[headlines, scenarios, runs] of each structure; more runs than asked for are left out.
    """
    cut = np.stack([values[:, :, : draws * replicates] for values in by_structure], axis=1)
    return cut.reshape(*cut.shape[:3], draws, replicates)


@contextmanager
def of_the_whole(out: Path) -> Iterator[None]:
    """Messages of a structure's runs name the folder that the user gave."""
    how = f"complete parts are kept; repeat the same command with --out {out} to continue"
    try:
        yield
    except Interrupted:
        raise Interrupted(f"stopped; {how}") from None
    except RunFailure as error:
        raise RunFailure(f"{str(error).splitlines()[0]}\n{how}") from error
