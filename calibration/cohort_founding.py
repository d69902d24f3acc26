"""The founding table of the cohort twin: what the founders' columns say, summed over persons."""

from __future__ import annotations

from typing import NamedTuple
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from calibration.cohort_compiled import cohort_kernel
from calibration.cohort_state import (
    BANDS,
    DEPENDENTS,
    HEADS,
    Floats,
    band_of,
)
from model.arrivals import SETTLER_LARGEST, SETTLER_LEAST
from model.draws import I64
from model.founding import Founding
from model.population import AGES, FEMALE, PARTNER, SKILLED


class FoundingTable(NamedTuple):
    """Founders, and the mean composition of an arriving household and of a settler family.

    Attributes:
        single, couple: float64[n_sim, 2, 111] persons by sex and age. dependent: float64[n_sim, 2, 111, 9].
        skilled: float64[n_sim, 2, 2, 111]. households: float64[n_sim].
        Compositions hold the same sums for one household: rows 0 (arrivals) and 1 (settlers) of
        `of_single` [2, 2, 111], `of_couple`, `of_dependent` [2, 2, 111, 9], `of_skilled` [2, 2, 2, 111].
        size: float64[2] mean persons of a composition.
        offsets: float64[2, n_sim] base logs of fertility and mortality.
    """

    single: Floats
    couple: Floats
    dependent: Floats
    skilled: Floats
    households: Floats
    of_single: Floats
    of_couple: Floats
    of_dependent: Floats
    of_skilled: Floats
    size: Floats
    offsets: Floats


@cohort_kernel
def _add_household(
    ages: NDArray[np.uint8],
    traits: NDArray[np.uint8],
    begin: int,
    end: int,
    weight: float,
    single: Floats,
    couple: Floats,
    dependent: Floats,
    skilled: Floats,
) -> None:
    """Add the members of one household to tables [sex, age] (and band, or group)."""
    in_couple = (traits[begin] & PARTNER) != 0
    head = I64(ages[begin])
    if in_couple:
        head = I64(ages[begin]) if traits[begin] & FEMALE else I64(ages[begin + 1])
    for i in range(begin, end):
        sex, age = (1 if traits[i] & FEMALE else 0), I64(ages[i])
        group = HEADS
        if i == begin and not in_couple:
            single[sex, age] += weight
        elif i < begin + 2 and in_couple:
            couple[sex, age] += weight
        else:
            group = DEPENDENTS
            dependent[sex, age, band_of(head - age, age)] += weight
        if traits[i] & SKILLED:
            skilled[group, sex, age] += weight


@cohort_kernel
def _tabulate_founders(
    first: NDArray[np.int32],
    place: NDArray[np.uint16],
    ages: NDArray[np.uint8],
    traits: NDArray[np.uint8],
    template_first: NDArray[np.int32],
    template_ages: NDArray[np.uint8],
    template_traits: NDArray[np.uint8],
    table: FoundingTable,
) -> None:
    for h in range(place.shape[0]):
        here = place[h]
        table.households[here] += 1.0
        _add_household(
            ages,
            traits,
            first[h],
            first[h + 1],
            1.0,
            table.single[here],
            table.couple[here],
            table.dependent[here],
            table.skilled[here],
        )
    n = template_first.shape[0] - 1
    families = 0
    for k in range(n):
        families += SETTLER_LEAST <= template_first[k + 1] - template_first[k] <= SETTLER_LARGEST
    for k in range(n):
        begin, end = template_first[k], template_first[k + 1]
        for row in range(2):
            fits = row == 0 or families == 0 or SETTLER_LEAST <= end - begin <= SETTLER_LARGEST
            weight = 1.0 / (n if row == 0 or families == 0 else families)
            if fits:
                table.size[row] += weight * (end - begin)
                _add_household(
                    template_ages,
                    template_traits,
                    begin,
                    end,
                    weight,
                    table.of_single[row],
                    table.of_couple[row],
                    table.of_dependent[row],
                    table.of_skilled[row],
                )


_TABLES: WeakKeyDictionary[Founding, FoundingTable] = WeakKeyDictionary()


def founding_table(founding: Founding, n_sim: int) -> FoundingTable:
    """Sum the columns of a founding population, once per population."""
    known = _TABLES.get(founding)
    if known is not None:
        return known
    table = FoundingTable(
        single=np.zeros((n_sim, 2, AGES)),
        couple=np.zeros((n_sim, 2, AGES)),
        dependent=np.zeros((n_sim, 2, AGES, BANDS)),
        skilled=np.zeros((n_sim, 2, 2, AGES)),
        households=np.zeros(n_sim),
        of_single=np.zeros((2, 2, AGES)),
        of_couple=np.zeros((2, 2, AGES)),
        of_dependent=np.zeros((2, 2, AGES, BANDS)),
        of_skilled=np.zeros((2, 2, 2, AGES)),
        size=np.zeros(2),
        offsets=np.stack([founding.fertility_offset, founding.mortality_offset]),
    )
    people, households, templates = founding.people, founding.households, founding.templates
    _tabulate_founders(
        households.first,
        households.place,
        people.age,
        people.traits,
        templates.first,
        templates.age,
        templates.traits,
        table,
    )
    _TABLES[founding] = table
    return table
