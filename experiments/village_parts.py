"""Outcomes of runs of a world of villages as the tables that are stored: by district, by class, by village."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from experiments.design import Batch, Row
from experiments.parts import Columns
from model.village_engine import VillageEngine
from model.village_list import DISSOLUTION, DISSOLUTION_YEARS, WaveSettings, state_list, years_below
from model.world import World

EDGES = (1, 11, 51, 101, 201, 501, 1001)  # least people of each class
CLASS_NAMES = ("1-10", "11-50", "51-100", "101-200", "201-500", "501-1000", "1000+")
SPAN = 10  # years over which classes are followed, about the time between two censuses
TABLES = ("villages", "classes", "parameters", "parts")
Integers = NDArray[np.int64]


def size_class(people: Integers) -> Integers:
    """Index of the class of each number of people, -1 for nobody."""
    return np.asarray(np.searchsorted(EDGES, people, side="right") - 1, np.int64)


def first_year(happened: NDArray[np.bool_], years: Integers) -> Integers:
    """First year in which something holds by place, 0 where it never does; `happened` bool[years, n]."""
    return np.where(happened.any(axis=0), years[happened.argmax(axis=0)], 0)


@dataclass(frozen=True)
class VillageOutcome:
    """What is kept of one run: arrays over years and villages (towns left out); `listed`: on the state list."""

    years: Integers
    people: Integers
    listed: NDArray[np.bool_]
    school: NDArray[np.bool_]
    medical: NDArray[np.bool_]
    farm: NDArray[np.bool_]
    cost: NDArray[np.float64]


def outcome_of(engine: VillageEngine, cost: NDArray[np.float64]) -> VillageOutcome:
    """Outcome of a run that has ended."""
    own, record = engine.villages.is_village, engine.record
    people = record.column("population")[:, own].astype(np.int64)
    settings = WaveSettings(*(float(engine.values[f"village_wave_{name}"]) for name in WaveSettings._fields))
    keys = engine.keys[: len(own)][own]
    counted = engine.villages.source.counted
    return VillageOutcome(
        record.years,
        people,
        state_list(people, engine.start, keys, engine.seed, settings, counted),
        record.school[:, own],
        record.medical[:, own],
        record.farm[:, own],
        cost,
    )


@dataclass(frozen=True)
class VillagePart:
    """Tables of one batch, rows in the order of runs, years and districts, classes or villages."""

    batch: Batch
    counts: Columns
    classes: Columns
    villages: Columns
    parameters: Columns

    def tables(self) -> dict[str, Columns]:
        """Tables by the name of their folder."""
        return {
            "villages": self.villages,
            "classes": self.classes,
            "parameters": self.parameters,
            "parts": self.counts,
        }


def _keys(row: Row, lines: int) -> Columns:
    return {
        "scenario": np.array([row.scenario.name] * lines, dtype=object),
        "draw": np.full(lines, row.draw, np.int32),
        "replicate": np.full(lines, row.replicate, np.int32),
    }


def counts_of(world: World, row: Row, outcome: VillageOutcome) -> Columns:
    """By year and district: villages that are empty, small, without school or medical point; people; cost.

    Losses are counted against 2015, of villages that are not empty. The cost of the year, million KZT, stands with
    the first district, 0 with the others.
    """
    villages = world.villages
    assert villages is not None
    district = villages.district[villages.is_village]
    districts = np.unique(district)
    people = outcome.people
    years = len(people)
    alive = people > 0
    below = years_below(people, DISSOLUTION)
    flags = {
        "villages": np.ones_like(people),
        "people": people,
        "empty": ~alive,
        "at_most_10": alive & (people <= 10),
        "under_50": alive & (people < DISSOLUTION),
        "under_50_three_years": below >= DISSOLUTION_YEARS,
        "listed": outcome.listed,
        "off_list_with_people": alive & ~outcome.listed,
        "lost_school": alive & outcome.school[0] & ~outcome.school,
        "lost_medical": alive & outcome.medical[0] & ~outcome.medical,
        "lost_farm": alive & outcome.farm[0] & ~outcome.farm,
    }
    lines = years * len(districts)
    table = _keys(row, lines)
    table["year"] = np.repeat(outcome.years.astype(np.int32), len(districts))
    table["district"] = np.tile(np.array([villages.base.ids[d] for d in districts], dtype=object), years)
    for name, values in flags.items():
        by_district = np.stack([values[:, district == d].sum(axis=1) for d in districts], axis=1)
        table[name] = by_district.ravel().astype(np.int64)
    spent = np.zeros((years, len(districts)))
    spent[: len(outcome.cost), 0] = outcome.cost
    table["cost"] = spent.ravel()
    return table


def classes_of(row: Row, outcome: VillageOutcome) -> Columns:
    """By year and size class of its 1 January: villages, people, and how many are empty a year and ten years later.

    Log growth is that of ten years (fewer near the horizon), summed and squared over villages not empty after them.
    """
    people, years = outcome.people, len(outcome.years)
    classes = size_class(people)
    lines = (years - 1) * len(CLASS_NAMES)
    table = _keys(row, lines)
    table["year"] = np.repeat(outcome.years[:-1].astype(np.int32), len(CLASS_NAMES))
    table["size_class"] = np.tile(np.array(CLASS_NAMES, dtype=object), years - 1)
    here, there = people[:-1], people[1:]
    later = people[np.minimum(np.arange(years - 1) + SPAN, years - 1)]
    growth = np.log(np.maximum(later, 1) / np.maximum(here, 1))
    columns: dict[str, list[float]] = {
        name: []
        for name in ("villages", "people", "emptied", "emptied_later", "growth_sum", "growth_squares")
    }
    for t in range(years - 1):
        for number in range(len(CLASS_NAMES)):
            own = classes[t] == number
            stays = own & (later[t] > 0)
            columns["villages"].append(float(own.sum()))
            columns["people"].append(float(here[t, own].sum()))
            columns["emptied"].append(float((own & (there[t] == 0)).sum()))
            columns["emptied_later"].append(float((own & (later[t] == 0)).sum()))
            columns["growth_sum"].append(float(growth[t, stays].sum()))
            columns["growth_squares"].append(float((growth[t, stays] ** 2).sum()))
    for name, values in columns.items():
        table[name] = np.array(values)
    return table


def villages_of(world: World, row: Row, founding: int, outcome: VillageOutcome) -> Columns:
    """One row a village: where it lies, its people at the start, every five years and at the end, and its losses."""
    villages = world.villages
    assert villages is not None
    own = np.flatnonzero(villages.is_village)
    names = world.names("en")
    years = outcome.years
    table = _keys(row, len(own))
    table["founding"] = np.full(len(own), founding, np.int32)
    table["village"] = np.array([world.ids[k] for k in own], dtype=object)
    table["name"] = np.array([names[k] for k in own], dtype=object)
    table["district"] = np.array([villages.base.ids[d] for d in villages.district[own]], dtype=object)
    table["synthetic"] = ~villages.known[own]
    table["lat"], table["lon"] = villages.lat[own], villages.lon[own]
    for year in sorted({int(years[0]), *range(int(years[0]) + 5, int(years[-1]), 5), int(years[-1])}):
        table[f"people_{year}"] = outcome.people[year - int(years[0])]
    alive = outcome.people > 0
    table["empty_since"] = first_year(~alive, years)
    table["under_50_three_years"] = first_year(
        years_below(outcome.people, DISSOLUTION) >= DISSOLUTION_YEARS, years
    )
    table["off_list"] = first_year(~outcome.listed, years)
    table["school_lost"] = first_year(outcome.school[0] & ~outcome.school, years)
    table["medical_lost"] = first_year(outcome.medical[0] & ~outcome.medical, years)
    table["farm_closed"] = first_year(outcome.farm[0] & ~outcome.farm, years)
    return table


def stack(tables: Sequence[Columns]) -> Columns:
    """One table below the other."""
    return {name: np.concatenate([table[name] for table in tables]) for name in tables[0]}
