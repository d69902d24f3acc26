"""Founding population: real counts, tilted ages, packed households; built once per world and founding seed.

Ages and sexes come from the region's estimated table, tilted per place until expected births and deaths
match the place's mean of 2013-2017; what the bounded tilt cannot reach is left to the base offsets of
fertility and mortality. Every founding total equals the published count exactly.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model import draws
from model.choice import rogers_castro
from model.compiled import kernel
from model.demography import birth_probabilities, death_probabilities
from model.draws import U64
from model.packing import pack_place
from model.population import (
    AGES,
    FEMALE,
    NOWHERE,
    PARTNER,
    REFERENCE,
    SKILLED,
    Households,
    People,
    Templates,
    new_households,
    new_people,
)
from model.world import World

TEMPLATES = 4096
# The regional age table counts students where they study. Share of a cohort that is away to study at the
# age of 18 to 25, and how far that share swells the same ages of places with universities [assumed].
AWAY_FIRST_AGE = 18
AWAY_TO_STUDY = (0.20, 0.30, 0.35, 0.35, 0.30, 0.22, 0.14, 0.07)
STUDENTS_GAINED = 0.5
# Bounds of the tilts; beyond them a place's own fertility and mortality explain its births and deaths better
# than ever stranger ages. At .3 the offsets of fertility stay within one prior sd (.15) of 0 in the towns.
LARGEST_FAMILY_TILT = 0.3
LARGEST_OLD_TILT = 0.6
FOUNDING_SEED = 20150101


@dataclass(frozen=True, eq=False)
class Founding:
    """A founding population, shared read-only by all runs.

    Attributes:
        people, households: columns; households are ordered by place.
        n_people, n_households: rows in use.
        templates: composition of migrant households; template_size their mean persons.
        fertility_offset, mortality_offset: float64[n_sim] log remainder of births and deaths that the
            tilted ages do not explain.
        seed, replicates, household_size: what it was built with.
    """

    people: People
    households: Households
    n_people: int
    n_households: int
    templates: Templates
    template_size: float
    fertility_offset: NDArray[np.float64]
    mortality_offset: NDArray[np.float64]
    seed: int
    replicates: int
    household_size: float

    def __deepcopy__(self, memo: dict[int, Any]) -> Founding:
        """Founders never change: copies of a run share them (and their read-only arrays, a type of its own)."""
        return self


@kernel
def _expected(
    weights: NDArray[np.float64],
    births: NDArray[np.float64],
    deaths: NDArray[np.float64],
    newborn_death: float,
) -> tuple[float, float]:
    expected_births = 0.0
    expected_deaths = 0.0
    for age in range(AGES):
        expected_births += weights[1, age] * births[age]
        expected_deaths += weights[0, age] * deaths[0, age] + weights[1, age] * deaths[1, age]
    return expected_births, expected_deaths + expected_births * newborn_death


@kernel
def _tilted(
    base: NDArray[np.float64], total: float, family: float, old: float, out: NDArray[np.float64]
) -> None:
    """Base ages times exp(family x young families + old x old age), scaled to `total`."""
    scale = 0.0
    for age in range(AGES):
        families = math.exp(-(((age - 29.0) / 11.0) ** 2)) + 0.6 * math.exp(-(((age - 3.0) / 9.0) ** 2))
        factor = math.exp(family * families + old * (age / 70.0) ** 2)
        for sex in range(2):
            out[sex, age] = base[sex, age] * factor
            scale += out[sex, age]
    for age in range(AGES):
        for sex in range(2):
            out[sex, age] *= total / scale


@kernel
def tilt_ages(
    base: NDArray[np.float64],
    total: float,
    births: float,
    deaths: float,
    birth_probability: NDArray[np.float64],
    death_probability: NDArray[np.float64],
    newborn_death: float,
    out: NDArray[np.float64],
) -> None:
    """Ages of a place whose expected births and deaths match the given ones (Newton, bounded tilt).

    What the bounded tilt leaves is found on the rounded ages by `log_remainders`.
    """
    family, old = 0.0, 0.0
    step = 1e-4
    for _ in range(40):
        _tilted(base, total, family, old, out)
        b0, d0 = _expected(out, birth_probability, death_probability, newborn_death)
        error_b, error_d = math.log(births / b0), math.log(deaths / d0)
        if abs(error_b) + abs(error_d) < 1e-10:
            break
        _tilted(base, total, family + step, old, out)
        b1, d1 = _expected(out, birth_probability, death_probability, newborn_death)
        _tilted(base, total, family, old + step, out)
        b2, d2 = _expected(out, birth_probability, death_probability, newborn_death)
        j11, j12 = math.log(b1 / b0) / step, math.log(b2 / b0) / step
        j21, j22 = math.log(d1 / d0) / step, math.log(d2 / d0) / step
        determinant = j11 * j22 - j12 * j21
        wanted = family + 0.8 * (j22 * error_b - j12 * error_d) / determinant
        if abs(wanted) < LARGEST_FAMILY_TILT:
            family = wanted
            old += 0.8 * (-j21 * error_b + j11 * error_d) / determinant
        else:  # births cannot be reached: match deaths alone
            family = math.copysign(LARGEST_FAMILY_TILT, wanted)
            old += 0.8 * error_d / j22
        old = min(LARGEST_OLD_TILT, max(-LARGEST_OLD_TILT, old))
    _tilted(base, total, family, old, out)


@kernel
def round_counts(expected: NDArray[np.float64], total: int, offset: float, out: NDArray[np.int64]) -> None:
    """Whole persons by systematic rounding: the cells sum to `total` exactly, each within one of its expectation."""
    cumulated = 0.0
    previous = 0
    for sex in range(2):
        for age in range(AGES):
            cumulated += expected[sex, age]
            reached = (
                total if sex == 1 and age == AGES - 1 else min(total, int(math.floor(cumulated + offset)))
            )
            out[sex, age] = reached - previous
            previous = reached


@kernel
def log_remainders(
    counts: NDArray[np.int64],
    births: float,
    deaths: float,
    rates: NDArray[np.float64],
    shape: NDArray[np.float64],
    tfr: float,
    infant_first_year: float,
) -> tuple[float, float]:
    """Log offsets of fertility and mortality at which whole persons expect exactly these births and deaths.

    A woman who dies in the year bears no child in it, as in `demography.strike`.
    """
    fertility, mortality = 0.0, 0.0
    birth, death, newborn = np.empty(AGES), np.empty((2, AGES)), np.empty(2)
    for _ in range(100):
        birth_probabilities(shape, tfr * math.exp(fertility), birth)
        death_probabilities(rates, math.exp(mortality), infant_first_year, death, newborn)
        expected_births, expected_deaths = 0.0, 0.0
        for age in range(AGES):
            expected_births += counts[1, age] * (1.0 - death[1, age]) * birth[age]
            expected_deaths += counts[0, age] * death[0, age] + counts[1, age] * death[1, age]
        expected_deaths += expected_births * (0.515 * newborn[0] + 0.485 * newborn[1])
        error_b, error_d = math.log(births / expected_births), math.log(deaths / expected_deaths)
        fertility += error_b
        mortality += error_d
        if abs(error_b) + abs(error_d) < 1e-13:
            break
    return fertility, mortality


@kernel
def _write_place(
    place: int,
    counts: NDArray[np.int64],
    keys: NDArray[np.uint64],
    household: NDArray[np.int64],
    rank: NDArray[np.int64],
    n_new: int,
    skilled: NDArray[np.float64],
    skill_salt: np.uint64,
    people: People,
    households: Households,
    row0: int,
    h0: int,
) -> None:
    """Append a packed place to the columns, members contiguous and in rank order."""
    persons = keys.shape[0]
    size = np.zeros(n_new + 1, dtype=np.int64)
    for i in range(persons):
        size[household[i] + 1] += 1
    for h in range(n_new):
        size[h + 1] += size[h]
    fill = size[:n_new].copy()
    # Ranks 0 and 1 have fixed places, the others follow in row order.
    for h in range(n_new):
        households.first[h0 + h] = row0 + size[h]
        households.place[h0 + h] = place
        households.traits[h0 + h] = 0
    households.first[h0 + n_new] = row0 + size[n_new]
    for wanted in range(3):
        i = 0
        for sex in range(2):
            for age in range(AGES):
                for _ in range(counts[sex, age]):
                    if rank[i] == wanted:
                        h = household[i]
                        row = row0 + fill[h]
                        fill[h] += 1
                        people.key[row] = keys[i]
                        people.age[row] = age
                        traits = FEMALE if sex == 1 else 0
                        if wanted == 0:
                            traits |= REFERENCE
                        if wanted == 1:
                            traits |= PARTNER
                            people.traits[row0 + size[h]] |= PARTNER
                        if draws.uniform(keys[i], skill_salt) < skilled[sex, age]:
                            traits |= SKILLED
                        people.traits[row] = traits
                        people.status[row] = 0
                        people.origin[row] = NOWHERE
                        if wanted == 0:
                            households.key[h0 + h] = keys[i]
                    i += 1


@kernel
def _founder_keys(
    founding_seed: np.uint64, place_key: np.uint64, replicate: int, keys: NDArray[np.uint64]
) -> None:
    salted = draws.mix(draws.salt(founding_seed, replicate, draws.FOUNDER_KEY) ^ place_key)
    for i in range(keys.shape[0]):
        keys[i] = draws.draw_alternative(U64(i), salted, place_key)


@kernel
def _sample_templates(
    people: People,
    households: Households,
    n_households: int,
    mobility: NDArray[np.float64],
    chosen: NDArray[np.int64],
) -> None:
    """Systematic sample of households, each with the Rogers-Castro weight of its reference person."""
    total = 0.0
    for h in range(n_households):
        total += mobility[people.age[households.first[h]]]
    step = total / chosen.shape[0]
    reached = 0.0
    k = 0
    for h in range(n_households):
        reached += mobility[people.age[households.first[h]]]
        while k < chosen.shape[0] and (k + 0.5) * step < reached:
            chosen[k] = h
            k += 1
    for rest in range(k, chosen.shape[0]):
        chosen[rest] = n_households - 1


def build_founding(
    world: World,
    household_size: float = 2.7,
    tfr: float = 1.90,
    infant_first_year: float = 0.8,
    seed: int = FOUNDING_SEED,
    replicates: int = 1,
) -> Founding:
    """Build the founding population of a world.

    Args:
        world: the world.
        household_size: wanted mean size of households, persons.
        tfr: total fertility rate the births of 2013-2017 are matched with.
        infant_first_year: share of infant deaths in the calendar year of birth.
        seed: founding seed; replicates: how often the whole list of founders is repeated (benchmarks).

    Returns:
        Founding with exactly `world.founding_population` persons per place and replicate.

    Raises:
        ValueError: replicates of a world of villages, or villages that the households do not fit into.

    Example:
        >>> from model.founding import build_founding
        >>> from model.world import load_world
        >>> world = load_world("towns")
        >>> founding = build_founding(world)
        >>> founding.n_people, int(world.founding_population.sum())
        (33645, 33645)
    """
    if world.villages is not None:
        from model.village_founding import found_villages

        return found_villages(world, household_size, tfr, infant_first_year, seed, replicates)
    schedules = world.schedules
    births = np.empty(AGES)
    birth_probabilities(schedules.fertility, tfr, births)
    deaths = np.empty((2, AGES))
    newborn = np.empty(2)
    death_probabilities(schedules.mortality, 1.0, infant_first_year, deaths, newborn)
    newborn_death = float(0.515 * newborn[0] + 0.485 * newborn[1])
    total = int(world.founding_population.sum()) * replicates
    people, households = new_people(total), new_households(total)
    fertility_offset, mortality_offset = np.empty(world.n_sim), np.empty(world.n_sim)
    fertility_cumulated = np.cumsum(schedules.fertility)
    founding_seed = draws.run_seed(seed, 0, 0)
    skill_salt = draws.salt_of(founding_seed, 0, draws.SKILL)
    row, n_households = 0, 0
    for place in range(world.n_sim):
        persons = int(world.founding_population[place])
        expected = np.empty((2, AGES))
        base = _ages_of_residents(schedules.base_ages, bool(world.is_study_place[place]))
        tilt_ages(
            base,
            float(persons),
            world.founding_births[place],
            world.founding_deaths[place],
            births,
            deaths,
            newborn_death,
            expected,
        )
        place_key = draws.text_key(world.ids[place])
        offset = draws.uniform(place_key, draws.salt_of(founding_seed, 0, draws.FOUNDING_ROUNDING))
        counts = np.empty((2, AGES), np.int64)
        round_counts(expected, persons, offset, counts)
        fertility_offset[place], mortality_offset[place] = log_remainders(
            counts,
            world.founding_births[place],
            world.founding_deaths[place],
            schedules.mortality,
            schedules.fertility,
            tfr,
            infant_first_year,
        )
        for replicate in range(replicates):
            keys = np.empty(persons, np.uint64)
            _founder_keys(founding_seed, place_key, replicate, keys)
            household, rank = np.empty(persons, np.int64), np.empty(persons, np.int64)
            packed = pack_place(
                counts,
                keys,
                schedules.partnered,
                fertility_cumulated,
                household_size,
                founding_seed,
                household,
                rank,
            )
            _write_place(
                place,
                counts,
                keys,
                household,
                rank,
                packed,
                schedules.skilled,
                skill_salt,
                people,
                households,
                row,
                n_households,
            )
            row += persons
            n_households += packed
    templates = _build_templates(people, households, n_households)
    households = Households(
        households.key[:n_households].copy(),
        households.place[:n_households].copy(),
        households.traits[:n_households].copy(),
        households.first[: n_households + 1].copy(),
    )
    for column in (*people, *households, *templates):
        column.setflags(write=False)
    return Founding(
        people,
        households,
        row,
        n_households,
        templates,
        float(templates.first[-1]) / TEMPLATES,
        fertility_offset,
        mortality_offset,
        seed,
        replicates,
        household_size,
    )


def _ages_of_residents(table: NDArray[np.float64], has_universities: bool) -> NDArray[np.float64]:
    """The region's age table with its students where they live: away from most places, gathered in centres."""
    ages = table.copy()
    for step, away in enumerate(AWAY_TO_STUDY):
        ages[:, AWAY_FIRST_AGE + step] *= 1.0 + STUDENTS_GAINED * away if has_universities else 1.0 - away
    return ages


def _build_templates(people: People, households: Households, n_households: int) -> Templates:
    mobility = np.empty(AGES)
    rogers_castro(mobility)
    chosen = np.empty(TEMPLATES, np.int64)
    _sample_templates(people, households, n_households, mobility, chosen)
    begin, end = households.first[chosen], households.first[chosen + 1]
    first = np.concatenate(([0], np.cumsum(end - begin))).astype(np.int32)
    rows = np.concatenate([np.arange(b, e) for b, e in zip(begin, end, strict=True)])
    return Templates(first, people.age[rows].copy(), people.traits[rows].copy())
