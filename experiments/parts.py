"""One part of an ensemble: from the records of its runs to the four tables that are stored."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from experiments.design import Batch, Row
from model.parameters import ParameterValues
from model.record import COLUMNS, Record
from model.world import World

AGE_GROUP = 5
LAST_AGE_GROUP = 100  # open: 100 and over
SEXES = ("F", "M")
Columns = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class Part:
    """Tables of one batch, rows sorted by their keys.

    Attributes:
        batch: which pairs.
        results: scenario, draw, replicate, year, place and the columns of `model.record.COLUMNS`; flows of
            the last year are NaN (stored as nulls).
        flows: persons by scenario, year, origin and destination, summed over the part's `n_runs` runs.
        pyramids: persons by scenario, draw, replicate, year (first and last), place, sex (F, M) and five-year
            age group (its lowest age; 100 is open).
        parameters: value by draw and parameter name.
    """

    batch: Batch
    results: Columns
    flows: Columns
    pyramids: Columns
    parameters: Columns

    def tables(self) -> dict[str, Columns]:
        """Tables by the name of their folder; `parts`, whose presence marks the part as complete, is last."""
        return {
            "flows": self.flows,
            "pyramids": self.pyramids,
            "parameters": self.parameters,
            "parts": self.results,
        }


def assemble(
    world: World,
    batch: Batch,
    rows: Sequence[Row],
    records: Sequence[Record],
    values: Sequence[ParameterValues],
) -> Part:
    """Tables of a part from its runs (`rows`, `records` and `values` in the order of the design)."""
    return Part(
        batch,
        _results(world, rows, records),
        _flows(world, rows, records),
        _pyramids(world, rows, records),
        _parameters(rows, values),
    )


def _texts(texts: Iterable[str]) -> NDArray[np.object_]:
    return np.array(list(texts), dtype=object)


def _run_keys(rows: Sequence[Row], lines: int) -> Columns:
    """Scenario, draw and replicate of each run, repeated for its lines."""
    return {
        "scenario": np.repeat(_texts(row.scenario.name for row in rows), lines),
        "draw": np.repeat(np.array([row.draw for row in rows], np.int32), lines),
        "replicate": np.repeat(np.array([row.replicate for row in rows], np.int32), lines),
    }


def _results(world: World, rows: Sequence[Row], records: Sequence[Record]) -> Columns:
    years = np.asarray(records[0].years, dtype=np.int32)
    places = _texts(world.ids[: world.n_sim])
    lines = len(years) * len(places)
    table = _run_keys(rows, lines)
    table["year"] = np.tile(np.repeat(years, len(places)), len(rows))
    table["place"] = np.tile(places, len(years) * len(rows))
    for k, column in enumerate(COLUMNS):
        table[column.name] = np.concatenate([record.values[k].ravel() for record in records])
    return table


def _flows(world: World, rows: Sequence[Row], records: Sequence[Record]) -> Columns:
    """Moves between places: out of simulated places to every destination, into them from external origins."""
    n_sim, n_all = world.n_sim, world.n_all
    by_id = np.array(sorted(range(n_all), key=lambda place: world.ids[place]))
    simulated = np.arange(n_all) < n_sim
    possible = (simulated[:, None] & world.is_destination[None, :]) | (
        ~simulated[:, None] & simulated[None, :]
    )
    np.fill_diagonal(possible, False)
    pairs = [(origin, there) for origin in by_id for there in by_id if possible[origin, there]]
    origins, destinations = (np.array(side, dtype=np.int64) for side in zip(*pairs, strict=True))
    ids = _texts(world.ids)
    years = np.asarray(records[0].years[:-1], dtype=np.int32)
    scenarios = list(dict.fromkeys(row.scenario.name for row in rows))
    persons, n_runs = [], []
    for scenario in scenarios:
        moves = np.zeros((len(years), n_all, n_all), np.int64)
        chosen = [record for row, record in zip(rows, records, strict=True) if row.scenario.name == scenario]
        for record in chosen:
            moves[:, :n_sim, :] += record.flows
            moves[:, n_sim:, :n_sim] += record.arrivals_from[:, :, n_sim:].transpose(0, 2, 1)
        persons.append(moves[:, origins, destinations].ravel())
        n_runs.append(len(chosen))
    lines = len(years) * len(pairs)
    return {
        "scenario": np.repeat(_texts(scenarios), lines),
        "year": np.tile(np.repeat(years, len(pairs)), len(scenarios)),
        "origin": np.tile(ids[origins], len(years) * len(scenarios)),
        "destination": np.tile(ids[destinations], len(years) * len(scenarios)),
        "persons": np.concatenate(persons),
        "n_runs": np.repeat(np.array(n_runs, np.int32), lines),
    }


def _pyramids(world: World, rows: Sequence[Row], records: Sequence[Record]) -> Columns:
    first_ages = np.arange(0, LAST_AGE_GROUP + 1, AGE_GROUP)
    years = np.array([records[0].years[0], records[0].years[-1]], dtype=np.int32)
    places = _texts(world.ids[: world.n_sim])
    cells = world.n_sim * len(SEXES) * len(first_ages)
    stock = np.stack([np.stack([record.pyramid_first, record.pyramid_last]) for record in records])
    stock = stock[:, :, :, ::-1, :]  # records hold men first
    table = _run_keys(rows, 2 * cells)
    table["year"] = np.tile(np.repeat(years, cells), len(rows))
    table["place"] = np.tile(np.repeat(places, len(SEXES) * len(first_ages)), 2 * len(rows))
    table["sex"] = np.tile(np.repeat(_texts(SEXES), len(first_ages)), 2 * world.n_sim * len(rows))
    table["age"] = np.tile(first_ages.astype(np.int32), 2 * world.n_sim * len(SEXES) * len(rows))
    table["persons"] = np.add.reduceat(stock, first_ages, axis=-1).ravel()
    return table


def _parameters(rows: Sequence[Row], values: Sequence[ParameterValues]) -> Columns:
    """Values of each draw once, sorted by draw and name."""
    by_draw = {row.draw: dict(one.as_rows()) for row, one in zip(rows, values, strict=True)}
    draws = sorted(by_draw)
    names = sorted(by_draw[draws[0]])
    return {
        "draw": np.repeat(np.array(draws, np.int32), len(names)),
        "name": np.tile(_texts(names), len(draws)),
        "value": np.array([by_draw[draw][name] for draw in draws for name in names], np.float64),
    }
