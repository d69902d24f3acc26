"""Labels of forecasts that did not beat a naive forecaster: what `validate` found, shipped with a world.

One row a place and indicator and fold; `towns.json` beside `towns.csv` says what made them.
"""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from model.world import World, shipped_worlds

if TYPE_CHECKING:  # a forecast reads labels without paying for what makes them
    from calibration.fold_scores import Verdict

SHIPPED: Final = Path(__file__).resolve().parent / "data" / "validation"
HEADER: Final = (
    "place", "series", "fold", "figures", "crps_model", "best_naive", "crps_best", "naive_as_good",
    "naive_forecasters", "beaten",
)  # fmt: skip
# Folds in which something is forecast. The back-cast is none: it says nothing about a place's future
FORECASTS: Final = ("last_years", "left_out", "region", "region_last_years")
FOLD_TEXTS: Final = {
    "last_years": "2019-2020 from 2015-2018",
    "left_out": "2015-2020 as the place left out",
    "region": "2015-2020 from 2009-2014",
    "region_last_years": "2019-2020 from the years to 2018",
}
SERIES_TEXTS: Final = {
    "births": "births",
    "deaths": "deaths",
    "net_migration": "net migration",
    "population_1jan": "population",
    "wage_monthly_nominal": "wage",
    "unemployment_rate": "unemployment",
}


@dataclass(frozen=True)
class Label:
    """How the model's forecast of an indicator of a place stood against the naive forecasters in a fold.

    Attributes:
        figures: scored. crps_model, crps_best: mean scores of the model and of the best naive forecaster.
        naive_as_good: naive forecasters at least as good as the model. naive_forecasters: number of all.
    """

    place: str
    series: str
    fold: str
    figures: int
    crps_model: float
    best_naive: str
    crps_best: float
    naive_as_good: tuple[str, ...]
    naive_forecasters: int

    @property
    def beaten(self) -> bool:
        """Whether some naive forecaster was at least as good: then the forecast is labelled."""
        return bool(self.naive_as_good)

    def __str__(self) -> str:
        """Text: indicator, the best naive forecaster with both scores, the fold."""
        name = SERIES_TEXTS.get(self.series, self.series)
        return (
            f"{name} ({self.best_naive} {_score(self.crps_best)} against {_score(self.crps_model)}; "
            f"{len(self.naive_as_good)} of {self.naive_forecasters} naive as good; "
            f"{FOLD_TEXTS.get(self.fold, self.fold)})"
        )


def _score(score: float) -> str:
    return f"{score:,.0f}" if score >= 1000 else f"{score:.3g}"


class LabelsError(ValueError):
    """A shipped file of labels that cannot be used."""


def labels_of(verdicts: Sequence[Verdict]) -> list[Label]:
    """Return the labels of single places from the folds in which something is forecast."""
    from calibration.fold_forecast import MODEL

    return [
        Label(
            one.place, one.series, one.group, one.figures, one.crps, one.best, one.best_crps, one.as_good, one.naive
        )
        for one in verdicts
        if one.place and one.group in FORECASTS and one.model == MODEL
    ]  # fmt: skip


def labels_text(labels: Sequence[Label]) -> str:
    """Return the file of labels as text."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(HEADER)
    for one in labels:
        writer.writerow(
            (one.place, one.series, one.fold, one.figures, f"{one.crps_model:.6g}", one.best_naive,
             f"{one.crps_best:.6g}", ";".join(one.naive_as_good), one.naive_forecasters, int(one.beaten))
        )  # fmt: skip
    return buffer.getvalue()


def shipped_labels(world: World, source: str) -> list[Label] | None:
    """Return the labels that come with a shipped world, or None where it has none.

    Args:
        source: what the user named the world by; a user's own file never takes the shipped labels.

    Raises:
        LabelsError: the shipped file is damaged.
    """
    path = SHIPPED / f"{world.name}.csv"
    if source not in shipped_worlds() or not path.is_file():
        return None
    return read_labels(path)


def read_labels(path: Path) -> list[Label]:
    """Read a file of labels.

    Raises:
        LabelsError: it cannot be read or a row is no label; names the line.
    """
    try:
        rows = list(csv.reader(io.StringIO(path.read_text(encoding="utf-8"), newline="")))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise LabelsError(f"{path}: cannot be read ({error})") from None
    if not rows or tuple(rows[0]) != HEADER:
        raise LabelsError(f"{path}:1: expected the columns {', '.join(HEADER)}")
    labels = []
    for line, row in enumerate(rows[1:], start=2):
        try:
            place, series, fold, figures, own, best, theirs, as_good, naive, beaten = row
            label = Label(
                place, series, fold, int(figures), float(own), best, float(theirs),
                tuple(name for name in as_good.split(";") if name), int(naive),
            )  # fmt: skip
        except ValueError:
            raise LabelsError(f"{path}:{line}: not a label: {','.join(row)}") from None
        if not math.isfinite(label.crps_model) or beaten != str(int(label.beaten)):
            raise LabelsError(f"{path}:{line}: beaten = {beaten} contradicts the row")
        labels.append(label)
    return labels


def labels_manifest(labels: Sequence[Label]) -> list[Mapping[str, Any]]:
    """Return the labels of forecasts that did not beat a naive forecaster, for a manifest."""
    return [
        {
            "place": one.place,
            "indicator": one.series,
            "label": "did not beat a naive forecaster",
            "fold": FOLD_TEXTS.get(one.fold, one.fold),
            "figures": one.figures,
            "crps_model": one.crps_model,
            "best_naive": one.best_naive,
            "crps_best_naive": one.crps_best,
            "naive_as_good": list(one.naive_as_good),
        }
        for one in labels
        if one.beaten
    ]


def labels_made_by(world: World) -> dict[str, Any]:
    """Return the manifest that made a world's shipped labels; empty where there is none."""
    path = SHIPPED / f"{world.name}.json"
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return dict(content) if isinstance(content, dict) else {}
