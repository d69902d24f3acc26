"""Indices year by year: how what matters changes on the way to the horizon."""

from __future__ import annotations

import math

import numpy as np

from experiments.sensitivity_design import Sampling
from experiments.sensitivity_indices import (
    Bools,
    Floats,
    distances,
    elementary_effects,
    is_constant,
    slice_of,
    total_by_year,
)


def over_time(series: Floats, sampling: Sampling, whole: Bools) -> Floats:
    """Total index, mu* or median distance by year and factor (group), float64[years, factors].

    NaN in years in which the output is undefined or takes one value.

    Args:
        series: float64[blocks, rows, years] of usable blocks. whole: which blocks of the design those are.
    """
    if sampling.method == "sobol":
        return total_by_year(series, sampling)
    found = np.full((series.shape[2], len(sampling.factors)), math.nan)
    grid = sampling.levels(len(whole))[whole] if sampling.method == "morris" else np.empty(0)
    slices = slice_of(sampling.sample(len(whole))[whole][:, 0]) if sampling.method == "pawn" else None
    for year in range(series.shape[2]):
        values = series[:, :, year]
        if not np.isfinite(values).all() or is_constant(values):
            continue
        if slices is not None:
            found[year] = np.median(distances(values[:, 0], slices), axis=0)
        else:
            found[year] = np.abs(elementary_effects(values, grid)).mean(axis=0)
    return found
