"""The folds of the validation: what a forecaster may know, what it is scored on (issue 5, point 5)."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from calibration.audit_data import AuditData, Series, published
from model.series_tables import Table

Floats = NDArray[np.float64]
COUNTS: Final = "population_1jan"
NET: Final = "net_migration"
# Scored series: official accounts; and of the paper's towns what it prints
ACCOUNT_SERIES: Final = ("births", "deaths", NET, COUNTS)
PAPER_SERIES: Final = ("wage_monthly_nominal", "unemployment_rate")
FIRST_YEAR, START, LAST_FIT, LAST_YEAR = 2009, 2015, 2018, 2020
REGION: Final = "region"
REGION_LAST_YEARS: Final = "region_last_years"
OF_REGION: Final = (REGION, REGION_LAST_YEARS)  # not fitted: parameters come from their priors


@dataclass(frozen=True)
class Fold:
    """One split of the observed years.

    Attributes:
        name, title: for programs and readers; the title says what the fold is and is not.
        places: forecast places, sorted. others: places whose history and target years are both known.
        history: years of the flows known of the forecast places. targets: years of the flows scored.
    """

    name: str
    title: str
    places: tuple[str, ...]
    history: range
    targets: range
    others: tuple[str, ...] = ()

    @property
    def is_backward(self) -> bool:
        """Say whether the past is scored from what came after it."""
        return self.targets.stop <= self.history.start

    def history_years(self, series: str) -> range:
        """Return the years in which a series of the forecast places is known; counts on both ends of a flow."""
        return _with_counts(self.history, series)

    def target_years(self, series: str) -> range:
        """Return the years scored: of counts those that no history holds."""
        if series != COUNTS:
            return self.targets
        shift = 0 if self.is_backward else 1
        return range(self.targets.start + shift, self.targets.stop + shift)


def _with_counts(years: range, series: str) -> range:
    return range(years.start, years.stop + 1) if series == COUNTS else years


def folds(data: AuditData) -> tuple[Fold, ...]:
    """Return the folds of a world: (a) last years, (b) one place left out, (c) back-cast, (d) from 2009-2014, (e).

    Folds (d) and (e), the latter the same of a region as (a) but not fitted, are made for worlds with more than towns:
    rural districts and centres.
    """
    places = data.places
    made = [
        Fold(
            "last_years",
            "Fitted to 2015-2018, scored on 2019-2020",
            places,
            range(START, LAST_FIT + 1),
            range(LAST_FIT + 1, LAST_YEAR + 1),
        )
    ]
    if len(places) > 1:
        made += [
            Fold(
                f"left_out_{place}",
                f"{data.name(place)} left out: its years before 2015 and the other places are known",
                (place,),
                range(FIRST_YEAR, START),
                range(START, LAST_YEAR + 1),
                tuple(other for other in places if other != place),
            )
            for place in places
        ]
    made.append(
        Fold(
            "back_cast",
            "Back-cast of 2009-2014 from 2015-2020: the past from what came after it, no forecast",
            places,
            range(START, LAST_YEAR + 1),
            range(FIRST_YEAR, START),
        )
    )
    if {data.kinds.get(place) for place in places} - {"town"}:
        made.append(
            Fold(
                REGION,
                "Scored on 2015-2020 from 2009-2014; 2015 and 2017 hold register events",
                places,
                range(FIRST_YEAR, START),
                range(START, LAST_YEAR + 1),
            )
        )
        made.append(
            Fold(
                REGION_LAST_YEARS,
                "Scored on 2019-2020 from the years to 2018, not fitted: counts to 1 January 2019 are met",
                places,
                range(START, LAST_FIT + 1),
                range(LAST_FIT + 1, LAST_YEAR + 1),
            )
        )
    return tuple(fold for fold in made if any(history_of(known(data, fold), fold, "births")))


def known(data: AuditData, fold: Fold) -> AuditData:
    """Return the data a forecaster of the fold may see.

    Of the forecast places only the history, of the other places of the fold everything from the first to the
    last year of the fold; of all else nothing. Drivers stay: a fold is scored given the drivers.
    """
    span = range(min(fold.history.start, fold.targets.start), max(fold.history.stop, fold.targets.stop))

    def cut(table: Table) -> Table:
        kept = {}
        for (territory, variable), points in table.items():
            years = (
                fold.history if territory in fold.places else span if territory in fold.others else range(0)
            )
            allowed = _with_counts(years, variable)
            if inside := {year: point for year, point in points.items() if year in allowed}:
                kept[territory, variable] = inside
        return kept

    return replace(
        data,
        accounts=cut(data.accounts),
        paper=cut(data.paper),
        census={},
        budget=cut(data.budget),
        statements=(),
    )


def series_of(data: AuditData, place: str, series: str) -> Series:
    """Return a scored series of a place by year: implied net migration, an official or a printed figure."""
    if series == NET:
        return data.implied_net_migration(place)
    table = data.paper if series in PAPER_SERIES else data.accounts
    return published(table, place, series)


def history_of(data: AuditData, fold: Fold, series: str) -> dict[str, Series]:
    """Return the known years of a series by forecast place; places with none are left out."""
    years = fold.history_years(series)
    cut = {
        place: {year: value for year, value in series_of(data, place, series).items() if year in years}
        for place in fold.places
    }
    return {place: held for place, held in cut.items() if held}


def observed_targets(data: AuditData, fold: Fold, series: str, places: Collection[str]) -> Floats:
    """Return what was observed, float64[years, places]; NaN where nothing was published."""
    years = fold.target_years(series)
    observed = np.full((len(years), len(places)), np.nan)
    for p, place in enumerate(places):
        held = series_of(data, place, series)
        for t, year in enumerate(years):
            observed[t, p] = held.get(year, np.nan)
    return observed
