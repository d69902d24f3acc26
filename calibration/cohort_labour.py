"""The labour market of the cohort twin: equations (5)-(7) in expected persons, by skill, sex and age."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from calibration.cohort_compiled import cohort_kernel
from calibration.cohort_state import SKILLS, Cohorts, Floats, Numbers, Work, copy, fill, total
from model.jobs import found_jobs
from model.labour import Centres, acceptance
from model.labour_founding import steady_commuters
from model.person_year import STUDENT_LAST_AGE
from model.population import AGES, SECTORS, WORKING_AGE
from model.settlements import Settlements


class Market(NamedTuple):
    """Working columns of a year's market, float64[n_sim]; `weight_sum` float64[n_all]."""

    seeking: Floats
    hired: Floats
    shares: Floats
    accepted: Floats
    weight_sum: Floats


def new_market(n_sim: int, n_all: int) -> Market:
    """Empty columns."""
    return Market(np.zeros(n_sim), np.zeros(n_sim), np.zeros(n_sim), np.zeros(n_sim), np.zeros(n_all))


@cohort_kernel
def seek(
    persons: Numbers, cohorts: Cohorts, students: Floats, separation: float, state: Settlements, work: Work,
    seekers: Floats, aged: bool,
) -> None:  # fmt: skip
    """Participation and separations: who keeps a post stays in `work`, the others of the labour force seek one.

    A lifelong rank decides on taking part, so that of those employed last year the share l(age) / l(age - 1)
    still takes part. Fills `seekers` float64[n_sim, 2 skills, 2 sexes, 111] and the places' counts.

    Args:
        students: float64[n_sim, 2, 111] residents who study here, away from their own place.
        aged: whether those in `work` have grown a year older since they were counted.
    """
    share = work.participation
    for place in range(persons.shape[0]):
        kept_local, kept_away, was_local, in_force = 0.0, 0.0, 0.0, 0.0
        for sector in range(SECTORS):
            was_local += state.staff[place, sector]
        for sex in range(2):
            for age in range(AGES):
                everyone = persons[place, sex, age]
                taught = cohorts.skilled[place, 0, sex, age] + cohorts.skilled[place, 1, sex, age]
                studying = students[place, sex, age] if age <= STUDENT_LAST_AGE else 0.0
                before = share[place, sex, age - 1 if aged else age] if age > WORKING_AGE else 1.0
                lasts = 0.0
                if before > 0.0:
                    lasts = min(1.0, share[place, sex, age] / before) * (1.0 - separation)
                for skill in range(SKILLS):
                    number = taught if skill == 1 else max(0.0, everyone - taught - studying)
                    force = number * share[place, sex, age] if age >= WORKING_AGE else 0.0
                    local = work.local[place, skill, sex, age] * lasts
                    away = work.away[place, skill, sex, age] * lasts
                    if local + away > force:
                        scale = force / (local + away)
                        local *= scale
                        away *= scale
                    work.local[place, skill, sex, age] = local
                    work.away[place, skill, sex, age] = away
                    seekers[place, skill, sex, age] = force - local - away
                    kept_local += local
                    kept_away += away
                    in_force += force
        for sector in range(SECTORS):
            state.staff[place, sector] *= kept_local / was_local if was_local > 0.0 else 0.0
        state.commuters[place] = kept_away
        state.participants[place] = in_force


@cohort_kernel
def _open_posts(place: int, state: Settlements) -> float:
    """Vacancies of a place less the posts that commuters from other places hold."""
    vacancies: float = 0.0
    for sector in range(SECTORS):
        vacancies += max(0.0, state.jobs[place, sector] - state.staff[place, sector])
    open_posts: float = max(0.0, vacancies - state.commuters_in[place])
    return open_posts


@cohort_kernel
def _place_seekers(place: int, hires: float, odds: float, seekers: Floats, posts: Floats) -> None:
    """Give posts to seekers: the skilled stand in the queue at numbers divided by their odds.

    The cut c solves unskilled c + skilled min(1, odds c) = hires; `posts` of the place gain, `seekers` lose.
    """
    unskilled, skilled = total(seekers[place, 0]), total(seekers[place, 1])
    if hires <= 0.0 or unskilled + skilled <= 0.0:
        return
    cut = hires / (unskilled + odds * skilled)
    if odds * cut > 1.0:
        cut = (hires - skilled) / unskilled if unskilled > 0.0 else 1.0
    for skill in range(SKILLS):
        chance = min(1.0, odds * cut if skill == 1 else cut)
        for sex in range(2):
            for age in range(WORKING_AGE, AGES):
                taken = seekers[place, skill, sex, age] * chance
                posts[place, skill, sex, age] += taken
                seekers[place, skill, sex, age] -= taken


@cohort_kernel
def _hire_locally(
    place: int,
    openings: float,
    seeking: float,
    settings: Any,
    state: Settlements,
    work: Work,
    seekers: Floats,
) -> float:
    """Fill local vacancies in sector order; returns the hires."""
    hires = max(0.0, min(openings, settings.matching * seeking))
    filled = 0.0
    for sector in range(SECTORS):
        take = min(max(0.0, state.jobs[place, sector] - state.staff[place, sector]), hires - filled)
        filled += take
        state.staff[place, sector] += take
    _place_seekers(place, filled, settings.skill_hiring_odds, seekers, work.local)
    return filled


@cohort_kernel
def close_market_expected(place: int, state: Settlements, work: Work, settings: Any) -> None:
    """Equation (7): slack, official rate, hidden rest; nothing is rounded."""
    employed = state.commuters[place]
    for sector in range(SECTORS):
        employed += state.staff[place, sector]
    participants = state.participants[place]
    state.employed[place] = employed
    state.slack[place] = 1.0 - employed / participants if participants > 0.0 else 0.0
    official = settings.ubar + settings.chi * (state.slack[place] - state.slack_2015[place])
    idle = max(0.0, participants - employed)
    unemployed = min(min(0.5, max(0.0, official)) * participants, idle)
    state.unemployed[place] = unemployed
    state.hidden[place] = idle - unemployed
    state.unemployment[place] = unemployed / participants if participants > 0.0 else 0.0
    state.hidden_rate[place] = state.hidden[place] / participants if participants > 0.0 else 0.0
    work.hidden_share[place] = state.hidden[place] / idle if idle > 0.0 else 0.0


@cohort_kernel
def match_expected(
    state: Settlements, work: Work, seekers: Floats, centres: Centres, settings: Any,
    is_centre: NDArray[np.bool_], market: Market,
) -> None:  # fmt: skip
    """Hiring, commuting and unemployment of all places, in the order of `model.labour.match`."""
    n_sim = state.participants.shape[0]
    seeking, hired, shares, accepted, weight_sum = market
    copy(centres.seekers_outside, weight_sum)
    for column in (hired, shares, accepted):
        fill(column, 0.0)
    fill(state.commuters_in, 0.0)
    for place in range(n_sim):
        seeking[place] = total(seekers[place])
        centre = centres.centre[place]
        if 0 <= centre < n_sim:
            state.commuters_in[centre] += state.commuters[place]
    for place in range(n_sim):
        if not is_centre[place]:
            openings = _open_posts(place, state)
            hired[place] = _hire_locally(place, openings, seeking[place], settings, state, work, seekers)
    for place in range(n_sim):
        centre = centres.centre[place]
        if is_centre[place]:
            weight_sum[place] += seeking[place]
        if centre >= 0 and centres.pays[place]:
            accepted[place] = acceptance(centres.distance[place], centres.reach[place], settings)
            weight_sum[centre] += accepted[place] * (seeking[place] - hired[place])
        state.vacancies[place] = 0.0
    for place in range(n_sim):
        centre = centres.centre[place]
        if centre < 0 or accepted[place] <= 0.0 or weight_sum[centre] <= 0.0:
            continue
        openings = _open_posts(centre, state) if centre < n_sim else centres.openings_outside[centre]
        willing = accepted[place] * (seeking[place] - hired[place])
        shares[place] = openings * min(1.0, willing / weight_sum[centre])
        if centre < n_sim:
            state.vacancies[centre] += shares[place]
    for place in range(n_sim):
        if is_centre[place]:
            openings = _open_posts(place, state) - state.vacancies[place]
            hired[place] = _hire_locally(place, openings, seeking[place], settings, state, work, seekers)
    for place in range(n_sim):
        taken = max(0.0, min(shares[place], accepted[place] * (seeking[place] - hired[place])))
        # Accepting seekers are asked in the order of the queue.
        _place_seekers(place, taken, settings.skill_hiring_odds, seekers, work.away)
        state.commuters[place] += taken
        centre = centres.centre[place]
        if 0 <= centre < n_sim:
            state.commuters_in[centre] += taken
        close_market_expected(place, state, work, settings)
    for place in range(n_sim):
        openings = 0.0
        for sector in range(SECTORS):
            openings += max(0.0, state.jobs[place, sector] - state.staff[place, sector])
        state.vacancies[place] = max(0.0, openings - state.commuters_in[place])


@cohort_kernel
def found_labour_expected(
    state: Settlements, work: Work, seekers: Floats, formal_share: Floats, centres: Centres, settings: Any,
    market: Market,
) -> None:  # fmt: skip
    """The labour market of 1 January 2015, as `model.labour_founding.found_labour`."""
    n_sim = state.participants.shape[0]
    posts, away = market.hired, market.shares
    fill(away, 0.0)
    fill(state.commuters_in, 0.0)
    for place in range(n_sim):
        posts[place] = formal_share[place] * state.participants[place]
    for place in range(n_sim):
        centre = centres.centre[place]
        if centre < 0 or not centres.pays[place]:
            continue
        if centre < n_sim:
            openings = settings.separation * posts[centre]
            other = state.participants[centre] - (1.0 - settings.separation) * posts[centre]
        else:
            openings = centres.openings_outside[centre]
            other = centres.seekers_outside[centre]
        accepted = acceptance(centres.distance[place], 0.0, settings)
        away[place] = steady_commuters(
            state.participants[place], posts[place], openings, other, accepted, settings
        )
        if centre < n_sim:
            state.commuters_in[centre] += away[place]
    for place in range(n_sim):
        posts[place] += state.commuters_in[place]
    found_jobs(posts, settings, state)
    for place in range(n_sim):
        seeking = total(seekers[place])
        filled = 0.0
        for sector in range(SECTORS):
            wanted = state.jobs[place, sector]
            if sector == SECTORS - 1:
                wanted = max(0.0, wanted - state.commuters_in[place])
            take = min(wanted, seeking - filled)
            filled += take
            state.staff[place, sector] = take
        _place_seekers(place, filled, settings.skill_hiring_odds, seekers, work.local)
        take = min(away[place], seeking - filled)
        _place_seekers(place, take, settings.skill_hiring_odds, seekers, work.away)
        state.commuters[place] = take
        state.commuters_2015[place] = take
        participants = state.participants[place]
        state.slack_2015[place] = 1.0 - (filled + take) / participants if participants > 0.0 else 0.0
        close_market_expected(place, state, work, settings)
