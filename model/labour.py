"""Phase 4: who takes part, loses a job, is hired, commutes, works on the own account (equations 5-7)."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from model import draws
from model.commuting import fill_commuter_posts
from model.compiled import kernel, lean_kernel
from model.draws import I64, U64
from model.job_queue import (
    EVERYBODY,
    NOBODY,
    JobQueue,
    Seekers,
    begin_of,
    cut_after,
    new_queue,
    queue_number,
    sort_bin,
)
from model.person_year import STUDENT_LAST_AGE
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
    STATUSES,
    STUDENT,
    UNEMPLOYED,
    WORKING_AGE,
    People,
)
from model.settlements import LANES, Settlements
from model.strips import STRIP, find_cells, list_marked, look_up, mark_below, mark_below_own

RETIREMENT_AGE_MEN = 63
RETIREMENT_AGE_WOMEN = 58
MOST_PARTICIPATION = 0.99


class Cuts(NamedTuple):
    """Outcome of matching: a seeker's queue number against these cuts decides what becomes of the seeker.

    Attributes:
        hired: uint64[n_sim, 4] cumulated cuts by sector: hired in the first sector whose cut exceeds the number.
        commuting: uint64[n_sim] posts set aside for commuters; at the founding the cut below which a seeker commutes.
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
        centre: its index (-1 none). distance: road km. district: seekers of the centre's own district relative
            to its own. openings_outside, seekers_outside: float64[n_all] of external centres this year.
        reach: shift of D50 in km by a commuter link; fare: factor on the cost of travel. pays: whether the job
            pays after travel.
    """

    centre: NDArray[np.int64]
    distance: NDArray[np.float64]
    openings_outside: NDArray[np.float64]
    seekers_outside: NDArray[np.float64]
    reach: NDArray[np.float64]
    fare: NDArray[np.float64]
    pays: NDArray[np.bool_]


@lean_kernel
def set_commuter_incomes(
    wages: NDArray[np.float64],
    centres: Centres,
    settings_table: Any,
    local: NDArray[np.float64],
    commuter: NDArray[np.float64],
) -> None:
    """Income of a commuter after travel, by place of residence, and whether it beats work on the own account.

    `wages` float64[n_all] of all places; `local` and `commuter` float64[n_sim] are filled, and `centres.pays`.
    """
    settings = settings_table[0]
    for place in range(local.shape[0]):
        local[place] = wages[place]
        centre = centres.centre[place]
        if centre < 0:
            commuter[place] = wages[place]
            centres.pays[place] = False
            continue
        kept = max(0.0, 1.0 - settings.travel_cost * centres.fare[place] * centres.distance[place])
        commuter[place] = wages[centre] * kept
        centres.pays[place] = wages[centre] * kept > settings.phi_se * wages[place]


@lean_kernel
def fill_participation(
    base: NDArray[np.float64], scale: NDArray[np.float64], out: NDArray[np.uint64]
) -> None:
    """l(age, sex) of every place: the region's schedule times kappa_E, as cuts of a draw, uint64[n_sim * 2 * 111]."""
    for place in range(scale.shape[0]):
        for sex in range(2):
            for age in range(AGES):
                share = min(MOST_PARTICIPATION, base[sex, age] * scale[place])
                out[(place * 2 + sex) * AGES + age] = draws.cut(share)


@lean_kernel
def _queue_up(
    people: People,
    places: NDArray[np.uint16],
    odds: float,
    salted: np.uint64,
    seekers: Seekers,
    begin: int,
    end: int,
) -> None:
    """Place and queue number of seekers number `begin` to `end`."""
    rows = seekers.row
    for k in range(begin, end):
        row = U64(rows[k])
        seekers.place[k] = places[row]
        seekers.queue[k] = queue_number(people.key[row], people.traits[row], salted, odds)


@lean_kernel
def _take_stock(
    people: People,
    places: NDArray[np.uint16],
    begin: int,
    end: int,
    in_rank: NDArray[np.bool_],
    separated: NDArray[np.bool_],
    seeks: NDArray[np.bool_],
    posts: NDArray[np.uint32],
) -> None:
    """Who of a strip keeps a job and who seeks one (`posts`, place x status, 0: neither); statuses of the rest.

    Out of the labour force are children, those who study, the retired, the inactive.
    """
    ages, traits_of = people.age[begin:end], people.traits[begin:end]
    statuses, origins = people.status[begin:end], people.origin[begin:end]
    here = places[begin:end]
    for i in range(ages.shape[0]):
        age, status = ages[i], statuses[i]
        takes_part = (age >= WORKING_AGE) & in_rank[i] & ((origins[i] == NOWHERE) | (age > STUDENT_LAST_AGE))
        employed = (status >= FIRST_SECTOR) & (status <= COMMUTER)
        keeps = takes_part & employed & (not separated[i])
        seeks[i] = takes_part & (not keeps)
        retires = age >= (RETIREMENT_AGE_WOMEN if traits_of[i] & FEMALE else RETIREMENT_AGE_MEN)
        idle = np.uint8(RETIRED) if retires else np.uint8(INACTIVE)
        idle = np.uint8(STUDENT) if age <= STUDENT_LAST_AGE else idle
        idle = np.uint8(CHILD) if age < WORKING_AGE else idle
        statuses[i] = status if takes_part else idle
        unposted = np.uint32(UNEMPLOYED) if seeks[i] else np.uint32(0)
        posts[i] = np.uint32(here[i]) * np.uint32(STATUSES) + (np.uint32(status) if keeps else unposted)


@kernel
def scan_labour(
    people: People,
    n_people: int,
    places: NDArray[np.uint16],
    participation: NDArray[np.uint64],
    separation: float,
    skill_odds: float,
    seed: np.uint64,
    year: int,
    state: Settlements,
    seekers: Seekers,
) -> int:
    """Equation (5), participation and separations: counts staff, collects the seekers; returns their number.

    Taking part is a lifelong rank compared with l(age, sex), so that people enter and leave the labour
    force once, not at random every year. `places` are those of everyone (`spread_places`); `seekers` needs room
    for one more than there are.
    """
    rank_salt = draws.salt(seed, 0, draws.PARTICIPATION)
    separation_salt = draws.salt(seed, year, draws.SEPARATION)
    queue_salt = draws.salt(seed, year, draws.HIRING)
    separation_cut = draws.cut(separation)
    n_sim = state.participants.shape[0]
    cells = np.empty(STRIP, dtype=np.uint32)
    posts = np.empty(STRIP, dtype=np.uint32)
    cuts = np.empty(STRIP, dtype=np.uint64)
    in_rank, separated, seeks = (
        np.empty(STRIP, dtype=np.bool_),
        np.empty(STRIP, dtype=np.bool_),
        np.empty(STRIP, dtype=np.bool_),
    )
    counts = np.zeros((LANES, n_sim * STATUSES), dtype=np.int64)
    n = 0
    for begin in range(0, n_people, STRIP):
        end = min(n_people, begin + STRIP)
        keys = people.key[begin:end]
        find_cells(places[begin:end], people.age[begin:end], people.traits[begin:end], cells)
        look_up(participation, cells, end - begin, cuts)
        mark_below_own(keys, rank_salt, cuts, in_rank)
        mark_below(keys, separation_salt, separation_cut, separated)
        _take_stock(people, places, begin, end, in_rank, separated, seeks, posts)
        for i in range(end - begin):
            counts[U64(i) & U64(LANES - 1), posts[i]] += 1
        queued = n
        n = list_marked(seeks, begin, end - begin, seekers.row, n)
        _queue_up(people, places, skill_odds, queue_salt, seekers, queued, n)
    for place in range(n_sim):
        kept = np.zeros(STATUSES, dtype=np.int64)
        for lane in range(LANES):
            for status in range(STATUSES):
                kept[status] += counts[lane, place * STATUSES + status]
        state.commuters[place] = kept[COMMUTER]
        state.participants[place] = kept[UNEMPLOYED] + kept[COMMUTER]
        for sector in range(SECTORS):
            state.staff[place, sector] = kept[FIRST_SECTOR + sector]
            state.participants[place] += kept[FIRST_SECTOR + sector]
    return n


@lean_kernel
def round_half_up(value: float) -> int:
    """Whole number nearest to a non-negative value, halves upwards."""
    return int(math.floor(value + 0.5))


@lean_kernel
def acceptance(distance: float, reach: float, settings: Any) -> float:
    """Equation (6): share of seekers who would take a job `distance` km away."""
    return 1.0 / (1.0 + math.exp((distance - settings.D50 - reach) / settings.s_D))


@lean_kernel
def _hire_locally(
    place: int, openings: int, matching: float, state: Settlements, queue: JobQueue, cuts: Cuts
) -> int:
    """Equation (5), hiring: fill local vacancies of a place in sector order; returns how many were hired."""
    hires = min(openings, round_half_up(matching * (begin_of(queue, place + 1) - begin_of(queue, place))))
    hires = max(hires, 0)
    filled = 0
    for sector in range(SECTORS):
        vacancies = max(0, round_half_up(state.jobs[place, sector]) - state.staff[place, sector])
        take = min(vacancies, hires - filled)
        filled += take
        cuts.hired[place, sector] = cut_after(queue, place, filled)
        state.staff[place, sector] += take
    return filled


@lean_kernel
def _local_openings(place: int, state: Settlements) -> int:
    vacancies = 0
    for sector in range(SECTORS):
        vacancies += max(0, round_half_up(state.jobs[place, sector]) - state.staff[place, sector])
    return max(0, vacancies - state.commuters_in[place])


@kernel
def match(
    people: People,
    seekers: Seekers,
    n: int,
    state: Settlements,
    centres: Centres,
    table: Any,
    seed: np.uint64,
    year: int,
    keys: NDArray[np.uint64],
    is_centre: NDArray[np.bool_],
    cuts: Cuts,
) -> None:
    """Hiring, commuting and unemployment of all places (equations 5-7), then every seeker's new status.

    Places hire their own seekers first; a centre's vacancies are then shared by acceptance x seekers,
    its own and its district's seekers included, so that a town gets only its share.
    """
    settings = table[0]
    n_sim = state.participants.shape[0]
    queue = new_queue(seekers, n, n_sim)
    state.commuters_in[:] = 0
    for place in range(n_sim):
        centre = centres.centre[place]
        if 0 <= centre < n_sim:
            state.commuters_in[centre] += state.commuters[place]
    hired = np.zeros(n_sim, dtype=np.int64)
    for place in range(n_sim):
        if not is_centre[place]:
            hired[place] = _hire_locally(
                place, _local_openings(place, state), settings.matching, state, queue, cuts
            )
    _share_centres(queue, hired, state, centres, settings, seed, year, keys, is_centre, cuts)
    for place in range(n_sim):
        if is_centre[place]:
            openings = _local_openings(place, state) - state.vacancies[place]
            hired[place] = _hire_locally(place, openings, settings.matching, state, queue, cuts)
    commutes = np.zeros(n, dtype=np.bool_)
    commuters = np.zeros(queue.start.shape[0], dtype=np.int32)
    commuting = fill_commuter_posts(
        people,
        seekers,
        n,
        queue,
        cuts.hired[:, SECTORS - 1],
        cuts.acceptance,
        cuts.commuting,
        draws.salt(seed, year, draws.COMMUTE_ACCEPTANCE),
        commutes,
        commuters,
    )
    for place in range(n_sim):
        state.commuters[place] += commuting[place]
        centre = centres.centre[place]
        if 0 <= centre < n_sim:
            state.commuters_in[centre] += commuting[place]
        close_market(place, state, settings)
        seeking = begin_of(queue, place + 1) - begin_of(queue, place)
        cuts.unemployed[place] = _unemployed_cut(
            queue,
            place,
            seeking - hired[place] - commuting[place],
            state.unemployed[place],
            commutes,
            commuters,
        )
    _set_statuses(people, seekers, n, cuts, commutes)
    for place in range(n_sim):
        openings = 0
        for sector in range(SECTORS):
            openings += max(0, round_half_up(state.jobs[place, sector]) - state.staff[place, sector])
        state.vacancies[place] = max(0, openings - state.commuters_in[place])


@lean_kernel
def _set_statuses(people: People, seekers: Seekers, n: int, cuts: Cuts, commutes: NDArray[np.bool_]) -> None:
    """Every seeker's new status, from the queue number and the cuts of the place."""
    rows, places, numbers = seekers.row, seekers.place, seekers.queue
    cuts_hired, cuts_unemployed, statuses = cuts.hired, cuts.unemployed, people.status
    for k in range(n):
        place = U64(places[k])
        number = numbers[k]
        # Number of sector cuts at or below the queue number: four of them mean no job.
        rank = U64(0)
        for sector in range(SECTORS):
            rank += U64(number >= cuts_hired[place, sector])
        status = U64(UNEMPLOYED) if number >= cuts_unemployed[place] else U64(HIDDEN)
        status = U64(COMMUTER) if commutes[k] else status
        statuses[U64(rows[k])] = U64(FIRST_SECTOR) + rank if rank < U64(SECTORS) else status


@kernel
def _share_centres(
    queue: JobQueue,
    hired: NDArray[np.int64],
    state: Settlements,
    centres: Centres,
    settings: Any,
    seed: np.uint64,
    year: int,
    keys: NDArray[np.uint64],
    is_centre: NDArray[np.bool_],
    cuts: Cuts,
) -> None:
    """Equation (6), what a centre leaves: its posts that go to seekers of each place; kept in `cuts.commuting`.

    `state.vacancies` of a simulated centre holds the posts set aside for others.
    """
    n_sim = hired.shape[0]
    salted = draws.salt(seed, year, draws.COMMUTE_ROUNDING)
    weight_sum = centres.seekers_outside.copy()
    for place in range(n_sim):
        if is_centre[place]:
            weight_sum[place] += begin_of(queue, place + 1) - begin_of(queue, place)
        centre = centres.centre[place]
        cuts.acceptance[place] = 0.0
        cuts.commuting[place] = NOBODY
        if centre >= 0 and centres.pays[place]:
            cuts.acceptance[place] = acceptance(centres.distance[place], centres.reach[place], settings)
            weight_sum[centre] += cuts.acceptance[place] * (
                begin_of(queue, place + 1) - begin_of(queue, place) - hired[place]
            )
        state.vacancies[place] = 0
    for place in range(n_sim):
        centre = centres.centre[place]
        if centre < 0 or cuts.acceptance[place] <= 0.0 or weight_sum[centre] <= 0.0:
            continue
        openings = (
            float(_local_openings(centre, state)) if centre < n_sim else centres.openings_outside[centre]
        )
        seeking = begin_of(queue, place + 1) - begin_of(queue, place) - hired[place]
        share = openings * min(1.0, cuts.acceptance[place] * seeking / weight_sum[centre])
        # The fraction is kept by a keyed draw: a tenth of a job more is one commuter more every tenth year.
        posts = int(math.floor(share + draws.uniform(keys[place], salted)))
        cuts.commuting[place] = U64(posts)
        if centre < n_sim:
            state.vacancies[centre] += posts


@lean_kernel
def _unemployed_cut(
    queue: JobQueue,
    place: int,
    left_over: int,
    unemployed: int,
    commutes: NDArray[np.bool_],
    commuters: NDArray[np.int32],
) -> np.uint64:
    """Cut from which the last in the queue among those left over are officially unemployed, as many as (7) says.

    Commuters are passed over: whole bins by their number in the bin (`commuters`), the last one person by person.
    """
    if unemployed >= left_over:
        return NOBODY
    if unemployed == 0:
        return EVERYBODY
    cell = ((place + 1) << queue.bits) - 1
    others = I64(queue.start[cell + 1] - queue.start[cell]) - commuters[cell]
    while unemployed > others:
        unemployed -= others
        cell -= 1
        others = I64(queue.start[cell + 1] - queue.start[cell]) - commuters[cell]
    sort_bin(queue, cell)
    position = I64(queue.start[cell + 1])
    while unemployed > 0:
        position -= 1
        unemployed -= not commutes[queue.seeker[position]]
    return queue.number[position]


@lean_kernel
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
