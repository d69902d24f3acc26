"""What ties the hazards to data before the first year: alpha_RU, IV_2015, lambda', and the level of arrivals.

All of it is computed from the founders at the drivers of 2015, per run. Sums over persons are whole
numbers (fixed point), so that no order of rows or places can change them.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from model.choice import FAR_BELOW, KINDS_OF_KIN, NESTS, Choice, Places, nest_weight
from model.compiled import kernel
from model.draws import I64
from model.migration import (
    LONE_FIRST_AGE,
    LONE_LAST_AGE,
    STUDY_FIRST_AGE,
    STUDY_LAST_AGE,
    Incomes,
    household_income,
    study_probability,
)
from model.population import KIN_MASK, KIN_SHIFT, PARTNER, SKILLED, STAYER, WITH_CHILDREN, Households, People
from model.readiness import Readiness

FIXED_POINT = 2.0**34
POWERS = 4  # terms of 1 - exp(-x) kept; the next is below 1e-4 of the hazard
CELLS = 2 * KINDS_OF_KIN  # children x kin
BISECTIONS = 44  # 50 / 2**44 is below what a hazard can show
LARGEST_ALPHA = 25.0
LEAST_HOUSEHOLD_SHARE = 0.1  # of lambda that is left to households when the young alone exceed it


class Founders(NamedTuple):
    """Sums over founders by place and cell (children x kin).

    Attributes:
        moving: int64[n_sim, 8, 4] fixed-point sums of (R kappa (y/W)^-beta_y)^k over persons who would move, k = 1..4.
        persons: int64[n_sim, 8]. log_income: int64[n_sim] fixed-point sum of ln(y/W) over persons.
        youth_cell, youth_place: int32 of people of 17-19 who may leave to study; youth_income ln(y/W) and
            youth_parent whether a parent is skilled. n_youth: int64[1].
    """

    moving: NDArray[np.int64]
    persons: NDArray[np.int64]
    log_income: NDArray[np.int64]
    youth_cell: NDArray[np.int32]
    youth_place: NDArray[np.int32]
    youth_income: NDArray[np.float64]
    youth_parent: NDArray[np.bool_]
    n_youth: NDArray[np.int64]


def new_founders(n_sim: int, youth: int) -> Founders:
    """Empty sums with room for `youth` people of 17-19."""
    return Founders(
        np.zeros((n_sim, CELLS, POWERS), np.int64), np.zeros((n_sim, CELLS), np.int64), np.zeros(n_sim, np.int64),
        np.empty(youth, np.int32), np.empty(youth, np.int32), np.empty(youth), np.empty(youth, np.bool_),
        np.zeros(1, np.int64),
    )  # fmt: skip


@kernel
def _fixed(value: float) -> int:
    return I64(math.floor(value * FIXED_POINT + 0.5))


@kernel
def survey_founders(
    people: People,
    households: Households,
    n_households: int,
    incomes: Incomes,
    readiness: Readiness,
    table: Any,
    founders: Founders,
) -> None:
    """One pass over the founders that gathers all that the normalisation needs."""
    settings = table[0]
    for h in range(n_households):
        place = households.place[h]
        begin, end = households.first[h], households.first[h + 1]
        wage = incomes.wage[place]
        y = household_income(people, begin, end, wage, incomes.commuter[place], settings)
        relative = math.log(y / wage)
        pull = math.exp(-settings.beta_y * relative)
        traits = households.traits[h]
        pull *= readiness.stayer if traits & STAYER else readiness.mover
        children = 1 if traits & WITH_CHILDREN else 0
        cell = children * KINDS_OF_KIN + ((int(traits) >> KIN_SHIFT) & KIN_MASK)
        size = end - begin
        founders.persons[place, cell] += size
        founders.log_income[place] += size * _fixed(relative)
        _add_powers(founders.moving[place, cell], pull * readiness.by_age[people.age[begin]], size)
        for i in range(begin + 1, end):
            age = people.age[i]
            if people.traits[i] & PARTNER:
                continue
            if LONE_FIRST_AGE <= age <= LONE_LAST_AGE:
                _add_powers(founders.moving[place, cell], pull * readiness.by_age[age], 1)
            elif STUDY_FIRST_AGE <= age <= STUDY_LAST_AGE:
                k = founders.n_youth[0]
                founders.youth_cell[k] = cell
                founders.youth_place[k] = place
                founders.youth_income[k] = relative
                founders.youth_parent[k] = (people.traits[begin] & SKILLED) != 0
                founders.n_youth[0] += 1


@kernel
def _add_powers(sums: NDArray[np.int64], hazard: float, persons: int) -> None:
    power = 1.0
    for k in range(POWERS):
        power *= hazard
        sums[k] += persons * _fixed(power)


class Norm(NamedTuple):
    """Outcome of the normalisation.

    Attributes:
        alpha: float64[1] alpha_RU. mean_inclusive: float64[n_sim] IV_2015.
        hazard: float64[n_sim] lambda' / exp(IV_2015).
        youth_leaving: float64[n_sim] persons a year who leave to study at 2015 drivers.
        flows: float64[n_sim, n_all] expected persons a year from place to place in 2015.
        study_outside: float64[n_sim] of the youth leaving, those to external places.
    """

    alpha: NDArray[np.float64]
    mean_inclusive: NDArray[np.float64]
    hazard: NDArray[np.float64]
    youth_leaving: NDArray[np.float64]
    flows: NDArray[np.float64]
    study_outside: NDArray[np.float64]


def new_norm(n_sim: int, n_all: int) -> Norm:
    """Empty outcome."""
    return Norm(
        alpha=np.zeros(1),
        mean_inclusive=np.zeros(n_sim),
        hazard=np.zeros(n_sim),
        youth_leaving=np.zeros(n_sim),
        flows=np.zeros((n_sim, n_all)),
        study_outside=np.zeros(n_sim),
    )


@kernel
def _cell_weights(
    place: int, cell: int, choice: Choice, settings: Any, alpha: float, weights: NDArray[np.float64]
) -> None:
    """exp of the log nest weights of a cell."""
    children, kin = cell // KINDS_OF_KIN, cell % KINDS_OF_KIN
    for nest in range(NESTS):
        value = nest_weight(choice.nest_value[place, children, nest], kin, nest, settings, alpha)
        weights[nest] = math.exp(value) if value > FAR_BELOW else 0.0


@kernel
def _study_weights(
    place: int, cell: int, choice: Choice, settings: Any, alpha: float, weights: NDArray[np.float64]
) -> None:
    kin = cell % KINDS_OF_KIN
    for nest in range(NESTS):
        value = nest_weight(choice.study_value[place, nest], kin, nest, settings, alpha)
        weights[nest] = math.exp(value) if value > FAR_BELOW else 0.0


@kernel
def expected_flows(
    founders: Founders,
    choice: Choice,
    places: Places,
    settings: Any,
    alpha: float,
    leaving: NDArray[np.float64],
    youth: NDArray[np.float64],
    youth_cells: NDArray[np.float64],
    flows: NDArray[np.float64],
) -> None:
    """Expected persons a year from place to place in 2015: households and lone adults, and youth who leave to study.

    Args:
        leaving: float64[n_sim] all leavers of a place; youth: those of them who leave to study.
        youth_cells: float64[n_sim, 8] people of 17-19 by cell.
    """
    n_sim, n_all = flows.shape
    weights = np.empty(NESTS)
    flows[:] = 0.0
    for place in range(n_sim):
        total = 0.0
        study_total = 0.0
        study = np.zeros(n_all)
        for cell in range(CELLS):
            moving = founders.moving[place, cell, 0] / FIXED_POINT
            if moving > 0.0:
                children = cell // KINDS_OF_KIN
                _cell_weights(place, cell, choice, settings, alpha, weights)
                total += moving * (weights[0] + weights[1])
                for k in range(choice.utility.shape[2]):
                    value, there = choice.utility[place, children, k], choice.there[place, k]
                    if value > FAR_BELOW:
                        nest = places.nest[there]
                        share = math.exp(value - choice.nest_value[place, children, nest])
                        flows[place, there] += moving * weights[nest] * share
            if youth_cells[place, cell] > 0.0:
                _study_weights(place, cell, choice, settings, alpha, weights)
                sum_weights = weights[0] + weights[1]
                if sum_weights > 0.0:
                    study_total += youth_cells[place, cell]
                    for k in range(choice.utility.shape[2]):
                        value, there = choice.utility[place, 0, k], choice.there[place, k]
                        if value > FAR_BELOW and places.study[there]:
                            nest = places.nest[there]
                            share = (
                                math.exp(value - choice.study_value[place, nest])
                                * weights[nest]
                                / sum_weights
                            )
                            study[there] += youth_cells[place, cell] * share
        for there in range(n_all):
            others = (leaving[place] - youth[place]) * flows[place, there] / total if total > 0.0 else 0.0
            students = youth[place] * study[there] / study_total if study_total > 0.0 else 0.0
            flows[place, there] = others + students


class NestWeights(NamedTuple):
    """Weights of the nests by place and cell, children x kin, at alpha_RU = 0: what alpha_RU multiplies.

    Attributes:
        moves: float64[n_sim, 8, 3] households and lone adults, persons x weight: Kazakhstan, of it simulated
            places, Russia. study: float64[n_sim, 8, 3] the same for one young person who leaves to study.
    """

    moves: NDArray[np.float64]
    study: NDArray[np.float64]


@kernel
def weigh_nests(founders: Founders, choice: Choice, places: Places, settings: Any, out: NestWeights) -> None:
    """Fill the weights of the nests."""
    n_sim = choice.utility.shape[0]
    weights = np.empty(NESTS)
    for place in range(n_sim):
        for cell in range(CELLS):
            children = cell // KINDS_OF_KIN
            inside, study_inside = 0.0, 0.0
            for k in range(choice.utility.shape[2]):
                there = choice.there[place, k]
                if there >= n_sim:
                    continue
                value = choice.utility[place, children, k]
                if value > FAR_BELOW:
                    inside += math.exp(value - choice.nest_value[place, children, 0])
                value = choice.utility[place, 0, k]
                if value > FAR_BELOW and places.study[there]:
                    study_inside += math.exp(value - choice.study_value[place, 0])
            moving = founders.moving[place, cell, 0] / FIXED_POINT
            _cell_weights(place, cell, choice, settings, 0.0, weights)
            out.moves[place, cell, 0] = moving * weights[0]
            out.moves[place, cell, 1] = moving * weights[0] * inside
            out.moves[place, cell, 2] = moving * weights[1]
            _study_weights(place, cell, choice, settings, 0.0, weights)
            out.study[place, cell, 0] = weights[0]
            out.study[place, cell, 1] = weights[0] * study_inside
            out.study[place, cell, 2] = weights[1]


@kernel
def russian_share(
    nests: NestWeights,
    odds: float,
    leaving: NDArray[np.float64],
    youth: NDArray[np.float64],
    youth_cells: NDArray[np.float64],
    outside_only: bool,
) -> float:
    """Share of leavers (or of those leaving the simulated places) who go to Russia; `odds` is exp(alpha_RU)."""
    russia, total = 0.0, 0.0
    for place in range(leaving.shape[0]):
        kazakhstan, inside, abroad = 0.0, 0.0, 0.0
        students, students_inside, students_abroad = 0.0, 0.0, 0.0
        for cell in range(CELLS):
            kazakhstan += nests.moves[place, cell, 0]
            inside += nests.moves[place, cell, 1]
            abroad += nests.moves[place, cell, 2] * odds
            weight = nests.study[place, cell, 0] + nests.study[place, cell, 2] * odds
            if youth_cells[place, cell] > 0.0 and weight > 0.0:
                students += youth_cells[place, cell]
                students_inside += youth_cells[place, cell] * nests.study[place, cell, 1] / weight
                students_abroad += youth_cells[place, cell] * nests.study[place, cell, 2] * odds / weight
        if kazakhstan + abroad > 0.0:
            movers = leaving[place] - youth[place]
            russia += movers * abroad / (kazakhstan + abroad)
            total += movers * (1.0 - (inside / (kazakhstan + abroad) if outside_only else 0.0))
        if students > 0.0:
            russia += youth[place] * students_abroad / students
            total += youth[place] * (1.0 - (students_inside / students if outside_only else 0.0))
    return russia / total if total > 0.0 else 0.0


@kernel
def solve_alpha(
    founders: Founders,
    choice: Choice,
    places: Places,
    table: Any,
    leaving: NDArray[np.float64],
    youth: NDArray[np.float64],
    youth_cells: NDArray[np.float64],
    share: float,
    outside_only: bool,
) -> float:
    """alpha_RU at which the share of leavers to Russia in 2015 is `share`; 0 where no Russian place is open.

    Bisection: the share rises with alpha_RU everywhere.
    """
    n_sim = leaving.shape[0]
    nests = NestWeights(np.empty((n_sim, CELLS, 3)), np.empty((n_sim, CELLS, 3)))
    weigh_nests(founders, choice, places, table[0], nests)
    low, high = -LARGEST_ALPHA, LARGEST_ALPHA
    if russian_share(nests, math.exp(high), leaving, youth, youth_cells, outside_only) < share:
        return 0.0
    for _ in range(BISECTIONS):
        middle = 0.5 * (low + high)
        if russian_share(nests, math.exp(middle), leaving, youth, youth_cells, outside_only) < share:
            low = middle
        else:
            high = middle
    return 0.5 * (low + high)


@kernel
def adjust_constants(
    flows: NDArray[np.float64], most: NDArray[np.float64], tau: float, places: Places
) -> float:
    """One step towards constants at which no place draws more from the other simulated places than it may.

    A town 15 km from the villages of its own district would otherwise take nearly all who leave them, far
    more than all its arrivals. The constants are alternative-specific constants of the logit, at most 0,
    found by the usual contraction. `most` is float64[n_sim] persons a year; returns the largest step.
    """
    n_sim = most.shape[0]
    largest = 0.0
    for place in range(n_sim):
        inside = 0.0
        for other in range(n_sim):
            inside += flows[other, place]
        if inside <= 0.0:
            continue
        wanted = min(0.0, places.constant[place] + 0.8 * tau * math.log(max(most[place], 1e-9) / inside))
        largest = max(largest, abs(wanted - places.constant[place]))
        places.constant[place] = wanted
    return largest


@kernel
def count_youth(
    founders: Founders,
    study_logit: NDArray[np.float64],
    table: Any,
    youth_cells: NDArray[np.float64],
    youth: NDArray[np.float64],
) -> None:
    """Youth by place and cell, and a first guess of those who leave to study (at the mean inclusive value)."""
    settings = table[0]
    youth_cells[:] = 0.0
    for k in range(founders.n_youth[0]):
        place, cell = founders.youth_place[k], founders.youth_cell[k]
        youth_cells[place, cell] += 1.0
    for place in range(youth.shape[0]):
        people = 0.0
        for cell in range(CELLS):
            people += youth_cells[place, cell]
        youth[place] = people * study_probability(study_logit[place], 0.0, 0.0, False, settings)


@kernel
def normalise(
    founders: Founders,
    choice: Choice,
    table: Any,
    wage: NDArray[np.float64],
    study_logit: NDArray[np.float64],
    leaving: NDArray[np.float64],
    norm: Norm,
) -> None:
    """IV_2015 of each place, and lambda' at which the person-weighted hazard of all moves is that of `leaving`.

    Fills norm.mean_inclusive, norm.youth_leaving and norm.hazard (equation 11 and the text below it).
    """
    settings = table[0]
    n_sim = leaving.shape[0]
    for place in range(n_sim):
        persons = 0.0
        total = 0.0
        for cell in range(CELLS):
            persons += founders.persons[place, cell]
            total += (
                founders.persons[place, cell]
                * choice.inclusive[place, cell // KINDS_OF_KIN, cell % KINDS_OF_KIN]
            )
        total -= settings.beta_y * founders.log_income[place] / FIXED_POINT
        level = settings.beta_y * math.log(wage[place])
        norm.mean_inclusive[place] = total / persons - level if persons > 0.0 else 0.0
        norm.youth_leaving[place] = 0.0
    for k in range(founders.n_youth[0]):
        place, cell = founders.youth_place[k], founders.youth_cell[k]
        inclusive = choice.inclusive[place, cell // KINDS_OF_KIN, cell % KINDS_OF_KIN]
        inclusive -= settings.beta_y * (founders.youth_income[k] + math.log(wage[place]))
        norm.youth_leaving[place] += study_probability(
            study_logit[place], inclusive, norm.mean_inclusive[place], founders.youth_parent[k], settings
        )
    for place in range(n_sim):
        wanted = max(leaving[place] - norm.youth_leaving[place], LEAST_HOUSEHOLD_SHARE * leaving[place])
        sums = np.zeros(POWERS)
        for cell in range(CELLS):
            factor = choice.factor[place, cell // KINDS_OF_KIN, cell % KINDS_OF_KIN]
            factor *= math.exp(-settings.beta_y * math.log(wage[place]))
            power = 1.0
            for k in range(POWERS):
                power *= factor
                sums[k] += power * founders.moving[place, cell, k] / FIXED_POINT
        norm.hazard[place] = _invert_hazard(wanted, sums)


@kernel
def _invert_hazard(wanted: float, sums: NDArray[np.float64]) -> float:
    """Scale x at which sum over persons of 1 - exp(-x h) is `wanted`, from the sums of h^k (Newton)."""
    if sums[0] <= 0.0:
        return 0.0
    x = wanted / sums[0]
    for _ in range(25):
        value = x * sums[0] - x**2 * sums[1] / 2.0 + x**3 * sums[2] / 6.0 - x**4 * sums[3] / 24.0
        slope = sums[0] - x * sums[1] + x**2 * sums[2] / 2.0 - x**3 * sums[3] / 6.0
        step = (wanted - value) / slope
        x += step
        if abs(step) <= 1e-14 * x:
            break
    return x
