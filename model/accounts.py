"""Double-entry population accounts: every event is posted as it happens, and the year is closed against a recount.

For every simulated place, sex and age on 1 January:
    stock' (one year older) = stock - deaths - out + in;  stock' at age 0 = births - deaths of newborns.
Moves between simulated places are posted twice (out of one, into the other) and must sum to zero; the sum
of all person keys must change exactly by the keys of those who were added and removed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from model.compiled import kernel, lean_kernel
from model.population import AGES, LAST_AGE, Households, People
from model.strips import STRIP, find_cells, spread_places

ADDED = 0
REMOVED = 1


class AccountsError(RuntimeError):
    """The population accounts of a year do not close; the message names the cell."""


class Ledger(NamedTuple):
    """Events of one year. Ages are those of 1 January.

    Attributes:
        stock: int64[n_sim, 2, 111] persons on 1 January at the start of the step.
        closing: int64[n_sim, 2, 111] persons recounted at its end.
        births: int64[n_sim, 2] by sex of the child; newborn_deaths: int64[n_sim, 2] those who died in the year.
        deaths, arrivals, departures: int64[n_sim, 2, 111].
        flows: int64[n_sim, n_all] persons from each simulated place to every place.
        arrivals_from: int64[n_sim, n_all] persons into each simulated place by origin (external origins).
        checksum: uint64[2] sums of the keys added and removed.
    """

    stock: NDArray[np.int64]
    closing: NDArray[np.int64]
    births: NDArray[np.int64]
    newborn_deaths: NDArray[np.int64]
    deaths: NDArray[np.int64]
    arrivals: NDArray[np.int64]
    departures: NDArray[np.int64]
    flows: NDArray[np.int64]
    arrivals_from: NDArray[np.int64]
    checksum: NDArray[np.uint64]


def new_ledger(n_sim: int, n_all: int) -> Ledger:
    """Empty accounts for `n_sim` simulated of `n_all` places."""

    def by_age() -> NDArray[np.int64]:
        return np.zeros((n_sim, 2, AGES), np.int64)

    def by_sex() -> NDArray[np.int64]:
        return np.zeros((n_sim, 2), np.int64)

    def between() -> NDArray[np.int64]:
        return np.zeros((n_sim, n_all), np.int64)

    return Ledger(
        stock=by_age(),
        closing=by_age(),
        births=by_sex(),
        newborn_deaths=by_sex(),
        deaths=by_age(),
        arrivals=by_age(),
        departures=by_age(),
        flows=between(),
        arrivals_from=between(),
        checksum=np.zeros(2, np.uint64),
    )


@lean_kernel
def open_year(ledger: Ledger) -> None:
    """Last year's closing stock becomes this year's opening stock; all flows start at zero."""
    opening, closing = ledger.stock.reshape(ledger.stock.size), ledger.closing.reshape(ledger.closing.size)
    for cell in range(opening.shape[0]):
        opening[cell] = closing[cell]
    ledger.births[:] = 0
    ledger.newborn_deaths[:] = 0
    ledger.deaths[:] = 0
    ledger.arrivals[:] = 0
    ledger.departures[:] = 0
    ledger.flows[:] = 0
    ledger.arrivals_from[:] = 0
    ledger.checksum[:] = 0


@kernel
def count_stock(
    people: People,
    households: Households,
    n_households: int,
    residence: NDArray[np.uint16],
    stock: NDArray[np.int64],
) -> np.uint64:
    """Recount persons into `stock[place, sex, age]` (overwritten); returns the sum of all person keys.

    Everyone's place is noted in `residence` (`spread_places`) for the phases before which nobody moves.

    The key sum is a checksum of identity: a person doubled or lost changes it.
    """
    n_people = households.first[n_households]
    spread_places(households.first, households.place, 0, n_households, residence)
    flat = stock.reshape(stock.size)
    flat[:] = 0
    checksum = np.uint64(0)
    cells = np.empty(STRIP, dtype=np.uint32)
    for begin in range(0, n_people, STRIP):
        end = min(n_people, begin + STRIP)
        find_cells(residence[begin:end], people.age[begin:end], people.traits[begin:end], cells)
        for i in range(end - begin):
            flat[cells[i]] += 1
        for key in people.key[begin:end]:
            checksum += key
    return checksum


@lean_kernel
def find_breach(
    ledger: Ledger, opening_keys: np.uint64, closing_keys: np.uint64
) -> tuple[int, int, int, int]:
    """First cell whose account does not close as (place, sex, age on the closing 1 January, surplus).

    Place -1: all cells close. Place -2: persons' keys do not add up. Place -3: moves between simulated
    places do not sum to zero.
    """
    n_sim = ledger.stock.shape[0]
    moved_out = 0
    arrived_outside = 0
    all_in = 0
    for place in range(n_sim):
        for other in range(n_sim):
            moved_out += ledger.flows[place, other]
        for other in range(ledger.arrivals_from.shape[1]):
            arrived_outside += ledger.arrivals_from[place, other]
        for sex in range(2):
            expected = ledger.births[place, sex] - ledger.newborn_deaths[place, sex]
            if ledger.closing[place, sex, 0] != expected:
                return place, sex, 0, ledger.closing[place, sex, 0] - expected
            carried = 0
            for age in range(AGES):
                stays = (
                    ledger.stock[place, sex, age]
                    - ledger.deaths[place, sex, age]
                    - ledger.departures[place, sex, age]
                    + ledger.arrivals[place, sex, age]
                )
                all_in += ledger.arrivals[place, sex, age]
                if age < LAST_AGE - 1:
                    surplus = ledger.closing[place, sex, age + 1] - stays
                    if surplus != 0:
                        return place, sex, age + 1, surplus
                else:
                    carried += stays
            if ledger.closing[place, sex, LAST_AGE] != carried:
                return place, sex, LAST_AGE, ledger.closing[place, sex, LAST_AGE] - carried
    if all_in != moved_out + arrived_outside:
        return -3, 0, 0, all_in - moved_out - arrived_outside
    if closing_keys != opening_keys + ledger.checksum[ADDED] - ledger.checksum[REMOVED]:
        return -2, 0, 0, 0
    return -1, 0, 0, 0


def check_closed(
    ledger: Ledger, opening_keys: np.uint64, closing_keys: np.uint64, year: int, ids: Sequence[str]
) -> None:
    """Close the year.

    Raises:
        AccountsError: naming the year, place, sex and age of the first cell that does not close.
    """
    place, sex, age, surplus = find_breach(ledger, opening_keys, closing_keys)
    if place == -1:
        return
    if place == -2:
        raise AccountsError(
            f"year {year}: the keys of persons do not add up; someone was lost or is in two households"
        )
    if place == -3:
        raise AccountsError(
            f"year {year}: moves between places do not sum to zero (surplus of arrivals {surplus})"
        )
    raise AccountsError(
        f"year {year}: the accounts of {ids[place]} do not close: {('men', 'women')[sex]} aged {age} on "
        f"1 January {year + 1}: {surplus:+d} persons against stock - deaths - out + in"
    )
