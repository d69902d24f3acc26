"""Who moves (11)-(14): what ties the hazards of 2015 to data, youth, students who return, arrivals."""

from __future__ import annotations

import copy
import math

import numpy as np
import pytest
from numpy.typing import NDArray

from model import draws
from model.arrivals import arrival_level
from model.choice import advantages, rogers_castro
from model.engine import Engine
from model.founding import Founding
from model.migration import study_probability
from model.parameters import ParameterSpace
from model.population import ADULT_AGE, AGES, KIN_SHIFT, PARTNER, SKILLED, STAYER
from model.world import World

FREE = {"bound_until": 0.0}  # arrivals as they are drawn, no count met
REPLICATES = 120
RU = 1


@pytest.fixture(scope="module")
def opened(towns: World, towns_founding: Founding, towns_space: ParameterSpace) -> Engine:
    """An engine on its first 1 January, only looked at or copied."""
    return Engine(towns, towns_founding, towns_space.defaults(), draws.run_seed(1, 0, 0), horizon=2016)


# ---- the profile and the hazards ----


def test_rogers_castro_by_hand() -> None:
    profile = np.empty(AGES)
    rogers_castro(profile)
    for age in (0, 18, 23, 40, 80):
        young = 0.06 * math.exp(-0.10 * (age - 20) - math.exp(-0.40 * (age - 20)))
        assert profile[age] == pytest.approx(0.02 * math.exp(-0.10 * age) + young + 0.003, rel=1e-12)
    assert 20 <= int(profile[15:].argmax()) + 15 <= 26
    assert (profile > 0).all()


def household_incomes(engine: Engine) -> NDArray[np.float64]:
    """y_h of every household, from statuses, by hand."""
    s = engine.settings
    people, households = engine.people, engine.households
    first = households.first[: engine.n_households + 1].astype(np.int64)
    place = np.repeat(households.place[: engine.n_households].astype(int), np.diff(first))
    wage, commuter = engine.incomes.wage[place], engine.incomes.commuter[place]
    status = people.status[: engine.n_people]
    skilled = (people.traits[: engine.n_people] & SKILLED) != 0
    premium = 1 + s.skill_premium * (skilled - 0.45)
    income = np.select(
        [(status >= 2) & (status <= 5), status == 6, status == 7, status == 8, status == 10],
        [wage * premium, commuter * premium, s.phi_se * wage, s.phi_u * wage, s.old_age_income * wage], 0.0,
    )  # fmt: skip
    adults = np.add.reduceat((people.age[: engine.n_people] >= ADULT_AGE).astype(int), first[:-1])
    total = np.add.reduceat(income, first[:-1])
    floor = s.income_floor * engine.incomes.wage[households.place[: engine.n_households].astype(int)]
    return np.asarray(np.maximum(floor, total / np.maximum(adults, 1)), np.float64)


def expected_leavers(engine: Engine) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Persons a place expects to lose in the coming moves, all and youth alone, summed person by person."""
    people, households, r = engine.people, engine.households, engine.readiness
    first = households.first[: engine.n_households + 1].astype(np.int64)
    size = np.diff(first)
    here = households.place[: engine.n_households].astype(int)
    traits = households.traits[: engine.n_households]
    age = people.age[: engine.n_people].astype(int)
    children = np.add.reduceat((age < ADULT_AGE).astype(int), first[:-1]) > 0
    inclusive = engine.choice.inclusive[here, children.astype(int), traits >> KIN_SHIFT & 3]
    inclusive = inclusive - engine.settings.beta_y * np.log(household_incomes(engine))
    kappa = np.where(traits & STAYER, r.stayer, r.mover)
    pace = r.hazard[here] * kappa * np.exp(inclusive)
    moves = 1 - np.exp(-pace * r.by_age[age[first[:-1]]])
    leavers = np.zeros(engine.world.n_sim)
    youth = np.zeros(engine.world.n_sim)
    np.add.at(leavers, here, moves * size)
    home = np.repeat(np.arange(engine.n_households), size)
    alone = np.ones(engine.n_people, bool)
    alone[first[:-1]] = False
    alone &= (people.traits[: engine.n_people] & PARTNER) == 0
    for rows, study in (
        (alone & (age >= 20) & (age <= 29), False),
        (alone & (age >= 17) & (age <= 19), True),
    ):
        i = np.where(rows)[0]
        h = home[i]
        if study:
            logit = r.study_logit[here[h]] + inclusive[h] - r.mean_inclusive[here[h]]
            logit = logit + np.where(
                people.traits[first[h]] & SKILLED, math.log(engine.settings.skilled_parent_odds), 0.0
            )
            chance = 1 - (1 - 1 / (1 + np.exp(-logit))) ** (1 / 3)
            np.add.at(youth, here[h], (1 - moves[h]) * chance)
        else:
            chance = 1 - np.exp(-pace[h] * r.by_age[age[i]])
        np.add.at(leavers, here[h], (1 - moves[h]) * chance)
    return leavers, youth


def test_the_hazard_of_all_moves_in_2015_is_lambda(opened: Engine) -> None:
    """Summed over all persons by hand; the young who would have left with their household count once."""
    leavers, youth = expected_leavers(opened)
    target = opened.settings.leaving * opened.world.leaving_rate_ratio * opened.population_2015
    assert leavers == pytest.approx(target, rel=0.015)
    assert youth == pytest.approx(opened.norm.youth_leaving, rel=0.05)


@pytest.mark.parametrize(("leaving", "tau", "stayers"), [(0.01, 0.4, 0.5), (0.06, 0.9, 0.15)])
def test_lambda_holds_whatever_the_other_parameters(
    towns: World,
    towns_founding: Founding,
    towns_space: ParameterSpace,
    leaving: float,
    tau: float,
    stayers: float,
) -> None:
    values = towns_space.defaults().with_values(
        {"leaving": leaving, "tau": tau, "stayer_share": stayers, "beta_y": 1.0}
    )
    engine = Engine(towns, towns_founding, values, draws.run_seed(2, 0, 0), horizon=2016)
    assert expected_leavers(engine)[0] == pytest.approx(leaving * engine.population_2015, rel=0.03)


@pytest.fixture(scope="module")
def first_years(
    towns: World, towns_founding: Founding, towns_space: ParameterSpace
) -> dict[str, NDArray[np.float64]]:
    """Flows of 2015 over many replicates: rows are replicates."""
    rows: dict[str, list[NDArray[np.float64]]] = {
        "out": [],
        "russia": [],
        "in": [],
        "students": [],
        "back": [],
    }
    free_values = towns_space.defaults().with_values(FREE)
    for replicate in range(REPLICATES):
        engine = Engine(towns, towns_founding, free_values, draws.run_seed(11, 0, replicate), horizon=2016)
        waiting = engine.n_students
        engine.step()
        rows["out"].append(engine.ledger.departures.sum(axis=(1, 2)).astype(float))
        rows["in"].append(engine.ledger.arrivals.sum(axis=(1, 2)).astype(float))
        rows["russia"].append(engine.ledger.flows[:, towns.nest == RU].sum(axis=1).astype(float))
        rows["students"].append(np.array([float((engine.students.age[: engine.n_students] <= 20).sum())]))
        rows["back"].append(np.array([float(waiting)]))
    return {name: np.array(values) for name, values in rows.items()}


def test_simulated_departures_of_2015_are_lambda(
    towns: World, first_years: dict[str, NDArray[np.float64]]
) -> None:
    target = 0.025 * towns.founding_population.sum()
    out = first_years["out"].sum(axis=1)
    error = out.std() / math.sqrt(REPLICATES)
    assert error < 0.01 * target
    assert abs(out.mean() - target) < 0.015 * target + 3 * error


def test_the_share_of_leavers_to_russia_in_2015_is_the_target(
    first_years: dict[str, NDArray[np.float64]],
) -> None:
    russia, out = first_years["russia"].sum(axis=1), first_years["out"].sum(axis=1)
    share = russia.sum() / out.sum()
    error = russia.std() / math.sqrt(REPLICATES) / out.mean()
    assert error < 0.004
    assert abs(share - 0.14) < 3 * error + 0.002


def test_arrivals_of_2015_are_the_wanted_share_of_departures(
    towns: World, first_years: dict[str, NDArray[np.float64]]
) -> None:
    target = 0.9 * 0.025 * towns.founding_population
    arrived = first_years["in"]
    error = arrived.std(axis=0) / math.sqrt(REPLICATES)
    assert (np.abs(arrived.mean(axis=0) - target) < 3.5 * error + 0.02 * target).all()
    total = arrived.sum(axis=1)
    assert abs(total.mean() - target.sum()) < 3 * total.std() / math.sqrt(REPLICATES) + 0.01 * target.sum()


def test_other_ratios_of_arrivals_and_a_simulated_centre(
    small_world: World, small_founding: Founding, small_space: ParameterSpace
) -> None:
    values = small_space.defaults().with_values(
        {"in_out.aulton": 1.4, "in_out.bexley": 0.8, "in_out.corby": 1.1, "leaving": 0.04, **FREE}
    )
    arrived, departed, outside, russia = np.zeros(3), np.zeros(3), 0.0, 0.0
    for replicate in range(300):
        engine = Engine(small_world, small_founding, values, draws.run_seed(12, 0, replicate), horizon=2016)
        engine.step()
        arrived += engine.ledger.arrivals.sum(axis=(1, 2))
        departed += engine.ledger.departures.sum(axis=(1, 2))
        outside += engine.ledger.flows[:, 3:].sum()
        russia += engine.ledger.flows[:, small_world.nest == RU].sum()
    leaving = 300 * 0.04 * small_world.leaving_rate_ratio * small_world.founding_population
    # Departures of about 8 to 77 a year come in households: one year's coefficient of variation is near 40 %.
    assert departed == pytest.approx(leaving, rel=0.08)
    assert arrived == pytest.approx(np.array([1.4, 0.8, 1.1]) * leaving, rel=0.10)
    assert russia / outside == pytest.approx(0.25, abs=0.02), "of those who leave all simulated places"


# ---- youth ----


def test_study_probability_by_hand(opened: Engine) -> None:
    logit = math.log(0.45 / 0.55)
    chance = study_probability(logit, 1.2, 1.2, False, opened.table[0])
    assert 1 - (1 - chance) ** 3 == pytest.approx(0.45, rel=1e-12)
    chance = study_probability(logit, 1.7, 1.2, True, opened.table[0])
    odds = 0.45 / 0.55 * math.exp(0.5) * 1.5
    assert 1 - (1 - chance) ** 3 == pytest.approx(odds / (1 + odds), rel=1e-12)


def test_a_cohort_leaves_to_study_at_its_share(
    towns: World, towns_founding: Founding, towns_space: ParameterSpace
) -> None:
    """Of those who turn 17 and stay in their parents' home, p_edu have left to study by 20."""
    values = towns_space.defaults().with_values(
        {"leaving": 0.002, "skilled_parent_odds": 1.0, "walk_sd": 0.0, "stayer_share": 0.0}
    )
    left = stayed = 0
    for replicate in range(4):
        engine = Engine(towns, towns_founding, values, draws.run_seed(13, 0, replicate), horizon=2018)
        young = {
            int(k)
            for k, a in zip(
                engine.people.key[: engine.n_people], engine.people.age[: engine.n_people], strict=True
            )
            if a == 17
        }
        engine.run()
        away = {int(k) for k in engine.students.key[: engine.n_students]}
        there = {int(k) for k in engine.people.key[: engine.n_people]}
        left += len(young & away)
        stayed += len(young & there)
    share = left / (left + stayed)
    # Inclusive values differ between households, so that the mean of the logistic is a little off its centre.
    assert abs(share - 0.45) < 0.02 + 3 * math.sqrt(0.25 / (left + stayed))


def test_students_return_at_their_share(
    towns: World, towns_founding: Founding, towns_space: ParameterSpace
) -> None:
    values = towns_space.defaults().with_values({"p_ret": 0.30})
    engine = Engine(towns, towns_founding, values, draws.run_seed(14, 0, 0), horizon=2027)
    away: dict[int, int] = {}
    back: set[int] = set()
    while engine.year < engine.horizon:
        engine.step()
        there = {int(k) for k in engine.people.key[: engine.n_people]}
        back |= away.keys() & there
        for key, age in zip(
            engine.students.key[: engine.n_students], engine.students.age[: engine.n_students], strict=True
        ):
            if engine.year <= 2019 and age <= 20:
                away.setdefault(int(key), int(age))
    assert len(away) > 500
    # A few come back and die or move on within the year of their return.
    assert abs(len(back) / len(away) - 0.30) < 0.02 + 3 * math.sqrt(0.21 / len(away))


def test_returned_students_are_skilled(
    towns: World, towns_founding: Founding, towns_space: ParameterSpace
) -> None:
    engine = Engine(
        towns,
        towns_founding,
        towns_space.defaults().with_values({"p_ret": 0.8}),
        draws.run_seed(15, 0, 0),
        horizon=2016,
    )
    waiting = {
        int(k): int(o)
        for k, o in zip(
            engine.students.key[: engine.n_students], engine.students.origin[: engine.n_students], strict=True
        )
    }
    engine.step()
    first = engine.households.first[: engine.n_households + 1].astype(np.int64)
    place = np.repeat(engine.households.place[: engine.n_households], np.diff(first))
    returned = [
        (int(k), int(p), int(t))
        for k, p, t in zip(
            engine.people.key[: engine.n_people], place, engine.people.traits[: engine.n_people], strict=True
        )
        if int(k) in waiting
    ]
    assert len(returned) > 50
    assert all(traits & SKILLED for _, _, traits in returned)
    assert all(waiting[key] == home for key, home, _ in returned), "they come home"


# ---- arrivals ----


def test_growth_common_to_all_places_moves_nobody(opened: Engine) -> None:
    world = opened.world
    one, two = np.zeros((world.n_sim, world.n_all)), np.zeros((world.n_sim, world.n_all))
    alpha = float(opened.norm.alpha[0])
    advantages(world.n_sim, opened.origins, opened.places, opened.table, alpha, one)
    grown = opened.places._replace(income=opened.places.income * 1.7)
    advantages(world.n_sim, opened.origins, grown, opened.table, alpha, two)
    assert opened.origins.any()
    assert two == pytest.approx(one, abs=1e-12)
    better = opened.places._replace(
        income=opened.places.income * np.where(np.arange(world.n_all) == 1, 1.1, 1.0)
    )
    advantages(world.n_sim, opened.origins, better, opened.table, alpha, two)
    assert (two[1] - one[1])[opened.origins[1]] == pytest.approx(opened.settings.beta_y * math.log(1.1))
    assert ((two[0] - one[0])[opened.origins[0]] < 0).all(), "a rival gained"


def test_mean_arrivals_by_hand(towns: World, towns_founding: Founding, towns_space: ParameterSpace) -> None:
    """a_s A_t exp(Adv_t - Adv_2015), as it reaches the counting of households."""
    assert arrival_level(0.5, 0.8) == pytest.approx(0.9)
    assert arrival_level(1.0, 0.8) == pytest.approx(0.8)
    assert arrival_level(0.0, 0.8) == 1.0
    values = towns_space.defaults().with_values({"hinterland_weight": 0.6})
    engine = Engine(towns, towns_founding, values, draws.run_seed(18, 0, 0), horizon=2020)
    place, home, astana = (towns.index(name) for name in ("tayynsha", "taiynsha_district_rural", "astana"))
    assert towns.hinterland[place] == home
    for year in range(4):
        engine.step()
        households = engine.arrival_base[place] / towns_founding.template_size
        change = np.exp(engine.advantage[place] - engine.advantage_2015[place])
        mean = engine.expected_arrivals[place]
        assert mean[home] == pytest.approx(households * 0.6 * math.exp(-0.024 * year) * change[home])
        assert mean[astana] == pytest.approx(
            households * 0.4 * towns.arrival_origin_share[astana] * change[astana]
        )
        assert mean.sum() == pytest.approx(households, rel=0.25)
        assert mean[: towns.n_sim].sum() == 0.0
    assert abs(change[home] - 1) > 1e-4


def test_arrivals_are_nested_in_their_mean(
    towns: World, towns_founding: Founding, towns_space: ParameterSpace
) -> None:
    """More arrivals add families and leave those who come anyway as they were."""
    values = towns_space.defaults().with_values(FREE)
    engine = Engine(towns, towns_founding, values, draws.run_seed(16, 0, 0), horizon=2016)
    more = copy.deepcopy(engine)
    more.arrival_base *= 1.15
    found = []
    for one in (engine, more):
        for phase in one.PLAN[:8]:
            getattr(one, phase.run)()
        old = one.n_people
        one.admit_arrivals()
        new = slice(old, one.n_people)
        found.append(
            set(
                zip(
                    one.people.key[new].tolist(),
                    one.people.age[new].tolist(),
                    one.people.traits[new].tolist(),
                    strict=True,
                )
            )
        )
    assert found[0] < found[1]


def test_the_walk_of_the_hazards_has_its_variance(
    towns: World, towns_founding: Founding, towns_space: ParameterSpace
) -> None:
    values = towns_space.defaults().with_values({"walk_sd": 0.1, "walk_common": 0.5})
    ends = []
    for replicate in range(60):
        engine = Engine(towns, towns_founding, values, draws.run_seed(17, 0, replicate), horizon=2020)
        for _ in range(5):
            engine.step()
        ends.append(engine.state.walk.copy())
    walks = np.array(ends)
    expected = 4 * 0.1**2  # nothing in the first year
    assert walks.var() == pytest.approx(expected, rel=0.35)
    correlation = np.asarray(np.corrcoef(walks.T))
    common = float((correlation.sum() - 4) / 12)
    assert common == pytest.approx(0.5, abs=0.2)
