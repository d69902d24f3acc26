"""The compiled engine and the reference side by side: everything either knows, year by year, to the last bit."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np

from model import draws
from model.demography import DIES, LEFT, MOVED
from model.destination import choose_destination
from model.engine import Engine
from model.founding import Founding
from model.levers import Levers
from model.migration import STUDY_LAST_AGE
from model.parameters import ParameterValues
from model.population import (
    FEMALE,
    KIN_KAZAKHSTAN,
    KIN_MASK,
    KIN_RUSSIA,
    KIN_SHIFT,
    NOWHERE,
    PARTNER,
    REFERENCE,
    SKILLED,
    STAYER,
    WITH_CHILDREN,
)  # fmt: skip
from model.world import World
from tests.reference.people import LAST_AGE
from tests.reference.places import Settlement
from tests.reference.year import ReferenceModel

SAME_NAMES = (
    "population", "households", "pupils", "jobs", "jobs_2015", "output", "zone_jobs", "zone_launched", "staff",
    "commuters", "commuters_in", "participants", "employed", "unemployed", "hidden", "vacancies", "slack",
    "slack_2015", "unemployment", "hidden_rate", "commuters_2015", "wage", "wage_shock", "wear", "investment",
    "level", "below", "services_open", "budget_services", "walk", "dwellings",
)  # fmt: skip


class Difference(AssertionError):
    """The two disagree; the message names year, quantity and the first few cases."""


def engine_people(engine: Engine) -> Counter[tuple[Any, ...]]:
    """Everyone in the engine's columns: person, household and place."""
    people, households, n = engine.people, engine.households, engine.n_households
    rows: Counter[tuple[Any, ...]] = Counter()
    for h in range(n):
        begin, end = int(households.first[h]), int(households.first[h + 1])
        marks = int(households.traits[h])
        home = (
            int(households.key[h]), int(households.place[h]), bool(marks & STAYER),
            (bool(marks & KIN_KAZAKHSTAN), bool(marks & KIN_RUSSIA)), end - begin,
        )  # fmt: skip
        for i in range(begin, end):
            traits = int(people.traits[i])
            person = (
                int(people.key[i]), int(people.age[i]), bool(traits & FEMALE), bool(traits & SKILLED),
                int(people.status[i]), int(people.origin[i]), bool(traits & REFERENCE), bool(traits & PARTNER),
                i - begin,
            )  # fmt: skip
            rows[person + home] += 1
    return rows


def reference_people(model: ReferenceModel) -> Counter[tuple[Any, ...]]:
    """Everyone among the reference's agents, in the same form."""
    rows: Counter[tuple[Any, ...]] = Counter()
    for household in model.households:
        home = (
            int(household.key), household.place.index, household.stayer, household.kin, len(household.members)
        )  # fmt: skip
        for rank, person in enumerate(household.members):
            origin = NOWHERE if person.study_home is None else person.study_home.index
            own = (
                int(person.key), person.age, person.female, person.skilled, int(person.status), origin,
                person.is_head, person.has_partner, rank,
            )  # fmt: skip
            rows[own + home] += 1
    if sum(rows.values()) != len(model.people):
        raise Difference("an agent lives in no household, or in two")
    return rows


def engine_students(engine: Engine) -> Counter[tuple[Any, ...]]:
    """The engine's register of students outside."""
    rows: Counter[tuple[Any, ...]] = Counter()
    for r in range(engine.n_students):
        traits, marks = int(engine.students.traits[r]), int(engine.students.household_traits[r])
        kin = bool(marks & KIN_KAZAKHSTAN), bool(marks & KIN_RUSSIA)
        rows[
            int(engine.students.key[r]), int(engine.students.age[r]), bool(traits & FEMALE), bool(traits & SKILLED),
            bool(marks & STAYER), kin, int(engine.students.origin[r]),
        ] += 1  # fmt: skip
    return rows


def reference_students(model: ReferenceModel) -> Counter[tuple[Any, ...]]:
    """The reference's register, in the same form."""
    return Counter(
        (int(s.key), s.age, s.female, s.skilled, s.stayer, s.kin, s.home.index) for s in model.students
    )


def compare(name: str, year: int, engine: Any, reference: Any) -> None:
    """Both must be equal (floats bit by bit)."""
    if engine == reference:
        return
    if isinstance(engine, Counter):
        only_engine, only_reference = sorted(engine - reference), sorted(reference - engine)
        engine = f"{len(only_engine)} cases, such as {only_engine[:3]}"
        reference = f"{len(only_reference)} cases, such as {only_reference[:3]}"
    raise Difference(f"year {year}, {name}:\n  engine    {engine}\n  reference {reference}")


def compare_state(engine: Engine, model: ReferenceModel) -> None:
    """State of a 1 January."""
    year = engine.year
    compare("year", year, engine.year, model.year)
    compare("alpha_RU", year, float(engine.norm.alpha[0]), model.alpha_2015)
    for place in model.settlements:
        i = place.index
        for name in SAME_NAMES:
            compare(
                f"{name} of {place.id}", year, getattr(engine.state, name)[i].tolist(), getattr(place, name)
            )
        for name, value, own in (
            ("study_logit_2015", engine.study_logit_2015, place.study_logit_2015),
            ("hazard_2015", engine.norm.hazard, place.hazard_2015),
            ("IV_2015", engine.norm.mean_inclusive, place.mean_inclusive),
            ("arrival_base", engine.arrival_base, place.arrival_base),
            ("study_outside", engine.norm.study_outside, place.study_outside),
            ("study_origin", engine.study_origin, place.study_origin),
            ("regime_hazard", engine.regime_hazard, place.regime_hazard),
            ("regime_arrivals", engine.regime_arrivals, place.regime_arrivals),
            ("kappa_2015", engine.kappa_2015, place.kappa_2015),
            ("commuter income", engine.incomes.commuter, place.commuter_income),
            ("hazard", engine.readiness.hazard, place.hazard),
            ("return_chance", engine.readiness.return_chance, place.return_chance),
        ):
            compare(f"{name} of {place.id}", year, value[i].item(), own)
        for children in (False, True):
            utility = engine.choice.utility[i, int(children)]
            known = [-np.inf if value < -1e299 else value for value in utility.tolist()]
            compare(f"utility from {place.id}", year, known, place.utility[children])
            for kin in range(4):
                cell = children, (bool(kin & 1), bool(kin & 2))
                value = engine.choice.inclusive[i, int(children), kin].item()
                if value > -1e299:
                    compare(f"inclusive value of {place.id}", year, value, place.inclusive[cell])
    for place in model.places:
        for name in ("income", "quality", "services", "rent", "constant"):
            value = getattr(engine.places, name)[place.index].item()
            compare(f"{name} of {place.id}", year, value, getattr(place, name))
        if not isinstance(place, Settlement):
            compare(f"slack of {place.id}", year, engine.state.slack_outside[place.index].item(), place.slack)
    compare("students outside", year, engine_students(engine), reference_students(model))
    compare("people", year, engine_people(engine), reference_people(model))


def compare_ledger(engine: Engine, model: ReferenceModel, year: int) -> None:
    """Accounts of a year."""
    for place in model.settlements:
        i, ledger = place.index, engine.ledger
        for name in ("deaths", "arrivals", "departures"):
            table = getattr(ledger, name)[i]
            own = getattr(place, name)
            told = [[own[female, age] for age in range(LAST_AGE + 1)] for female in (False, True)]
            compare(f"{name} of {place.id}", year, table.tolist(), told)
        for name in ("births", "newborn_deaths"):
            own = getattr(place, name)
            compare(f"{name} of {place.id}", year, getattr(ledger, name)[i].tolist(), [own[False], own[True]])
        for name in ("flows", "arrivals_from"):
            own = getattr(place, name)
            told = [own[k] for k in range(len(model.places))]
            compare(f"{name} of {place.id}", year, getattr(ledger, name)[i].tolist(), told)


def step_engine(engine: Engine) -> tuple[Counter[tuple[int, int, int]], Counter[int]]:
    """One year of the engine, watched: every move as (person key, from, to) and the keys of the dead."""
    moves: Counter[tuple[int, int, int]] = Counter()
    deaths: Counter[int] = Counter()
    for phase in engine.PLAN:
        if phase.run == "move":
            moves = watched_moves(engine)
        else:
            rows, homes = engine.n_people, engine.n_households
            getattr(engine, phase.run)()
            if phase.run == "renew_population":  # the columns of before are kept until the next year
                keys, first = engine.spare_people.key[:rows], engine.spare_households.first[: homes + 1]
                dead = keys[(engine.fate[:rows] & DIES) != 0].tolist()
                deaths.update(dead)
                known = {key for key, _, _ in moves} | set(engine.people.key[: engine.n_people].tolist())
                # Orphans sent to kin, whose moves are only counted.
                for key in set(keys.tolist()) - known - set(dead):
                    home = int(np.searchsorted(first, np.flatnonzero(keys == key)[0], side="right")) - 1
                    here = int(engine.spare_households.place[home])
                    posted = np.zeros(engine.world.n_all, np.int64)
                    for (_, origin, there), n in moves.items():
                        posted[there] += n * (origin == here)
                    moves[key, here, int(np.argmax(engine.ledger.flows[here] - posted))] += 1
    total = np.zeros_like(engine.ledger.flows)
    for (_, here, there), n in moves.items():
        total[here, there] += n
    compare("flows of the moves found", engine.year - 1, engine.ledger.flows.tolist(), total.tolist())
    return moves, deaths


def watched_moves(engine: Engine) -> Counter[tuple[int, int, int]]:
    """Phase 7 of the engine and who moved where; destinations outside are asked of the engine's own choice kernel."""
    n, people = engine.n_households, engine.people
    first = engine.households.first[: n + 1].tolist()
    before, marks = engine.households.place[:n].tolist(), engine.households.traits[:n].tolist()
    keys, ages = people.key[: first[-1]].copy(), people.age[: first[-1]].tolist()
    engine.move()
    nest_salt, place_salt = (
        draws.salt_of(engine.seed, engine.year, purpose)
        for purpose in (draws.DESTINATION_NEST, draws.DESTINATION_PLACE)
    )

    def asked(key: np.uint64, h: int, children: int, study: bool) -> int:
        kin = (marks[h] >> KIN_SHIFT) & KIN_MASK
        return choose_destination(
            key, nest_salt, place_salt, before[h], children, kin, engine.choice, engine.places, engine.table[0],
            engine.alpha, study,
        )  # fmt: skip

    alone = dict(
        zip(
            engine.moves.row[: engine.n_moves].tolist(),
            engine.moves.destination[: engine.n_moves].tolist(),
            strict=True,
        )
    )
    moves: Counter[tuple[int, int, int]] = Counter()
    for h in range(n):
        there = int(engine.households.place[h])
        if there != before[h]:
            if there == NOWHERE:
                there = asked(engine.households.key[h], h, int(bool(marks[h] & WITH_CHILDREN)), False)
            moves.update((int(key), before[h], there) for key in keys[first[h] : first[h + 1]])
            continue
        for i in range(first[h], first[h + 1]):
            if engine.fate[i] & MOVED:
                moves[int(keys[i]), before[h], alone[i]] += 1
            elif engine.fate[i] & LEFT:
                moves[int(keys[i]), before[h], asked(keys[i], h, 0, ages[i] <= STUDY_LAST_AGE)] += 1
    return moves


def run_both(
    world: World, founding: Founding, values: ParameterValues, seed: np.uint64,
    levers: Levers | None = None, horizon: int = 2045,
) -> tuple[Engine, ReferenceModel]:  # fmt: skip
    """Run both to the horizon and compare them on every 1 January and in every account.

    Raises:
        Difference: at the first year and quantity in which they disagree.
    """
    engine = Engine(world, founding, values, seed, levers, horizon)
    model = ReferenceModel(world, founding, values, seed, levers, horizon)
    compare_state(engine, model)
    while engine.year < horizon:
        year = engine.year
        moves, deaths = step_engine(engine)
        model.step()
        compare("moves", year, moves, Counter((int(key), here, there) for key, here, there in model.moves))
        compare("deaths", year, deaths, Counter(int(key) for key in model.deaths))
        compare_ledger(engine, model, year)
        compare_state(engine, model)
    return engine, model
