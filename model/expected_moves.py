"""How many people a year's equations expect to leave each place, and for where: (10)-(12) without the draws.

The year itself decides person by person; this says what those decisions amount to on average, given the columns
and tables that the year's phase of moves sees. It is what effects are traced with: the same state with one
table of another run put in its place.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from model.choice import FAR_BELOW, KINDS_OF_KIN, Choice, Places, log_sum, nest_weight
from model.compiled import kernel
from model.draws import I64
from model.migration import (
    LONE_FIRST_AGE,
    LONE_LAST_AGE,
    RETURN_FIRST_AGE,
    STUDY_FIRST_AGE,
    STUDY_LAST_AGE,
    Incomes,
    leaving_scale,
    study_probability,
)
from model.person_year import RETURN_LAST_AGE
from model.population import (
    KIN_MASK,
    KIN_SHIFT,
    NOWHERE,
    PARTNER,
    SKILLED,
    WITH_CHILDREN,
    WITH_YOUNG,
    Households,
    People,
)
from model.readiness import Readiness


class Leavers(NamedTuple):
    """Expected leavers of a year by what decides where they go, float64.

    Attributes:
        together: [n_sim, 2, 4] persons who move with their household, by children (0/1) and kin.
        alone: [n_sim, 4] young adults on their own. students: [n_sim, 4] youth who leave to study.
        home: [n_sim, n_sim] students in a simulated place who go back to where they came from.
    """

    together: NDArray[np.float64]
    alone: NDArray[np.float64]
    students: NDArray[np.float64]
    home: NDArray[np.float64]


def new_leavers(n_sim: int) -> Leavers:
    """Nobody."""
    return Leavers(
        np.zeros((n_sim, 2, KINDS_OF_KIN)),
        np.zeros((n_sim, KINDS_OF_KIN)),
        np.zeros((n_sim, KINDS_OF_KIN)),
        np.zeros((n_sim, n_sim)),
    )


@kernel
def expect_leavers(
    people: People,
    households: Households,
    n_households: int,
    incomes: Incomes,
    readiness: Readiness,
    choice: Choice,
    table: Any,
    leavers: Leavers,
) -> None:
    """Fill the expected leavers (overwritten): chances of `migration.move_people`, added up instead of drawn."""
    settings = table[0]
    leavers.together[:] = 0.0
    leavers.alone[:] = 0.0
    leavers.students[:] = 0.0
    leavers.home[:] = 0.0
    for h in range(n_households):
        begin, end = households.first[h], households.first[h + 1]
        here, traits = I64(households.place[h]), I64(households.traits[h])
        kin = (traits >> KIN_SHIFT) & KIN_MASK
        children = 1 if traits & WITH_CHILDREN else 0
        scale, inclusive = leaving_scale(
            people, begin, end, here, traits, children, kin, incomes, readiness, choice, settings
        )
        moves = 1.0 - math.exp(-scale * readiness.by_age[people.age[begin]])
        leavers.together[here, children, kin] += moves * (end - begin)
        stays = 1.0 - moves
        origin, age = I64(people.origin[begin]), people.age[begin]
        if (
            end - begin == 1
            and origin != NOWHERE
            and origin != here
            and RETURN_FIRST_AGE <= age <= RETURN_LAST_AGE
        ):
            leavers.home[here, origin] += stays * readiness.return_chance[origin]
        if not traits & WITH_YOUNG:
            continue
        skilled_parent = (people.traits[begin] & SKILLED) != 0
        for i in range(begin + 1, end):
            age = people.age[i]
            if people.traits[i] & PARTNER:
                continue
            if STUDY_FIRST_AGE <= age <= STUDY_LAST_AGE:
                chance = study_probability(
                    readiness.study_logit[here],
                    inclusive,
                    readiness.mean_inclusive[here],
                    skilled_parent,
                    settings,
                )
                leavers.students[here, kin] += stays * chance
            elif LONE_FIRST_AGE <= age <= LONE_LAST_AGE:
                leavers.alone[here, kin] += stays * (1.0 - math.exp(-scale * readiness.by_age[age]))


@kernel
def expect_flows(
    n_sim: int,
    leavers: Leavers,
    choice: Choice,
    places: Places,
    table: Any,
    alpha_russia: float,
    flows: NDArray[np.float64],
) -> None:
    """Send the leavers on by the nested logit (11): fills expected persons float64[n_sim, n_all] (overwritten)."""
    settings = table[0]
    flows[:] = 0.0
    for here in range(n_sim):
        for other in range(n_sim):
            flows[here, other] += leavers.home[here, other]
        for kin in range(KINDS_OF_KIN):
            for children in range(2):
                total = choice.inclusive[here, children, kin]
                persons = leavers.together[here, children, kin]
                if children == 0:
                    persons += leavers.alone[here, kin]
                if persons <= 0.0 or total <= FAR_BELOW:
                    continue
                for k in range(choice.utility.shape[2]):
                    utility, there = choice.utility[here, children, k], choice.there[here, k]
                    if utility > FAR_BELOW:
                        nest = places.nest[there]
                        value = choice.nest_value[here, children, nest]
                        weight = nest_weight(value, kin, nest, settings, alpha_russia)
                        flows[here, there] += persons * math.exp(weight - total + utility - value)
            studying = leavers.students[here, kin]
            first = nest_weight(choice.study_value[here, 0], kin, 0, settings, alpha_russia)
            second = nest_weight(choice.study_value[here, 1], kin, 1, settings, alpha_russia)
            total = log_sum(first, second)
            if studying <= 0.0 or total <= FAR_BELOW:
                continue
            for k in range(choice.utility.shape[2]):
                utility, there = choice.utility[here, 0, k], choice.there[here, k]
                if utility > FAR_BELOW and places.study[there]:
                    nest = places.nest[there]
                    weight = second if nest == 1 else first
                    flows[here, there] += studying * math.exp(
                        weight - total + utility - choice.study_value[here, nest]
                    )
