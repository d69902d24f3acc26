"""Real runs of the model at given calibrated parameters, reduced to what the statistician would have recorded.

All other parameters of a run are drawn from their literature priors and its chance is its own, so that the
scatter of runs around an emulator holds both.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np

from calibration.observation import ObservationModel
from calibration.posterior_inputs import Floats, Inputs
from calibration.readings import Truth
from model.draws import run_seed
from model.engine import simulate
from model.founding import Founding, build_founding
from model.record import Record
from model.world import World

FOUNDING_VARIANTS = 4  # as in the forecasts: founding populations are shared by runs
HOUSEHOLD_SIZE = "household_size"
BOUND_UNTIL = "bound_until"
REPLICATE = 0
# Parameters of a run that a fold of the validation recomputes: from the number of the run and what is calibrated
Constants = Callable[[int, Mapping[str, float]], Mapping[str, float]]


class Runner:
    """Runs of one world up to the 1 January after the last observed year.

    Args:
        world, inputs, observation: what is run, varied and recorded.
        seed: with the number of a run it gives its other parameters and its chance.
        horizon: last 1 January simulated.
        constants: stands in for the priors of what is not calibrated, where it names a parameter.
        shift: years between what is simulated and what it stands for: -6 lets 2015 stand for 2009.
        bound_until: last 1 January whose count the runs meet. None by default: what is fitted to the accounts, or
            scored on them, must not have been told.
    """

    def __init__(
        self,
        world: World,
        inputs: Inputs,
        observation: ObservationModel,
        seed: int,
        horizon: int,
        constants: Constants | None = None,
        shift: int = 0,
        bound_until: int = 0,
    ) -> None:
        self.world, self.inputs, self.observation = world, inputs, observation
        self.seed, self.horizon = seed, horizon
        self.constants, self.shift, self.bound_until = constants, shift, bound_until
        self.household_sizes = self._household_sizes()
        self._locks = [threading.Lock() for _ in self.household_sizes]
        self._foundings: list[Founding | None] = [None] * len(self.household_sizes)

    def _household_sizes(self) -> tuple[float, ...]:
        if HOUSEHOLD_SIZE in self.inputs.fixed:
            return (self.inputs.fixed[HOUSEHOLD_SIZE],)
        prior = self.inputs.space.by_name[HOUSEHOLD_SIZE].prior
        assert prior is not None
        return tuple(prior.quantile((k + 0.5) / FOUNDING_VARIANTS) for k in range(FOUNDING_VARIANTS))

    def _founding(self, variant: int) -> Founding:
        with self._locks[variant]:
            founding = self._foundings[variant]
            if founding is None:
                founding = build_founding(self.world, household_size=self.household_sizes[variant])
                self._foundings[variant] = founding
        return founding

    def _run(self, number: int, values: Floats) -> Record:
        variant = number % len(self.household_sizes)
        chosen = dict(zip(self.inputs.names, values.tolist(), strict=True))
        recomputed = self.constants(number, chosen) if self.constants is not None else {}
        given = {
            **chosen, **recomputed, **self.inputs.fixed,
            HOUSEHOLD_SIZE: self.household_sizes[variant], BOUND_UNTIL: float(self.bound_until),
        }  # fmt: skip
        complete = self.inputs.space.draw(self.seed, number, given)
        seed = run_seed(self.seed, number, REPLICATE)
        return simulate(self.world, self._founding(variant), complete, seed, None, self.horizon)

    def records(self, z: Floats, first: int, threads: int, on_run: Callable[[], None]) -> Floats:
        """Return what would be recorded without errors for z [n, p], float64[n, figures].

        Args:
            z: calibrated parameters as normal scores. first: number of the first run, which no other run shares.
            threads: results do not depend on them. on_run: called after each run.

        Raises:
            model.accounts.AccountsError: the accounts of a run do not close.
        """
        values = self.inputs.values(z)
        stop = threading.Event()

        def one(k: int) -> Record:
            if stop.is_set():
                raise KeyboardInterrupt
            record = self._run(first + k, values[k])
            on_run()
            return record

        with ThreadPoolExecutor(threads, "calibrate") as pool:
            try:
                records = list(pool.map(one, range(len(z))))
            except BaseException:
                stop.set()
                raise
        truth = Truth.of_records(records, self.world.ids[: self.world.n_sim])
        truth = replace(truth, years=tuple(year + self.shift for year in truth.years))
        return np.asarray(self.observation.predict(truth), dtype=np.float64)
