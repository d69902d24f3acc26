"""The integral index of the settlement rating as an output of a sensitivity analysis."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from experiments.sensitivity_outputs import BASELINE, Floats, Money, Output, Records, Regions
from model.world import World


@dataclass(frozen=True)
class RatingOutput(Output):
    """Integral index of a place in the year that closes on 1 January after it, from known indicators, equal weights.

    The levels that a reconstruction draws (missing indicators, weights, thresholds) are no factors: they would be
    the same for every run.
    """

    place: int
    start: int
    world: World

    def series(self, records: Records, money: Money, regions: Regions | None = None) -> Floats:
        """Index of every year; the last 1 January closes the last year rated and has none.

        Raises:
            ValueError: no `regions`, without which the wage relative to the region is unknown.
        """
        from calibration.rating import index_of_results
        from calibration.rating_simulated import RATING_COLUMNS

        if regions is None:
            raise ValueError("a rating needs the growth of wages in the region")
        record, region = records[BASELINE], regions[BASELINE]
        columns = {name: record.column(name)[None] for name in RATING_COLUMNS}
        years = [int(year) for year in record.years]
        index = index_of_results(self.world, columns, years, np.array([region.growth]), region.home_wage)
        return np.append(index[0, :, self.place], np.nan)

    def value(self, records: Records, money: Money, regions: Regions | None = None) -> float:
        """Index of the year."""
        return float(self.series(records, money, regions)[self.year - self.start])
