"""Calibrated draws of the village parameters as files: a header of names, one draw a line, equal lines go together."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path

from calibration.village_transitions import DATA

HETEROGENEITY = (
    "village_slope", "village_shock_sd", "village_shock_small", "village_farm_push", "village_farm_closure",
    "leaving", "village_given_up", "village_given_up_size",
)  # fmt: skip
GIVING_UP = HETEROGENEITY[-2:]
WAVES = ("village_wave_rate", "village_wave_spread")
HETEROGENEITY_FILE, WAVES_FILE = DATA / "posterior.csv", DATA / "waves_posterior.csv"
# What chances of emptying alone say of giving up: a prior of `village_posterior.py`. The second leaves out the decade
# that hindcasts are scored on
GIVING_UP_FILE, GIVING_UP_1999_FILE = DATA / "hazards_posterior.csv", DATA / "hazards_posterior_1999.csv"


def write_table(path: Path, columns: Sequence[str], rows: Iterable[Sequence[float]]) -> None:
    """Write numbers below a header, six digits each."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows([[f"{value:.6g}" for value in row] for row in rows])


def read_draws(path: Path, columns: Sequence[str]) -> list[dict[str, float]]:
    """Draws of the parameters `columns`, in the order of the file.

    Raises:
        ValueError: the file does not hold these columns.
    """
    with path.open(newline="", encoding="utf-8") as file:
        rows = [{name: float(text) for name, text in row.items()} for row in csv.DictReader(file)]
    if not rows or tuple(rows[0]) != tuple(columns):
        raise ValueError(f"{path}: expected columns {', '.join(columns)}")
    return rows


def read_posterior() -> list[dict[str, float]]:
    """Shocks, slope on size, farms, the rate of leaving and giving up (`village_posterior.py`)."""
    return read_draws(HETEROGENEITY_FILE, HETEROGENEITY)


def read_waves_posterior() -> list[dict[str, float]]:
    """Chance of being taken off the state list and its spread between waves (`village_waves.py`)."""
    return read_draws(WAVES_FILE, WAVES)


def calibrated_villages() -> list[dict[str, float]]:
    """All calibrated village parameters, draw by draw; the two files are independent of one another."""
    return [one | other for one, other in zip(read_posterior(), read_waves_posterior(), strict=True)]
