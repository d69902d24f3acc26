"""Errors of the observed series and the figures that carry them (docs/specification.md section 6).

Three errors are kept apart. *Recording*: what the statistician got wrong about the truth of that year.
*Discrepancy*: what a perfect record would still differ from the model by, because the model leaves things out.
*Level*: an error common to all years of a series of a place.

The register's own level, which a census may re-base by several per cent, is none of them: the model lives on the
register's basis, and `register_bias` carries that level into `population_resident` after the fact.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, Literal

Scale = Literal["level", "log"]
Role = Literal["fit", "check"]
Believed = Literal["accounts", "recorded"]
HEAVY: Final = 3.0  # degrees of freedom of heavy-tailed errors
NORMAL: Final = math.inf


@dataclass(frozen=True)
class Errors:
    """Errors of a series: of logarithms, or of the figure where ``per_head`` is persons per resident.

    Attributes:
        recording, discrepancy, level: standard deviations. On the scale "log" and for births and deaths they
            are relative; per_head: shares of the population; otherwise in the unit of the series.
        coverage, coverage_sd: share of the truth that is recorded, mean and standard deviation.
        source: where the standard deviations come from.
    """

    scale: Scale
    recording: float
    discrepancy: float
    source: str
    level: float = 0.0
    relative: bool = False
    per_head: bool = False
    coverage: float = 1.0
    coverage_sd: float = 0.0


ERRORS: Final[dict[str, Errors]] = {
    "count": Errors(
        "level",
        0.0015,
        0.003,
        "assumed: late registration .15 %; discrepancy: a year's net migration error",
        per_head=True,
    ),
    "births": Errors(
        "level",
        0.01,
        0.03,
        "assumed: 1 % registered elsewhere or in the next year (units and region differ by .1 %); discrepancy:"
        " year effects of tempo, region's births vary by 1.1 % around their trend",
        relative=True,
    ),
    "deaths": Errors(
        "level",
        0.01,
        0.03,
        "assumed: 1 % registered elsewhere or in the next year; discrepancy: year effects, region's deaths vary"
        " by 1.3 % around their trend; 8 % in 2020, as the epidemic struck places unequally",
        relative=True,
    ),
    "net_migration": Errors(
        "level",
        0.0015,
        0.002,
        "assumed: 1.5 per 1,000 registered in another year (the quietest town varies by 2.2 per 1,000 in all);"
        " discrepancy 2 per 1,000",
        per_head=True,
    ),
    "migration_balance": Errors(
        "level",
        0.0015,
        0.002,
        "assumed: coverage .7 +- .25; bias: root mean square of the places' mean remainder (audit)",
        level=0.006,
        per_head=True,
        coverage=0.7,
        coverage_sd=0.25,
    ),
    "labour_force": Errors(
        "log", 0.03, 0.02, "second differences of the series (Gasser et al. 1986); level assumed", level=0.02
    ),
    "employed": Errors("log", 0.03, 0.02, "that of the labour force; level assumed", level=0.02),
    "unemployment_rate": Errors(
        "level", 0.4, 0.3, "percentage points; first differences of the two towns give .38 and .59"
    ),
    "wage": Errors(
        "log",
        0.02,
        0.02,
        "assumed: wages of reporting enterprises; the year's chance is sigma_W in the model",
    ),
    "agricultural_output": Errors(
        "log", 0.05, 0.05, "assumed: shared and copied totals; level free", level=1.0
    ),
    "industrial_output": Errors("log", 0.10, 0.05, "assumed: few enterprises report; level free", level=1.0),
}
SERIES: Final = tuple(ERRORS)


@dataclass(frozen=True)
class Figure:
    """One observed figure.

    Attributes:
        series, place, year: of ``SERIES``; a count belongs to 1 January of its year.
        value: as published. unit: of the value.
        scale: on which the errors are: "log" compares logarithms.
        recording_sd, discrepancy_sd: standard deviations on that scale. sd_source: where they come from.
        level_sd: of the error common to all figures of this series and place.
        coverage, coverage_sd: share of the truth that is recorded.
        degrees: of freedom of the Student t error, infinite for a normal one.
        role: "fit" figures identify parameters; "check" figures repeat others and are only compared.
        reading: how the figure is read off the truth, where a series has several readings.
        count_year: 1 January of the count a value per head was divided by.
    """

    series: str
    place: str
    year: int
    value: float
    unit: str
    source: str
    scale: Scale
    recording_sd: float
    discrepancy_sd: float
    sd_source: str
    level_sd: float = 0.0
    coverage: float = 1.0
    coverage_sd: float = 0.0
    degrees: float = NORMAL
    role: Role = "fit"
    reading: str = ""
    count_year: int = 0
