"""The state list of settlements: which villages stand on it, whoever still lives there.

A village may be dissolved in law when nobody lives there or when it had fewer than 50 people on three 1 Januaries in a
row. The administration does so in waves, some years late, and also while people remain: the list says how many
villages are kept in the books, not how many are lived in. It is an account of a finished run and changes nothing in it.

(V5) a village that may be dissolved is taken off in a year with chance 1 - exp(-r_w exp(s_w z_w) b_w[if empty]),
     with z_w standard normal and the same for all villages through a wave of two years. In years up to the last
     dated count as many are taken off as were, drawn in proportion to the same rates.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from model import draws

DISSOLUTION = 50  # people below which a village is dissolved after three years (law 2572-XII and practice)
DISSOLUTION_YEARS = 3
WAVE_YEARS = 2  # as the waves of 2013-14 and 2015-16


class WaveSettings(NamedTuple):
    """Values of the list's parameters in a run (`data/villages/parameters.csv`, names after `village_wave_`)."""

    rate: float
    spread: float
    empty: float


def years_below(people: NDArray[np.int64], limit: int) -> NDArray[np.int64]:
    """Number of 1 Januaries in a row, up to and with each, on which fewer than `limit` lived there; [years, n]."""
    run = np.zeros_like(people)
    run[0] = people[0] < limit
    for t in range(1, len(people)):
        run[t] = np.where(people[t] < limit, run[t - 1] + 1, 0)
    return run


def may_be_dissolved(people: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether the law lets a village be taken off in the year that begins, bool[years, n].

    Nothing is known of the years before the first: a village under 50 then is taken to have been so for long.
    """
    before = np.where(people[0] < DISSOLUTION, DISSOLUTION_YEARS, 0)
    below = years_below(people, DISSOLUTION)
    always = below == np.arange(1, len(people) + 1)[:, None]
    return np.asarray((people == 0) | (np.where(always, below + before, below) >= DISSOLUTION_YEARS))


def wave_rate(settings: WaveSettings, seed: np.uint64, year: int, first_wave: int) -> float:
    """Rate a year at which villages that may be dissolved are taken off in the wave that `year` lies in."""
    begin = first_wave + (year - first_wave) // WAVE_YEARS * WAVE_YEARS
    z = float(draws.normal(draws.text_key("state list"), draws.salt_of(seed, begin, draws.VILLAGE_WAVE)))
    return settings.rate * math.exp(settings.spread * z)


def state_list(
    people: NDArray[np.int64],
    start: int,
    keys: NDArray[np.uint64],
    seed: np.uint64,
    settings: WaveSettings,
    counted: Mapping[int, int],
) -> NDArray[np.bool_]:
    """Which villages stand on the list on every 1 January (V5), bool[years, n]; all do on the first.

    Args:
        people: int64[years, n] of every village from 1 January `start` on. keys: uint64[n] of the villages.
        seed: of the run. counted: villages on the list by year (1 January), where that is known: losses between two
            dated counts are spread evenly over the years between. A user's own list has none.
    """
    years, n = people.shape
    listed = np.ones((years, n), np.bool_)
    allowed = may_be_dissolved(people)
    known = _known_losses(counted, start, n)
    first_wave = start + len(known)
    for t in range(years - 1):
        salted = draws.salt_of(seed, start + t, draws.VILLAGE_ABOLISHED)
        uniform = np.array([draws.uniform(key, salted) for key in keys])
        weight = np.where(people[t] == 0, settings.empty, 1.0)
        eligible = listed[t] & allowed[t]
        # Whoever's clock of exponential time at its own rate rings first is drawn first
        clock = np.where(eligible, -np.log1p(-uniform) / weight, np.inf)
        if t < len(known):
            last = np.argsort(clock, kind="stable")[: known[t]]
            taken = np.zeros(n, np.bool_)
            taken[last] = True
            taken &= eligible
        else:
            taken = clock < wave_rate(settings, seed, start + t, first_wave)
        listed[t + 1] = listed[t] & ~taken
    return listed


def _known_losses(counted: Mapping[int, int], start: int, villages: int) -> list[int]:
    """Villages taken off in each year up to the last dated count."""
    losses: list[int] = []
    there, at = villages, start
    for year in sorted(year for year in counted if year > start):
        lost, years = max(0, there - counted[year]), year - at
        # Late years of an interval take the odd ones, so that none is taken off before it can be known
        losses += [lost * (k + 1) // years - lost * k // years for k in range(years)]
        there, at = counted[year], year
    return losses
