"""The causal ledger of a comparison: from jobs opened to residents, part by part, for one place.

Paired runs are stepped side by side. What is counted adds up exactly: the change of population is births - deaths
+ arrivals - departures, summed over the years. What moves people is traced by channel: each year, just before people
move, one table of the policy's run is put into the reference's state and the model's own equations say how many more
or fewer people are expected to leave and to arrive (`causal_ledger_moment.py`). The channels, their stated
interaction and chance (what happened beyond what was expected) add up to all departures and arrivals.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.console import Console

from experiments.branches import branch
from experiments.causal_ledger_moment import CHANNELS, Expectation, compare_moments, moment_of
from experiments.compare_scenarios import BASELINE, REFERENCE, Case, Comparison
from experiments.ensemble import Study
from experiments.paired_statistics import Floats
from model.draws import run_seed
from model.engine import Engine
from model.levers import neutral_levers
from model.partings import first_difference

LEDGER_RUNS = 20
INTERACTION, CHANCE = "interaction of these", "chance (beyond what is expected)"
BIRTHS, DEATHS, ARRIVED, LEFT = "births", "deaths", "arrivals", "departures"
VITAL = (BIRTHS, DEATHS, ARRIVED, LEFT)
RECORDED = {BIRTHS: "births", DEATHS: "deaths", ARRIVED: "in_migration", LEFT: "out_migration"}
# What stands between a lever and the moves: figures of the record, as differences of the mean over the years.
STEPS = (
    ("zone_jobs", "additional zone jobs in the town", "jobs", False),
    ("jobs", "posts in the town", "jobs", False),
    ("commuters", "commuters to the centre", "persons", False),
    ("employed", "residents in a job", "persons", False),
    ("unemployment_rate", "official unemployment", "points", True),
    ("hidden_unemployment_rate", "self-employed or hidden unemployed", "points", True),
    ("wage", "mean wage", "KZT a month", False),
    ("perceived_income", "income people expect here", "KZT a month", False),
)
CENTRE_JOBS, RIVAL_INCOME = "additional zone jobs in outside centres", "income people expect elsewhere"


@dataclass(frozen=True)
class Ledger:
    """What one case does to one place against its reference, run by run (float64[runs] everywhere).

    Attributes:
        case, reference: names. place: id. first, last: years in which the runs differ, the last one of moves.
        steps: by name, differences of the mean over these years: jobs, commuters, unemployment, incomes.
        population: difference on the last 1 January.
        vital: births, deaths, arrivals, departures: differences summed over the years.
        leaving, arriving: by channel, with `INTERACTION` and `CHANCE`: what makes up departures and arrivals.
    """

    case: str
    reference: str
    place: str
    first: int
    last: int
    steps: Mapping[str, Floats]
    population: Floats
    vital: Mapping[str, Floats]
    leaving: Mapping[str, Floats]
    arriving: Mapping[str, Floats]

    @property
    def runs(self) -> int:
        """Number of paired runs."""
        return len(self.population)

    def unaccounted(self) -> Floats:
        """Population minus births, deaths and moves: zero in every run, as the accounts of every year close."""
        v = self.vital
        return self.population - (v[BIRTHS] - v[DEATHS] + v[ARRIVED] - v[LEFT])

    def unexplained(self) -> Floats:
        """Largest gap between the moves and the sum of their parts, run by run: zero up to rounding."""
        gaps = [
            np.abs(sum(parts.values(), start=np.zeros(self.runs)) - self.vital[total])
            for total, parts in ((LEFT, self.leaving), (ARRIVED, self.arriving))
        ]
        worst: Floats = np.maximum(*gaps)
        return worst


def explain_case(study: Study, case: Case, reference: Case, place: int, runs: int, threads: int) -> Ledger:
    """Ledger of a case against its reference over the first `runs` pairs of the study."""
    design, world = study.design, study.world

    def pair(run: int) -> dict[str, float]:
        return _explain_pair(study, case, reference, place, *divmod(run, design.replicates))

    with ThreadPoolExecutor(threads) as pool:
        found = list(pool.map(pair, range(runs)))
    columns = {name: np.array([one[name] for one in found]) for name in found[0]}

    def group(prefix: str) -> dict[str, Floats]:
        return {
            name.removeprefix(prefix): values for name, values in columns.items() if name.startswith(prefix)
        }

    ours, theirs = (one.scenario.levers or neutral_levers(world, design.horizon) for one in (case, reference))
    return Ledger(
        case.name,
        reference.name,
        world.ids[place],
        first_difference(world, ours, theirs, design.horizon),
        design.horizon - 1,
        group("step: "),
        columns["population"],
        group("vital: "),
        group("left: "),
        group("arrived: "),
    )


def _explain_pair(
    study: Study, case: Case, reference: Case, place: int, draw: int, replicate: int
) -> dict[str, float]:
    """Parts of the ledger of one pair of runs, as numbers by name."""
    world, horizon = study.world, study.design.horizon
    ours, theirs = (one.scenario.levers or neutral_levers(world, horizon) for one in (case, reference))
    seed = run_seed(study.design.seed, draw, replicate)
    founding, values = study.founding(study.variant(draw)), study.values(draw)
    base = Engine(world, founding, values, seed, theirs, horizon)
    parting = first_difference(world, ours, theirs, horizon)
    while base.year < min(parting, horizon - 1):
        base.step()
    policy = branch(base, ours)
    begun = base.t
    expect = Expectation(base, place)
    total = {f"{side}: {name}": 0.0 for side in ("left", "arrived") for name in (*CHANNELS, INTERACTION)}
    expected, centre_jobs, rivals = np.zeros(2), 0.0, 0.0
    years = horizon - base.year
    while base.year < horizon:
        for phase in Engine.PLAN[:6]:
            getattr(base, phase.run)()
            getattr(policy, phase.run)()
        moves = compare_moments(moment_of(base), moment_of(policy), expect)
        expected += moves.policy - moves.reference
        for name, moved in (*moves.channels.items(), (INTERACTION, moves.interaction)):
            total[f"left: {name}"] += float(moved[0])
            total[f"arrived: {name}"] += float(moved[1])
        outside = slice(world.n_sim, world.n_all)
        centre_jobs += float((policy.state.zone_jobs - base.state.zone_jobs)[outside].sum()) / years
        others = np.flatnonzero(world.is_destination & (np.arange(world.n_all) != place))
        gap = policy.places.income[others] - base.places.income[others]
        rivals += float(gap.mean()) / years
        for phase in Engine.PLAN[6:]:
            getattr(base, phase.run)()
            getattr(policy, phase.run)()
    change = {
        name: policy.record.column(name)[:, place] - base.record.column(name)[:, place]
        for name in (*RECORDED.values(), "population", *(step[0] for step in STEPS))
    }
    vital = {name: float(change[column][begun:-1].sum()) for name, column in RECORDED.items()}
    found = {name: float(value) for name, value in total.items()}
    found |= {f"vital: {name}": value for name, value in vital.items()}
    found[f"left: {CHANCE}"] = vital[LEFT] - float(expected[0])
    found[f"arrived: {CHANCE}"] = vital[ARRIVED] - float(expected[1])
    found["population"] = float(change["population"][-1])
    found[f"step: {CENTRE_JOBS}"] = centre_jobs
    for column, name, _, in_points in STEPS:
        found[f"step: {name}"] = (100.0 if in_points else 1.0) * float(change[column][begun:-1].mean())
    found[f"step: {RIVAL_INCOME}"] = rivals
    return found


def explain_comparison(
    console: Console,
    folder: Path,
    study: Study,
    comparison: Comparison,
    place: int,
    runs: int,
    threads: int,
) -> list[Ledger]:
    """Print and write the ledgers of all cases of the reference future against the baseline, for one place."""
    from experiments.causal_ledger_tables import print_ledgers, write_ledgers

    pairs: Sequence[tuple[Case, Case]] = [
        (case, against) for case, against in comparison.compared(BASELINE) if case.future == REFERENCE
    ]
    number = min(runs, LEDGER_RUNS)
    with console.status(
        f"tracing {len(pairs)} effects on {study.world.ids[place]} in {number} pairs of runs ..."
    ):
        ledgers = [explain_case(study, case, against, place, number, threads) for case, against in pairs]
    write_ledgers(folder, ledgers)
    print_ledgers(console, ledgers, study.world.names("en")[place])
    return ledgers
