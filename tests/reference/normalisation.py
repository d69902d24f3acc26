"""What ties the hazards to data on 1 January 2015: alpha_RU, IV_2015, lambda', the level of arrivals (below 11).

Sums over persons are whole numbers (fixed point), so that no order of persons can change them.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.reference.choice import CELLS, CLOSED, nest_weight, tabulate
from tests.reference.migration import household_income, study_probability
from tests.reference.people import STUDY_AGES, YOUNG_ADULT_AGES, Household
from tests.reference.places import KAZAKHSTAN, RUSSIA, Cell, Settlement

if TYPE_CHECKING:
    from tests.reference.year import ReferenceModel

FIXED_POINT = 2.0**34
POWERS = range(4)  # terms kept of 1 - exp(-x)
CONSTANT_ROUNDS = 40
BISECTIONS = 44
LARGEST_ALPHA = 25.0
LEAST_HOUSEHOLD_SHARE = 0.1  # of lambda that is left to households when the young alone exceed it
LEAST_ARRIVALS = 0.05  # of departures, from outside
LEAST_FLOW = 1e-9  # persons a year
LEAST_REGIME_FACTOR = 0.3
Flows = dict[Settlement, list[float]]  # expected persons a year to every place, by index
# Young people of a cell; weights at alpha_RU = 0 of its movers and of one student: Kazakhstan, of it simulated
# places, Russia.
NestWeights = tuple[int, tuple[float, float, float], tuple[float, float, float]]


@dataclass
class Survey:
    """Founders of a place: persons and fixed-point sums of (R kappa (y / W)^-beta_y)^k by cell; youth of 17-19."""

    persons: dict[Cell, int] = field(default_factory=lambda: dict.fromkeys(CELLS, 0))
    moving: dict[Cell, list[int]] = field(default_factory=lambda: {cell: [0] * 4 for cell in CELLS})
    log_income: int = 0
    youth: list[tuple[Cell, float, bool]] = field(default_factory=list)  # ln(y / W), skilled parent
    youth_by_cell: Counter[Cell] = field(default_factory=Counter)
    leaving: float = 0.0  # persons a year, lambda
    youth_leaving: float = 0.0  # of them to study

    def expect(self, cell: Cell, hazard: float, persons: int) -> None:
        """Add the powers of a hazard for each of that many persons."""
        power = 1.0
        for k in POWERS:
            power *= hazard
            self.moving[cell][k] += persons * fixed(power)


def fixed(value: float) -> int:
    """A number in fixed point."""
    return math.floor(value * FIXED_POINT + 0.5)


def interview(household: Household, model: ReferenceModel) -> None:
    """A founding household adds itself to the survey of its place."""
    p, place = model.p, household.place
    survey, cell = place.survey, (household.has_children, household.kin)
    relative = math.log(household_income(household, p) / place.wage)
    pull = math.exp(-p.beta_y * relative) * model.kappa[household.stayer]
    size = len(household.members)
    survey.persons[cell] += size
    survey.log_income += size * fixed(relative)
    survey.expect(cell, pull * model.mobility[household.head.age], size)
    for person in household.members[2 if household.couple else 1 :]:
        if person.age in YOUNG_ADULT_AGES:
            survey.expect(cell, pull * model.mobility[person.age], 1)
        elif person.age in STUDY_AGES:
            survey.youth.append((cell, relative, household.head.skilled))
            survey.youth_by_cell[cell] += 1


def normalise(model: ReferenceModel) -> Flows:
    """Solve for alpha_RU and the places' constants, then IV_2015 and lambda'; returns the expected flows of 2015."""
    p, world = model.p, model.world
    for place in model.settlements:
        survey, i = Survey(), place.index
        survey.leaving = p.leaving * float(world.leaving_rate_ratio[i]) * place.population_2015
        place.survey = survey
    model.households.do(interview, model)
    for place in model.settlements:
        survey, chance = place.survey, study_probability(place.study_logit_2015, 0.0, 0.0, False, p)
        survey.youth_leaving = min(len(survey.youth) * chance, 0.9 * survey.leaving)
    outside = world.russia_share_of == "leavers_outside"
    wanted = p.russia_share_outside if outside else p.russia_share
    tabulate(model, 0.0)
    for _ in range(CONSTANT_ROUNDS):
        model.alpha_2015 = solve_alpha(model, wanted, outside)
        step = adjust_constants(model, expected_flows(model, model.alpha_2015))
        tabulate(model, model.alpha_2015)
        if step < 1e-3:
            break
    for place in model.settlements:
        tie_hazard(place, p)
    return expected_flows(model, model.alpha_2015)


def nest_weights(here: Settlement, cell: Cell, p: Any, alpha: float, to_study: bool) -> list[float]:
    """exp of the log weights of both nests."""
    children, kin = cell
    values = here.study_value if to_study else here.nest_value[children]
    return [math.exp(nest_weight(values[nest], kin, nest, p, alpha)) for nest in (KAZAKHSTAN, RUSSIA)]


def expected_flows(model: ReferenceModel, alpha: float) -> Flows:
    """Persons a year from place to place in 2015: households and lone adults, and youth who leave to study."""
    p, result = model.p, {}
    for here in model.settlements:
        survey, total, study_total = here.survey, 0.0, 0.0
        flows, study = [0.0] * len(model.places), [0.0] * len(model.places)
        for cell in CELLS:
            children, _ = cell
            moving, youth = survey.moving[cell][0] / FIXED_POINT, survey.youth_by_cell[cell]
            if moving > 0.0:
                weights = nest_weights(here, cell, p, alpha, False)
                total += moving * (weights[KAZAKHSTAN] + weights[RUSSIA])
                for there in model.places:
                    value = here.utility[children][there.index]
                    if value > CLOSED:
                        share = math.exp(value - here.nest_value[children][there.nest])
                        flows[there.index] += moving * weights[there.nest] * share
            weights = nest_weights(here, cell, p, alpha, True)
            sum_weights = weights[KAZAKHSTAN] + weights[RUSSIA]
            if youth > 0 and sum_weights > 0.0:
                study_total += youth
                for there in model.places:
                    value = here.utility[False][there.index]
                    if value > CLOSED and there.has_universities:
                        share = math.exp(value - here.study_value[there.nest])
                        study[there.index] += youth * (share * weights[there.nest] / sum_weights)
        students = min(survey.youth_leaving, survey.leaving)
        others = survey.leaving - students
        result[here] = [
            (others * flows[i] / total if total > 0.0 else 0.0)
            + (students * study[i] / study_total if study_total > 0.0 else 0.0)
            for i in range(len(model.places))
        ]
    return result


def weigh_nests(here: Settlement, model: ReferenceModel) -> list[NestWeights]:
    """Of every cell, what alpha_RU acts on."""
    p, survey, result = model.p, here.survey, []
    for cell in CELLS:
        children, _ = cell
        inside = study_inside = 0.0
        for there in model.settlements:
            value = here.utility[children][there.index]
            inside += math.exp(value - here.nest_value[children][KAZAKHSTAN]) if value > CLOSED else 0.0
            value = here.utility[False][there.index]
            if value > CLOSED and there.has_universities:
                study_inside += math.exp(value - here.study_value[KAZAKHSTAN])
        moving = survey.moving[cell][0] / FIXED_POINT
        home, abroad = nest_weights(here, cell, p, 0.0, False)
        study_home, study_abroad = nest_weights(here, cell, p, 0.0, True)
        moves = moving * home, moving * home * inside, moving * abroad
        study = study_home, study_home * study_inside, study_abroad
        result.append((survey.youth_by_cell[cell], moves, study))
    return result


def russian_share(nests: dict[Settlement, list[NestWeights]], odds: float, outside_only: bool) -> float:
    """Share of leavers (or of those leaving the simulated places) who go to Russia; `odds` is exp(alpha_RU)."""
    russia = total = 0.0
    for here, cells in nests.items():
        home = inside = abroad = students = students_inside = students_abroad = 0.0
        for young, moves, study in cells:
            home += moves[0]
            inside += moves[1]
            abroad += moves[2] * odds
            weight = study[0] + study[2] * odds
            if young > 0 and weight > 0.0:
                students += young
                students_inside += young * study[1] / weight
                students_abroad += young * study[2] * odds / weight
        youth, leaving = here.survey.youth_leaving, here.survey.leaving
        if home + abroad > 0.0:
            russia += (leaving - youth) * abroad / (home + abroad)
            total += (leaving - youth) * (1.0 - (inside / (home + abroad) if outside_only else 0.0))
        if students > 0.0:
            russia += youth * students_abroad / students
            total += youth * (1.0 - (students_inside / students if outside_only else 0.0))
    return russia / total if total > 0.0 else 0.0


def solve_alpha(model: ReferenceModel, share: float, outside_only: bool) -> float:
    """alpha_RU at which that share of the leavers of 2015 goes to Russia; 0 where no Russian place is open."""
    nests = {here: weigh_nests(here, model) for here in model.settlements}
    low, high = -LARGEST_ALPHA, LARGEST_ALPHA
    if russian_share(nests, math.exp(high), outside_only) < share:
        return 0.0
    for _ in range(BISECTIONS):
        middle = 0.5 * (low + high)
        if russian_share(nests, math.exp(middle), outside_only) < share:
            low = middle
        else:
            high = middle
    return 0.5 * (low + high)


def adjust_constants(model: ReferenceModel, flows: Flows) -> float:
    """A step of the usual contraction: no place draws more of its arrivals from simulated places than it may."""
    largest = 0.0
    for place in model.settlements:
        inside = 0.0
        for other in model.settlements:
            inside += flows[other][place.index]
        if inside <= 0.0:
            continue
        most = model.p.inside_share * model.in_out[place.index] * place.survey.leaving
        pull = 0.8 * model.p.tau * math.log(max(most, 1e-9) / inside)
        wanted = min(0.0, place.constant + pull)
        largest = max(largest, abs(wanted - place.constant))
        place.constant = wanted
    return largest


def tie_hazard(place: Settlement, p: Any) -> None:
    """IV_2015, and lambda' at which the person-weighted hazard of all moves, youth included, is lambda."""
    survey, persons, total = place.survey, 0.0, 0.0
    for cell in CELLS:
        persons += survey.persons[cell]
        total += survey.persons[cell] * place.inclusive[cell]
    total -= p.beta_y * survey.log_income / FIXED_POINT
    place.mean_inclusive = total / persons - p.beta_y * math.log(place.wage) if persons > 0.0 else 0.0
    survey.youth_leaving = 0.0
    for cell, relative, skilled_parent in survey.youth:
        inclusive = place.inclusive[cell] - p.beta_y * (relative + math.log(place.wage))
        survey.youth_leaving += study_probability(
            place.study_logit_2015, inclusive, place.mean_inclusive, skilled_parent, p
        )
    wanted = max(survey.leaving - survey.youth_leaving, LEAST_HOUSEHOLD_SHARE * survey.leaving)
    sums = [0.0] * 4
    for cell in CELLS:
        factor = place.factor[cell] * math.exp(-p.beta_y * math.log(place.wage))
        power = 1.0
        for k in POWERS:
            power *= factor
            sums[k] += power * survey.moving[cell][k] / FIXED_POINT
    place.hazard_2015 = place.hazard = invert_hazard(wanted, sums)


def invert_hazard(wanted: float, sums: list[float]) -> float:
    """x at which the sum over persons of 1 - exp(-x h) is `wanted`, from the sums of h^k (Newton)."""
    if sums[0] <= 0.0:
        return 0.0
    x = wanted / sums[0]
    for _ in range(25):
        square, cube = x * x, x * x * x
        value = x * sums[0] - square * sums[1] / 2.0 + cube * sums[2] / 6.0 - square * square * sums[3] / 24.0
        slope = sums[0] - x * sums[1] + square * sums[2] / 2.0 - cube * sums[3] / 6.0
        step = (wanted - value) / slope
        x += step
        if abs(step) <= 1e-14 * x:
            break
    return x


def open_arrivals(model: ReferenceModel, flows: Flows) -> None:
    """a_s: all arrivals are in_out x departures; those from simulated places and students who return are given."""
    world, p = model.world, model.p
    for place in model.settlements:
        i, leaving = place.index, place.survey.leaving
        inside = 0.0
        for other in model.settlements:
            inside += flows[other][i]
        place.study_outside = place.survey.youth_leaving * share_studying_outside(model, place)
        wanted = model.in_out[i] * leaving
        place.arrival_base = max(wanted - inside - place.study_outside * p.p_ret, LEAST_ARRIVALS * leaving)
        universities = [there for there in model.outside if there.has_universities]
        best = max(
            universities, key=lambda there: place.utility[False][there.index], default=model.outside[-1]
        )
        place.study_origin = best.index
        # What the years 2009-2020 say against 2015-2020, half carried by departures, half by arrivals.
        net = float(world.net_rate_2009_2014[i]) - float(world.net_rate_2015_2020[i])
        half = 0.5 * p.regime_weight * (0.5 * net * place.population_2015)
        place.regime_hazard = max(LEAST_REGIME_FACTOR, 1.0 - half / max(leaving, LEAST_FLOW))
        place.regime_arrivals = max(LEAST_REGIME_FACTOR, 1.0 + half / max(place.arrival_base, LEAST_FLOW))


def share_studying_outside(model: ReferenceModel, place: Settlement) -> float:
    """Of the youth who leave to study, the share that goes to external places."""
    utility = place.utility[False]
    open_places = [
        there for there in model.places if there.has_universities and utility[there.index] > CLOSED
    ]
    if not open_places:
        return 1.0
    top = max(utility[there.index] for there in open_places)
    outside = total = 0.0
    for there in open_places:
        weight = math.exp(utility[there.index] - top)
        total += weight
        outside += 0.0 if isinstance(there, Settlement) else weight
    return outside / total
