"""The calibrated parameters as coordinates: standard normal under the prior, one for each.

A coordinate z is the normal score of a parameter: value = prior quantile(Phi(z)). All priors, whatever their
shape, become N(0, 1) and independent; emulators are smooth in them and a sampler needs no bounds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri
from scipy.stats import qmc

from model.parameters import Parameter, ParameterSpace

Floats = NDArray[np.float64]
ESTIMATED: Final = "estimated"
LEAST_TAIL: Final = 1e-12  # of a coordinate beyond 7 standard deviations nothing is known


@dataclass(frozen=True, eq=False)
class Inputs:
    """The calibrated parameters of a world, those of kind "estimated" (specification, section 5), in declared order.

    Attributes:
        space: all parameters. fixed: full names the user has fixed: they are not calibrated.
    """

    space: ParameterSpace
    fixed: Mapping[str, float]

    @cached_property
    def parameters(self) -> tuple[Parameter, ...]:
        """Calibrated parameters; their number is the dimension of every array z [n, p]."""
        return tuple(
            one
            for one in self.space.parameters
            if one.declaration.kind == ESTIMATED and one.prior is not None and one.name not in self.fixed
        )

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Full names in the order of the coordinates."""
        return tuple(one.name for one in self.parameters)

    @property
    def size(self) -> int:
        """Number of calibrated parameters."""
        return len(self.parameters)

    def active(self, place: str) -> NDArray[np.int64]:
        """Return the coordinates on which the figures of a simulated place depend, int64[a].

        Its own parameters and all that belong to no other simulated place. What other places' parameters do to
        it through moves between simulated places stays in the residual of the emulator.
        """
        world = self.space.world
        others = set(world.ids[: world.n_sim]) - {place}
        return np.array([k for k, one in enumerate(self.parameters) if one.place not in others], np.int64)

    def values(self, z: Floats) -> Floats:
        """Return parameter values of coordinates z [n, p], clipped to the declared ranges."""
        u = np.clip(ndtr(z), LEAST_TAIL, 1.0 - LEAST_TAIL)
        values = np.empty_like(u)
        for k, one in enumerate(self.parameters):
            assert one.prior is not None
            column = np.array([one.prior.quantile(float(share)) for share in u[:, k]])
            values[:, k] = np.clip(column, one.declaration.low, one.declaration.high)
        return values

    def design(self, count: int, seed: int) -> Floats:
        """Return a space-filling design z [count, p]: scrambled Sobol points mapped to normal scores.

        Scrambling makes every point a draw from the prior (Owen 1998), so that runs of the design also serve
        as synthetic truths.
        """
        sampler = qmc.Sobol(self.size, scramble=True, rng=np.random.default_rng(seed))
        points = sampler.random_base2(max(1, int(np.ceil(np.log2(count)))))[:count]
        return np.asarray(ndtri(np.clip(points, LEAST_TAIL, 1.0 - LEAST_TAIL)), dtype=np.float64)
