"""How ready the people of a place are to leave: attachment, the walk of the hazard, regimes (equation 14)."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from model import draws
from model.compiled import lean_kernel
from model.draws import U64
from model.population import STAYER, Households
from model.settlements import LANES


class Readiness(NamedTuple):
    """What scales the hazard of leaving in a year.

    Attributes:
        hazard: float64[n_sim] lambda' of the place with its walk, over exp(IV_2015).
        mean_inclusive: float64[n_sim] IV_2015, the person-weighted mean over founders at 2015 drivers.
        by_age: float64[111] Rogers-Castro profile.
        stayer, mover: kappa of the two kinds of household, mean 1.
        study_logit: float64[n_sim] logit of the share of a cohort that leaves to study at IV_2015.
        return_chance: float64[n_sim] yearly chance that a student from the place returns.
    """

    hazard: NDArray[np.float64]
    mean_inclusive: NDArray[np.float64]
    by_age: NDArray[np.float64]
    stayer: float
    mover: float
    study_logit: NDArray[np.float64]
    return_chance: NDArray[np.float64]


@lean_kernel
def mean_readiness(
    households: Households,
    n_households: int,
    stayer: float,
    mover: float,
    counts: NDArray[np.int64],
    out: NDArray[np.float64],
) -> None:
    """Person-weighted mean of kappa in every place (1 where nobody lives), float64[n_sim].

    Movers leave first. Without arrivals who draw afresh - in shrinking villages - the mean readiness would
    decay by selection alone and out-migration fade, which 2009-2020 do not show: the hazard of a place is
    divided by this mean relative to 2015's, so that kappa says who leaves, not how many. `counts` is room
    for int64[LANES, 2 n_sim] persons.
    """
    counts[:] = 0
    places, traits = households.place[:n_households], households.traits[:n_households]
    begins, ends = households.first[:n_households], households.first[1 : n_households + 1]
    for h in range(n_households):
        kind = np.uint32(2) * np.uint32(places[h]) + np.uint32(traits[h] & STAYER)
        counts[h & (LANES - 1), kind] += ends[h] - begins[h]
    for place in range(out.shape[0]):
        movers, stayers = 0, 0
        for lane in range(LANES):
            movers += counts[lane, 2 * place]
            stayers += counts[lane, 2 * place + 1]
        persons = movers + stayers
        out[place] = (mover * movers + stayer * stayers) / persons if persons > 0 else 1.0


@lean_kernel
def advance_walk(
    walk: NDArray[np.float64], sd: float, common: float, seed: np.uint64, year: int, keys: NDArray[np.uint64]
) -> None:
    """Equation (14): random walk on ln lambda, float64[n_sim], partly common to all places."""
    shared = draws.normal(U64(draws.HAZARD_WALK_COMMON), draws.salt(seed, year, draws.HAZARD_WALK_COMMON))
    own = draws.salt(seed, year, draws.HAZARD_WALK_PLACE)
    for place in range(walk.shape[0]):
        walk[place] += sd * (
            math.sqrt(common) * shared + math.sqrt(1.0 - common) * draws.normal(keys[place], own)
        )


@lean_kernel
def set_readiness(
    hazard: NDArray[np.float64],
    walk: NDArray[np.float64],
    regime: NDArray[np.float64],
    follows_regime: bool,
    kappa_2015: NDArray[np.float64],
    kappa: NDArray[np.float64],
    study_logit: NDArray[np.float64],
    study_lever: NDArray[np.float64],
    returning: float,
    return_gain: NDArray[np.float64],
    years: int,
    readiness: Readiness,
) -> None:
    """Hazards of the year, logits of studying and yearly chances to return within `years`.

    Args:
        hazard, study_logit: float64[n_sim] as normalised. regime: float64[n_sim] factor once observed flows end.
        kappa_2015, kappa: float64[n_sim] mean readiness of the founders and of today's people.
        returning: share of students who return; return_gain, study_lever: float64[n_sim] what policies add.
    """
    for place in range(walk.shape[0]):
        factor = math.exp(walk[place]) * (regime[place] if follows_regime else 1.0)
        readiness.hazard[place] = hazard[place] * factor * (kappa_2015[place] / kappa[place])
        readiness.study_logit[place] = study_logit[place] + study_lever[place]
        back = min(0.99, returning + return_gain[place])
        readiness.return_chance[place] = 1.0 - math.exp(math.log1p(-back) / years)
