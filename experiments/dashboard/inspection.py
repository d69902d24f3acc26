"""The inspect page's model: a `BorderModel` stepped year by year, with households' reasons at the moment they decide.

Households decide in phase 7 of the year on tables of that year. The model is stopped there: the households that are
looked at are explained just before, and what became of them is read just after.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from experiments.dashboard.live_comparison import LiveComparison, Wish, read_wish
from experiments.design import Design
from experiments.ensemble import Study
from experiments.failures import BadInput
from model.agents import Household
from model.border_model import BorderModel
from model.draws import run_seed
from model.explanation import Explanation, explain
from model.population import NOWHERE

LOOKED_AT = 30  # households of a town that are followed through a year
LEAVERS = 20  # and of those that leave it
TOWN_FIGURES = (
    "population", "households", "births", "deaths", "in_migration", "out_migration", "out_russia", "jobs", "employed",
    "commuters", "unemployment_rate", "hidden_unemployment_rate", "wage", "wear", "services",
)  # fmt: skip
STAYED, LEFT = "stayed", "left"
Message = dict[str, Any]


class Inspection:
    """One run of one scenario, and the town that is looked into."""

    def __init__(self, live: LiveComparison, wish: Wish, run: int) -> None:
        """Open a run of the ensemble of a wish: the same people, parameters and chance.

        Raises:
            BadInput: a scenario that cannot be used.
        """
        study, _ = live.ready(wish)
        comparison = read_wish(wish, live.world)
        slot, _, future = wish.scenarios[0]
        levers = comparison.case(slot, future).scenario.levers
        self.model = _model(study, levers, run)
        self.town = live.world.ids[0]
        self.decisions: dict[int, tuple[Explanation, str]] = {}
        self._keys: list[int] = []
        self._look(self.town)
        engine = self.model.engine
        original = engine.move

        def watched() -> None:
            rows = self.model.census.find("households", np.array(self._keys, np.uint64))
            reasons = {
                key: explain(engine, int(row)) for key, row in zip(self._keys, rows, strict=True) if row >= 0
            }
            places = engine.households.place
            before = places[: engine.n_households].copy()
            original()
            self.decisions = {
                key: (reasons[key], self._fate(int(row)))
                for key, row in zip(self._keys, rows, strict=True)
                if key in reasons
            }
            self._note_leavers(before)

        # The engine's plan calls its phases by name: this one of this run is watched, what it does is untouched
        vars(engine)["move"] = watched

    def _note_leavers(self, before: NDArray[Any]) -> None:
        """Add households that go this year: few of those that are followed do. Moving has changed no table yet."""
        engine = self.model.engine
        places, here = engine.households.place, self.model.census.place_index(self.town)
        leaving = np.flatnonzero((before == here) & (places[: len(before)] != here))
        for row in leaving[:LEAVERS].tolist():
            key, there = int(engine.households.key[row]), int(places[row])
            if key in self.decisions:
                continue
            fate = self._fate(row)
            places[row] = here
            self.decisions[key] = (explain(engine, row), fate)
            places[row] = there
            self._keys.append(key)

    def _fate(self, row: int) -> str:
        """What a household has just decided: it stays, or where it goes within the world, or that it leaves it."""
        engine = self.model.engine
        place = int(engine.households.place[row])
        if place == NOWHERE:
            return LEFT
        there = engine.world.ids[place]
        return STAYED if there == self.town else there

    def _look(self, town: str) -> None:
        """Choose the households to follow: spread evenly over the town's, in the order of their keys."""
        place = self.model.census.place_index(town)
        engine = self.model.engine
        here = engine.households.place[: engine.n_households] == place
        keys = np.sort(engine.households.key[: engine.n_households][here])
        picked = (
            keys[np.linspace(0, len(keys) - 1, min(LOOKED_AT, len(keys))).astype(np.int64)]
            if len(keys)
            else keys
        )
        self.town, self._keys, self.decisions = town, [int(key) for key in picked], {}

    def choose_town(self, town: str) -> None:
        """Look into another town. Raises BadInput where it is not simulated."""
        world = self.model.world
        if town not in world.ids[: world.n_sim]:
            raise BadInput(f"{town}: no simulated place of world '{world.name}'")
        self._look(town)

    def step(self) -> None:
        """One calendar year. Raises BadInput at the horizon."""
        if not self.model.running:
            raise BadInput(f"the horizon {self.model.horizon} is reached")
        self._look(self.town)
        self.model.step()

    def view(self) -> Message:
        """The town and its households, as plain numbers."""
        model = self.model
        place = model.settlement(self.town)
        first = model.year == model.world.start
        figures = {}
        for name in TOWN_FIGURES:
            value = float(getattr(place, name))
            figures[name] = (
                None if np.isnan(value) or (first and name not in ("population", "households")) else value
            )
        return {
            "year": model.year,
            "horizon": model.horizon,
            "running": bool(model.running),
            "town": self.town,
            "figures": figures,
            "households": [self._household(key) for key in self._keys],
        }

    def _household(self, key: int) -> Message:
        model = self.model
        row = int(model.census.find("households", np.array([key], np.uint64))[0])
        held: Message = {"key": f"{key:016x}", "here": row >= 0, "members": []}
        if row >= 0:
            household = Household(model, key, row, model.census.version)
            held["members"] = [
                {
                    "age": int(person.age),
                    "sex": person.sex,
                    "status": person.status,
                    "skilled": bool(person.skilled),
                }
                for person in household.members
            ]
            held["kin_kazakhstan"], held["kin_russia"] = (
                bool(household.kin_kazakhstan),
                bool(household.kin_russia),
            )
        if key in self.decisions:
            reason, fate = self.decisions[key]
            held["fate"] = fate
            held["reason"] = _reason(reason)
        return held


def _reason(reason: Explanation) -> Message:
    return {
        "year": reason.year,
        "income": reason.income,
        "children": reason.children,
        "kappa": reason.kappa,
        "age": reason.age,
        "age_factor": reason.age_factor,
        "inclusive_value": reason.inclusive_value,
        "inclusive_value_2015": reason.inclusive_value_2015,
        "hazard": reason.hazard,
        "alternatives": [
            {"place": a.place, "nest": a.nest, "utility": a.utility, "share": a.share}
            for a in reason.alternatives
        ],
    }


def _model(study: Study, levers: Any, run: int) -> BorderModel:
    """A row of the ensemble as a Mesa model."""
    design: Design = study.design
    draw, replicate = divmod(run, design.replicates)
    return BorderModel(
        study.world,
        seed=run_seed(design.seed, draw, replicate),
        values=study.values(draw),
        founding=study.founding(study.variant(draw)),
        levers=levers,
        horizon=design.horizon,
    )


def open_inspection(live: LiveComparison, message: Mapping[str, Any]) -> Inspection:
    """Open the run that a message of the page names."""
    run = int(message.get("run", 0))
    if not 0 <= run < 1000:
        raise BadInput(f"run {run}: expected 0 to 999")
    return Inspection(live, Wish.read(message), run)
