"""Indices year by year: how what matters changes on the way to the horizon."""

from __future__ import annotations

import numpy as np

from experiments.sensitivity_design import Sampling
from experiments.sensitivity_indices import (
    RESAMPLES,
    Bools,
    Floats,
    Index,
    distances,
    elementary_effects,
    empty_index,
    is_constant,
    resample_weights,
    slice_of,
    total_by_year,
)


def over_time(series: Floats, sampling: Sampling, whole: Bools) -> Index:
    """Total index, mu* or median distance by year and factor (group), float64[years, factors].

    NaN in years in which the output is undefined or takes one value. PAWN's has no intervals: they would take a
    thousand times as long as the index.

    Args:
        series: float64[blocks, rows, years] of usable blocks. whole: which blocks of the design those are.
    """
    if sampling.method == "sobol":
        return total_by_year(series, sampling)
    found = empty_index(series.shape[2], len(sampling.factors))
    grid = sampling.levels(len(whole))[whole] if sampling.method == "morris" else np.empty(0)
    slices = slice_of(sampling.sample(len(whole))[whole][:, 0]) if sampling.method == "pawn" else None
    weights = resample_weights(len(series), RESAMPLES, sampling.seed)
    for year in range(series.shape[2]):
        values = series[:, :, year]
        if not np.isfinite(values).all() or is_constant(values):
            continue
        if slices is not None:
            found.value[year] = np.median(distances(values[:, 0], slices), axis=0)
            continue
        sizes = np.abs(elementary_effects(values, grid))
        found.value[year] = sizes.mean(axis=0)
        found.low[year], found.high[year] = np.percentile(weights @ sizes, (2.5, 97.5), axis=0)
    return found


def spread_by_year(series: Floats, sampling: Sampling) -> Floats:
    """Standard deviation of an output over independent runs by year, float64[years]; NaN where one is undefined.

    Of a Saltelli block those are its first row and the one of the second matrix; of a trajectory its first.

    Args:
        series: float64[blocks, rows, years] of usable blocks.
    """
    second = len(sampling.groups) * (2 if sampling.interactions else 1) + 1
    rows = [0, second] if sampling.method == "sobol" else [0]
    with np.errstate(invalid="ignore"):
        return np.asarray(series[:, rows].reshape(-1, series.shape[2]).std(axis=0))
