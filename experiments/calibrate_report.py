"""The report of a calibration as a value, and its files: CSV tables and JSON."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np

from calibration.identifiability import Identifiability
from calibration.posterior import Effort, Posterior
from calibration.posterior_abc import AbcMarginals
from calibration.posterior_check import QUANTILES, FigureCheck, coverage
from calibration.recovery import FAILURE, LEVELS, Recovery
from model.world import World

# A second engine agrees where means are this near, in prior standard deviations, and the widths' ratio lies between
MEAN_TOLERANCE: Final = 0.35
WIDTH_TOLERANCE: Final = (0.75, 1.35)


@dataclass(frozen=True, eq=False)
class Report:
    """All that a calibration says.

    Attributes:
        second: marginal posteriors by the second engine. checks: posterior predictive of every figure.
        lost: by place, the series that no figure identifies. names: of the places.
    """

    world: World
    believed: str
    effort: Effort
    posterior: Posterior
    identifiability: Identifiability
    recovery: Recovery
    second: AbcMarginals
    checks: tuple[FigureCheck, ...]
    lost: Mapping[str, tuple[str, ...]]
    names: Mapping[str, str]

    @property
    def disagreements(self) -> tuple[str, ...]:
        """Parameters on which the second engine differs by more than the tolerances."""
        low, high = WIDTH_TOLERANCE
        found = []
        for k, one in enumerate(self.identifiability.parameters):
            ratio = float(self.second.sd[k]) / one.sd_ratio
            if abs(float(self.second.mean[k]) - one.shift) > MEAN_TOLERANCE or not low <= ratio <= high:
                found.append(one.name)
        return tuple(found)


def parameters_csv(report: Report) -> str:
    """Return the table of parameters: prior, posterior, verdict, what identifies it, the second engine, recovery."""
    header = (
        "name", "unit", "prior", "prior_mean", "prior_sd", "mean", "sd", "q05", "q50", "q95", "sd_ratio", "shift",
        "verdict", "identified_by", "second_engine_mean_score", "second_engine_sd_score", "recovery_p_holm",
    )  # fmt: skip
    rows = []
    for k, one in enumerate(report.identifiability.parameters):
        numbers = (one.prior_mean, one.prior_sd, one.mean, one.sd, one.q05, one.q50, one.q95)
        series = "; ".join(f"{name} +{growth:.0%}" for name, growth in one.series)
        scores = (report.second.mean[k], report.second.sd[k], report.recovery.adjusted[k])
        rows.append(
            (one.name, one.unit, one.prior, *(f"{value:.6g}" for value in numbers), f"{one.sd_ratio:.3f}",
             f"{one.shift:.3f}", one.verdict, series, *(f"{float(value):.3f}" for value in scores))
        )  # fmt: skip
    return _csv(header, rows)


def checks_csv(report: Report) -> str:
    """Return the posterior predictive of every figure."""
    names = [f"q{int(100 * level):02d}" for level in QUANTILES]
    header = (
        "series",
        "place",
        "year",
        "unit",
        "observed",
        *names,
        "share_below",
        "role",
        "fitted",
        "source",
    )
    rows = [
        (one.figure.series, one.figure.place, one.figure.year, one.figure.unit, f"{one.figure.value:g}",
         *(f"{value:.6g}" for value in one.quantiles), f"{one.below:.4f}", one.figure.role,
         "yes" if one.in_likelihood else "no", one.figure.source)
        for one in report.checks
    ]  # fmt: skip
    return _csv(header, rows)


def recovery_csv(report: Report) -> str:
    """Return the table of the recovery."""
    found = report.recovery
    header = (
        "name", "chi_square_p", "holm_p", "kolmogorov_smirnov_p",
        *(f"coverage_{int(100 * level)}" for level in LEVELS), "bias", "contraction", "verdict",
    )  # fmt: skip
    rows = [
        (name, *(f"{float(value):.4f}" for value in (
            found.p_values[k], found.adjusted[k], found.kolmogorov[k], *found.coverage[:, k], found.bias[k],
            found.contraction[k])), "failed" if found.adjusted[k] < FAILURE else "passed")
        for k, name in enumerate(found.names)
    ]  # fmt: skip
    return _csv(header, rows)


def _csv(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return buffer.getvalue()


def report_json(report: Report) -> dict[str, Any]:
    """Return the report for programs."""
    posterior, found = report.posterior, report.identifiability
    count, inside_50, inside_90 = coverage(report.checks)
    return {
        "diagnostics": {
            "draws": len(posterior.z),
            "figures_fitted": count,
            "prior_not_ruled_out": posterior.not_ruled_out,
            "log_evidence_of_replicas": list(posterior.evidence),
            "tempering_steps": list(posterior.exponents),
            "acceptance_of_last_moves": list(posterior.acceptance),
            "largest_correlation_left_by_last_moves": posterior.mixing,
            "effective_draws_at_least": effective_draws(posterior),
            "largest_difference_of_replica_means_in_posterior_sd": float(np.max(posterior.disagreement)),
            "draws_implausible": posterior.implausible,
            "emulator_rms_residual_in_scatter": posterior.emulator_z,
            "predictive_inside_50": inside_50,
            "predictive_inside_90": inside_90,
            "second_engine_disagrees_on": list(report.disagreements),
            "recovery_failures": list(report.recovery.failures),
        },
        "parameters": [asdict(one) for one in found.parameters],
        "prior_dominated": list(found.prior_dominated),
        "net_rates": [asdict(one) for one in found.net_rates],
        "directions": [asdict(one) for one in found.directions],
        "profiles": {"scores": found.profile_grid.tolist(), "log_density": found.profiles.tolist()},
        "series_missing": {place: list(names) for place, names in report.lost.items()},
    }


def effective_draws(posterior: Posterior) -> int:
    """Return a lower bound of the number of independent draws: kept draws x (1 - correlation left by the moves)."""
    return int(len(posterior.z) * max(0.0, 1.0 - max(0.0, posterior.mixing)))
