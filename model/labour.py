"""Phase 4: who takes part, loses a job, is hired, commutes, works on the own account (equations 5-7)."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from model import draws
from model.compiled import kernel
from model.draws import U64
from model.population import (
    AGES,
    CHILD,
    COMMUTER,
    FEMALE,
    FIRST_SECTOR,
    HIDDEN,
    INACTIVE,
    NOWHERE,
    RETIRED,
    SECTORS,
    SKILLED,
    STATUSES,
    STUDENT,
    UNEMPLOYED,
    WORKING_AGE,
    Households,
    People,
)
from model.renewal import STUDENT_LAST_AGE
from model.settlements import Settlements

RETIREMENT_AGE_MEN = 63
RETIREMENT_AGE_WOMEN = 58
NOBODY = U64(0)
EVERYBODY = U64(0xFFFFFFFFFFFFFFFF)
MOST_PARTICIPATION = 0.99
BINS = 512
BIN_SHIFT = U64(55)
WILLING = np.uint8(255)  # a seeker who would commute, before the posts are filled


class Seekers(NamedTuple):
    """People who look for a job this year: row of the person, place, and place in the queue (smaller is sooner)."""

    row: NDArray[np.int32]
    place: NDArray[np.int32]
    queue: NDArray[np.uint64]


class Cuts(NamedTuple):
    """Outcome of matching: a seeker's queue number against these cuts decides what becomes of the seeker.

    Attributes:
        hired: uint64[n_sim, 4] cumulated cuts by sector: hired in the first sector whose cut exceeds the number.
        commuting: uint64[n_sim] cut below which an accepting seeker commutes.
        unemployed: uint64[n_sim] cut from which the rest are officially unemployed.
        acceptance: float64[n_sim] share of seekers who would take a job in the centre.
    """

    hired: NDArray[np.uint64]
    commuting: NDArray[np.uint64]
    unemployed: NDArray[np.uint64]
    acceptance: NDArray[np.float64]


class Centres(NamedTuple):
    """Where commuters of a place may work, float64/int64[n_sim] unless said.

    Attributes:
        index: the centre (-1 none). distance: road km. district: seekers of the centre's own district relative
            to its own. openings_outside, seekers_outside: float64[n_all] of external centres this year.
        reach: shift of D50 in km by a commuter link. pays: whether the job pays after travel.
    """

    index: NDArray[np.int64]
    distance: NDArray[np.float64]
    openings_outside: NDArray[np.float64]
    seekers_outside: NDArray[np.float64]
    reach: NDArray[np.float64]
    pays: NDArray[np.bool_]


@kernel
def fill_participation(base: NDArray[np.float64], scale: NDArray[np.float64], out: NDArray[np.uint64]) -> None:
    """l(age, sex) of every place: the region's schedule times kappa_E, as cuts of a draw, uint64[n_sim * 2 * 111]."""
    for place in range(scale.shape[0]):
        for sex in range(2):
            for age in range(AGES):
                share = min(MOST_PARTICIPATION, base[sex, age] * scale[place])
                out[(place * 2 + sex) * AGES + age] = draws.cut(share)


@kernel
def queue_number(key: np.uint64, traits: int, salted: np.uint64, odds: float) -> np.uint64:
    """Place in the queue for jobs: uniform, for the skilled divided by their odds; ties break by key."""
    position = draws.draw(key, salted) >> U64(11)
    if traits & SKILLED:
        position = U64(np.int64(np.int64(position) / odds))
    return (position << U64(11)) | (key & U64(0x7FF))


@kernel
def out_of_labour_force(age: int, sex: int) -> int:
    """What someone of working age does who does not take part."""
    if age <= STUDENT_LAST_AGE:
        return STUDENT
    if age >= (RETIREMENT_AGE_WOMEN if sex == 1 else RETIREMENT_AGE_MEN):
        return RETIRED
    return INACTIVE


@kernel
def scan_labour(people: People, households: Households, n_households: int, participation: NDArray[np.uint64],
                separation: float, skill_odds: float, seed: np.uint64, year: int, state: Settlements,
                seekers: Seekers) -> int:
    """Participation and separations (5): counts staff and participants, collects the seekers; returns their number.

    Taking part is a lifelong rank compared with l(age, sex), so that people enter and leave the labour
    force once, not at random every year.
    """
    keys, ages, traits_of, statuses, origins = people.key, people.age, people.traits, people.status, people.origin
    first, place_of = households.first, households.place
    seekers_row, seekers_place, seekers_queue = seekers.row, seekers.place, seekers.queue
    rank_salt = draws.salt(seed, 0, draws.PARTICIPATION)
    separation_salt = draws.salt(seed, year, draws.SEPARATION)
    queue_salt = draws.salt(seed, year, draws.HIRING)
    separation_cut = draws.cut(separation)
    state.staff[:] = 0
    state.commuters[:] = 0
    state.participants[:] = 0
    counts = np.zeros((state.participants.shape[0], STATUSES), dtype=np.int64)
    n = 0
    end = first[0]
    for h in range(n_households):
        place = np.int64(place_of[h])
        base = U64(place) * U64(2 * AGES)
        begin, end = end, first[h + 1]
        for i in range(begin, end):
            age = ages[i]
            if age < WORKING_AGE:
                statuses[i] = CHILD
                continue
            traits = traits_of[i]
            key = keys[i]
            cell = base + U64(traits & FEMALE) * U64(AGES) + U64(age)
            takes_part = (draws.draw(key, rank_salt) >> U64(11)) < participation[cell]
            if not takes_part or (origins[i] != NOWHERE and age <= STUDENT_LAST_AGE):
                statuses[i] = out_of_labour_force(age, traits & FEMALE)
                continue
            status = statuses[i]
            if U64(status) - U64(FIRST_SECTOR) <= U64(COMMUTER - FIRST_SECTOR):
                if (draws.draw(key, separation_salt) >> U64(11)) >= separation_cut:
                    counts[place, status] += 1
                    continue
            counts[place, CHILD] += 1  # seekers
            seekers_row[n] = i
            seekers_place[n] = place
            seekers_queue[n] = queue_number(key, traits, queue_salt, skill_odds)
            n += 1
    for place in range(counts.shape[0]):
        state.participants[place] = counts[place, CHILD] + counts[place, COMMUTER]
        state.commuters[place] = counts[place, COMMUTER]
        for sector in range(SECTORS):
            state.staff[place, sector] = counts[place, FIRST_SECTOR + sector]
            state.participants[place] += state.staff[place, sector]
    return n


@kernel
def smallest(values: NDArray[np.uint64], begin: int, end: int, n: int) -> np.uint64:
    """Cut such that exactly n of values[begin:end] (all different) lie below it: histogram of the leading bits, then
    the few values of one bin in order."""
    if n <= 0:
        return NOBODY
    if n >= end - begin:
        return EVERYBODY
    count = np.zeros(BINS + 1, dtype=np.int64)
    for i in range(begin, end):
        count[values[i] >> BIN_SHIFT] += 1
    below = 0
    chosen = 0
    while below + count[chosen] <= n:
        below += count[chosen]
        chosen += 1
    inside = np.empty(count[chosen], dtype=np.uint64)
    k = 0
    for i in range(begin, end):
        if values[i] >> BIN_SHIFT == U64(chosen):
            inside[k] = values[i]
            k += 1
    inside.sort()
    return inside[n - below]


@kernel
def round_half_up(value: float) -> int:
    """Whole number nearest to a non-negative value, halves upwards."""
    return int(math.floor(value + 0.5))


@kernel
def acceptance(distance: float, reach: float, settings: Any) -> float:
    """Equation (6): share of seekers who would take a job `distance` km away."""
    return 1.0 / (1.0 + math.exp((distance - settings.D50 - reach) / settings.s_D))


@kernel
def _hire_locally(place: int, openings: int, begin: int, end: int, jobs: NDArray[np.float64], matching: float,
                  state: Settlements, grouped: NDArray[np.uint64], cuts: Cuts) -> int:
    """Fill local vacancies of a place in sector order; returns how many seekers were hired."""
    hires = min(openings, round_half_up(matching * (end - begin)))
    hires = max(hires, 0)
    filled = 0
    for sector in range(SECTORS):
        vacancies = max(0, round_half_up(jobs[place, sector]) - state.staff[place, sector])
        take = min(vacancies, hires - filled)
        filled += take
        cuts.hired[place, sector] = smallest(grouped, begin, end, filled)
        state.staff[place, sector] += take
    return filled


@kernel
def _local_openings(place: int, state: Settlements) -> int:
    vacancies = 0
    for sector in range(SECTORS):
        vacancies += max(0, round_half_up(state.jobs[place, sector]) - state.staff[place, sector])
    return max(0, vacancies - state.commuters_in[place])


@kernel
def match(people: People, seekers: Seekers, n: int, state: Settlements, centres: Centres, table: Any,
          seed: np.uint64, year: int, keys: NDArray[np.uint64], is_centre: NDArray[np.bool_], cuts: Cuts) -> None:
    """Hiring, commuting and unemployment of all places (equations 5-7), then every seeker's new status.

    Places hire their own seekers first; a centre's vacancies are then shared by acceptance x seekers,
    its own and its district's seekers included, so that a town gets only its share.
    """
    settings = table[0]
    seekers_row, seekers_place, seekers_queue = seekers.row, seekers.place, seekers.queue
    cuts_hired = cuts.hired
    statuses = people.status
    n_sim = state.participants.shape[0]
    start = np.zeros(n_sim + 1, dtype=np.int64)
    for k in range(n):
        start[seekers_place[k] + 1] += 1
    for place in range(n_sim):
        start[place + 1] += start[place]
    fill = start[:n_sim].copy()
    grouped = np.empty(n, dtype=np.uint64)
    for k in range(n):
        place = seekers_place[k]
        grouped[fill[place]] = seekers_queue[k]
        fill[place] += 1
    state.commuters_in[:] = 0
    for place in range(n_sim):
        centre = centres.index[place]
        if 0 <= centre < n_sim:
            state.commuters_in[centre] += state.commuters[place]
    hired = np.zeros(n_sim, dtype=np.int64)
    for place in range(n_sim):
        if not is_centre[place]:
            hired[place] = _hire_locally(place, _local_openings(place, state), start[place], start[place + 1],
                                         state.jobs, settings.matching, state, grouped, cuts)
    _share_centres(start, hired, state, centres, settings, seed, year, keys, is_centre, cuts)
    for place in range(n_sim):
        if is_centre[place]:
            openings = _local_openings(place, state) - state.vacancies[place]
            hired[place] = _hire_locally(place, openings, start[place], start[place + 1], state.jobs,
                                         settings.matching, state, grouped, cuts)
    outcome = np.empty(n, dtype=np.uint8)
    for k in range(n):
        place = seekers_place[k]
        queue = seekers_queue[k]
        # Number of sector cuts at or below the queue number: four of them mean no job.
        rank = np.int64(0)
        for sector in range(SECTORS):
            rank += queue >= cuts_hired[place, sector]
        outcome[k] = FIRST_SECTOR + rank if rank < SECTORS else HIDDEN
    _commute(people, seekers, n, start, state, centres, cuts, seed, year, outcome)
    for place in range(n_sim):
        close_market(place, state, settings)
    _register_unemployed(seekers, n, start, state, grouped, cuts, outcome)
    for k in range(n):
        statuses[seekers_row[k]] = outcome[k]
    for place in range(n_sim):
        openings = 0
        for sector in range(SECTORS):
            openings += max(0, round_half_up(state.jobs[place, sector]) - state.staff[place, sector])
        state.vacancies[place] = max(0, openings - state.commuters_in[place])


@kernel
def _share_centres(start: NDArray[np.int64], hired: NDArray[np.int64], state: Settlements, centres: Centres,
                   settings: Any, seed: np.uint64, year: int, keys: NDArray[np.uint64],
                   is_centre: NDArray[np.bool_], cuts: Cuts) -> None:
    """Posts of each centre that go to seekers of each place; kept in `cuts.commuting` as numbers for now.

    `state.vacancies` of a simulated centre holds the posts set aside for others.
    """
    n_sim = hired.shape[0]
    salted = draws.salt(seed, year, draws.COMMUTE_ROUNDING)
    weight_sum = centres.seekers_outside.copy()
    for place in range(n_sim):
        if is_centre[place]:
            weight_sum[place] += start[place + 1] - start[place]
        centre = centres.index[place]
        cuts.acceptance[place] = 0.0
        cuts.commuting[place] = NOBODY
        if centre >= 0 and centres.pays[place]:
            cuts.acceptance[place] = acceptance(centres.distance[place], centres.reach[place], settings)
            weight_sum[centre] += cuts.acceptance[place] * (start[place + 1] - start[place] - hired[place])
        state.vacancies[place] = 0
    for place in range(n_sim):
        centre = centres.index[place]
        if centre < 0 or cuts.acceptance[place] <= 0.0 or weight_sum[centre] <= 0.0:
            continue
        openings = float(_local_openings(centre, state)) if centre < n_sim else centres.openings_outside[centre]
        seeking = start[place + 1] - start[place] - hired[place]
        share = openings * min(1.0, cuts.acceptance[place] * seeking / weight_sum[centre])
        # The fraction is kept by a keyed draw: a tenth of a job more is one commuter more every tenth year.
        posts = int(math.floor(share + draws.uniform(keys[place], salted)))
        cuts.commuting[place] = U64(posts)
        if centre < n_sim:
            state.vacancies[centre] += posts


@kernel
def _commute(people: People, seekers: Seekers, n: int, start: NDArray[np.int64], state: Settlements, centres: Centres,
             cuts: Cuts, seed: np.uint64, year: int, outcome: NDArray[np.uint8]) -> None:
    """Fill the posts set aside for each place with its first accepting seekers who found no local job."""
    seekers_row, seekers_place, seekers_queue = seekers.row, seekers.place, seekers.queue
    keys = people.key
    cuts_commuting, cuts_acceptance = cuts.commuting, cuts.acceptance
    n_sim = state.participants.shape[0]
    salted = draws.salt(seed, year, draws.COMMUTE_ACCEPTANCE)
    accepting = np.empty(n, dtype=np.uint64)
    fill = start[:n_sim].copy()
    for k in range(n):
        place = seekers_place[k]
        if cuts_commuting[place] == NOBODY or outcome[k] != HIDDEN:
            continue
        if draws.uniform(keys[seekers_row[k]], salted) < cuts_acceptance[place]:
            accepting[fill[place]] = seekers_queue[k]
            fill[place] += 1
            outcome[k] = WILLING
    for place in range(n_sim):
        taken = min(np.int64(cuts_commuting[place]), fill[place] - start[place])
        cuts_commuting[place] = smallest(accepting, start[place], fill[place], taken)
        state.commuters[place] += taken
        centre = centres.index[place]
        if 0 <= centre < n_sim:
            state.commuters_in[centre] += taken
    for k in range(n):
        if outcome[k] == WILLING:
            outcome[k] = COMMUTER if seekers_queue[k] < cuts_commuting[seekers_place[k]] else HIDDEN


@kernel
def close_market(place: int, state: Settlements, settings: Any) -> None:
    """Equation (7): slack, the official rate and the hidden rest of one place."""
    employed = state.commuters[place]
    for sector in range(SECTORS):
        employed += state.staff[place, sector]
    participants = state.participants[place]
    state.employed[place] = employed
    state.slack[place] = 1.0 - employed / participants if participants > 0 else 0.0
    official = settings.ubar + settings.chi * (state.slack[place] - state.slack_2015[place])
    official = min(0.5, max(0.0, official))
    unemployed = min(round_half_up(official * participants), participants - employed)
    state.unemployed[place] = unemployed
    state.hidden[place] = participants - employed - unemployed
    state.unemployment[place] = unemployed / participants if participants > 0 else 0.0
    state.hidden_rate[place] = state.hidden[place] / participants if participants > 0 else 0.0


@kernel
def _register_unemployed(seekers: Seekers, n: int, start: NDArray[np.int64], state: Settlements,
                         rest: NDArray[np.uint64], cuts: Cuts, outcome: NDArray[np.uint8]) -> None:
    """The last in the queue among those left over are officially unemployed, exactly as many as (7) says."""
    seekers_place, seekers_queue = seekers.place, seekers.queue
    cuts_unemployed = cuts.unemployed
    n_sim = state.participants.shape[0]
    fill = start[:n_sim].copy()
    for k in range(n):
        if outcome[k] == HIDDEN:
            place = seekers_place[k]
            rest[fill[place]] = seekers_queue[k]
            fill[place] += 1
    for place in range(n_sim):
        keep = fill[place] - start[place] - state.unemployed[place]
        cuts_unemployed[place] = smallest(rest, start[place], fill[place], keep)
    for k in range(n):
        if outcome[k] == HIDDEN and seekers_queue[k] >= cuts_unemployed[seekers_place[k]]:
            outcome[k] = UNEMPLOYED
