"""The labour market on 1 January 2015, in the equilibrium of its own equations: jobs, commuters, statuses."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from model.compiled import kernel, lean_kernel
from model.job_queue import NOBODY, JobQueue, Seekers, begin_of, cut_after, new_queue
from model.jobs import found_jobs, share_jobs
from model.labour import Centres, Cuts, acceptance, close_market, round_half_up
from model.population import COMMUTER, FIRST_SECTOR, HIDDEN, SECTORS, UNEMPLOYED, People
from model.settlements import Settlements

STEADY_ROUNDS = 200


@lean_kernel
def steady_commuters(
    participants: float, jobs: float, openings: float, other_seekers: float, accepted: float, settings: Any
) -> float:
    """Commuters of a place at which yearly hires in the centre replace yearly separations (equation 6)."""
    commuters = 0.0
    for _ in range(STEADY_ROUNDS):
        seeking = max(0.0, participants - jobs - (1.0 - settings.separation) * commuters)
        willing = accepted * seeking
        share = (
            openings * min(1.0, willing / (other_seekers + willing)) if other_seekers + willing > 0.0 else 0.0
        )
        commuters = (1.0 - settings.separation) * commuters + min(share, willing)
    return commuters


@kernel
def found_labour(
    people: People,
    seekers: Seekers,
    n: int,
    formal_share: NDArray[np.float64],
    job_shares: NDArray[np.float64],
    centres: Centres,
    is_centre: NDArray[np.bool_],
    table: Any,
    state: Settlements,
    cuts: Cuts,
) -> None:
    """Jobs of 2015 and every participant's first status; the same queue decides as in any later year.

    Posts are the formal share of participants; a centre has further posts for those who commute in.
    `slack_2015` is the slack that results. `job_shares` is float64[n_sim, 4], or empty where all places have the
    shares of the settings.
    """
    settings = table[0]
    n_sim = state.participants.shape[0]
    posts = np.empty(n_sim)
    away = np.zeros(n_sim, dtype=np.int64)
    state.commuters_in[:] = 0
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
        away[place] = round_half_up(
            steady_commuters(
                float(state.participants[place]), posts[place], openings, other, accepted, settings
            )
        )
        if centre < n_sim:
            state.commuters_in[centre] += away[place]
    for place in range(n_sim):
        posts[place] += state.commuters_in[place]
    if job_shares.shape[0] == 0:
        found_jobs(posts, settings, state)
    else:
        share_jobs(posts, job_shares, state)
    queue = new_queue(seekers, n, n_sim)
    for place in range(n_sim):
        _found_place(place, away[place], state, queue, settings, cuts)
    for k in range(n):
        place = seekers.place[k]
        number = seekers.queue[k]
        status = HIDDEN
        if number >= cuts.unemployed[place]:
            status = UNEMPLOYED
        elif number < cuts.commuting[place]:
            status = COMMUTER
        for sector in range(SECTORS - 1, -1, -1):
            if number < cuts.hired[place, sector]:
                status = FIRST_SECTOR + sector
        people.status[seekers.row[k]] = status


@lean_kernel
def _found_place(
    place: int, away: int, state: Settlements, queue: JobQueue, settings: Any, cuts: Cuts
) -> None:
    """First cuts of one place: local posts by sector, commuters next in the queue, the unemployed last."""
    outside = state.commuters_in[place]
    seeking = begin_of(queue, place + 1) - begin_of(queue, place)
    filled = 0
    for sector in range(SECTORS):
        wanted = round_half_up(state.jobs[place, sector])
        if sector == SECTORS - 1:
            wanted = max(0, wanted - outside)  # those who commute in hold posts in services
        take = min(wanted, seeking - filled)
        filled += take
        cuts.hired[place, sector] = cut_after(queue, place, filled)
        state.staff[place, sector] = take
    take = min(away, seeking - filled)
    cuts.commuting[place] = cut_after(queue, place, filled + take) if take > 0 else NOBODY
    state.commuters[place] = take
    state.commuters_2015[place] = float(take)
    employed = filled + take
    participants = state.participants[place]
    state.slack_2015[place] = 1.0 - employed / participants if participants > 0 else 0.0
    close_market(place, state, settings)
    cuts.unemployed[place] = cut_after(queue, place, seeking - state.unemployed[place])
