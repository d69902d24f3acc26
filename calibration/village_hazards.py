"""How the chance that a village empties falls with its people: maximum likelihood over the panels of hazards.csv.

ln h = ln h_50 - e ln(n / 50) for villages of more than ten people, all causes together; the region's own sample may lie
above the panel of Tyumen's south by a factor. Repeat with `python -m calibration.village_hazards`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import minimize

from calibration.village_transitions import DATA, Floats
from model.csv_tables import Files
from model.problems import Problems

# People that stand for a class (geometric middle); smaller villages empty by the deaths and moves of a few households
MIDDLE = {
    "11-50": 24.0, "51-100": 71.0, "101-200": 141.0, "over 100": 400.0, "201-500": 316.0, "501-1000": 707.0,
    "1000+": 1500.0,
}  # fmt: skip
REGION, NEIGHBOUR = "nkr_sample", "tyumen_south"
FACTOR_PRIOR = (
    math.log(1.5),
    0.5,
)  # of the region's hazards over the neighbour's: it declines faster [assumed]
COLUMNS = (
    "panel", "period", "size_class", "villages", "extinct", "annual_hazard", "wilson_low", "wilson_high",
    "mean_log_growth", "sd_log_growth", "source", "quality",
)  # fmt: skip


@dataclass(frozen=True)
class Cell:
    """Villages of one panel, period and size class, and how many of them emptied."""

    panel: str
    years: int
    people: float
    villages: int
    extinct: int


@dataclass(frozen=True)
class HazardFit:
    """Yearly hazard at 50 people, its exponent, the region's factor, and standard errors of (ln h_50, e, ln factor)."""

    at_50: float
    exponent: float
    factor: float
    errors: tuple[float, float, float]


def panel_cells() -> list[Cell]:
    """Cells of villages of more than ten people.

    Raises:
        WorldError: the file is damaged.
    """
    files = Files(Problems("hazards of villages"))
    cells = []
    for row in files.rows(DATA / "hazards.csv", COLUMNS):
        c = row.cells
        if c["size_class"] in MIDDLE and c["panel"] in (REGION, NEIGHBOUR):
            first, last = (int(year) for year in c["period"].split("-"))
            cells.append(
                Cell(c["panel"], last - first, MIDDLE[c["size_class"]], int(c["villages"]), int(c["extinct"]))
            )
    files.problems.raise_if_any()
    return cells


def fit_hazards(cells: list[Cell], with_region: bool) -> HazardFit:
    """Maximum likelihood (with the prior of the factor where the region's cells are used)."""
    used = [cell for cell in cells if with_region or cell.panel == NEIGHBOUR]

    def loss(theta: Floats) -> float:
        total = 0.5 * ((theta[2] - FACTOR_PRIOR[0]) / FACTOR_PRIOR[1]) ** 2
        for cell in used:
            log_hazard = theta[0] - theta[1] * math.log(cell.people / 50.0)
            log_hazard += theta[2] if cell.panel == REGION else 0.0
            stays = -math.exp(log_hazard) * cell.years
            total -= (cell.villages - cell.extinct) * stays
            if cell.extinct:
                total -= cell.extinct * math.log(-math.expm1(stays))
        return float(total)

    search: Any = minimize
    found = search(loss, np.array([math.log(0.004), 1.0, FACTOR_PRIOR[0]]), method="BFGS")
    errors = np.sqrt(np.diag(found.hess_inv)).tolist()
    at_50, exponent, factor = found.x.tolist()
    return HazardFit(math.exp(at_50), exponent, math.exp(factor), (errors[0], errors[1], errors[2]))


def main() -> None:
    """Print both fits."""
    cells = panel_cells()
    for name, with_region in (("Tyumen's south", False), ("with the region's sample", True)):
        fit = fit_hazards(cells, with_region)
        print(
            f"{name}: hazard at 50 people {fit.at_50:.4f} a year (se of ln {fit.errors[0]:.2f}), exponent "
            f"{fit.exponent:.2f} ({fit.errors[1]:.2f})"
            + (f", region's factor {fit.factor:.1f} (se of ln {fit.errors[2]:.2f})" if with_region else "")
        )


if __name__ == "__main__":
    main()
