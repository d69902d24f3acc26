"""Labels in a forecast's output: which indicators the model did not forecast better than a naive forecaster."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console

from calibration.forecast_labels import (
    SERIES_TEXTS,
    Label,
    LabelsError,
    labels_made_by,
    labels_manifest,
    shipped_labels,
)
from experiments.failures import BadInput
from experiments.forecast_tables import MOST_PLACES_IN_DETAIL, PLAIN
from experiments.readable_table import print_notes
from model.world import World

MEANING = (
    "Forecasts made inside the past, by the model and by rules of thumb: 'last value', 'mean', 'constant rates' and",
    "others. CRPS: how far a forecast with its intervals lay from what happened, in the unit of the indicator; the",
    "smaller figure is the better one, the rule's stands first, the model's second.",
)
NOT_VALIDATED = (
    "No validation comes with this world; 'qyzyljar validate --world {world}' scores its forecasts."
)


def world_labels(world: World, source: str) -> list[Label] | None:
    """Return the labels that come with a world, None where it has none.

    Raises:
        BadInput: the shipped file is damaged.
    """
    try:
        return shipped_labels(world, source)
    except LabelsError as error:
        raise BadInput(str(error)) from None


def validation_entry(world: World, source: str) -> dict[str, Any]:
    """Return what a forecast's manifest says of its validation."""
    labels = world_labels(world, source)
    if labels is None:
        return {"note": NOT_VALIDATED.format(world=source), "labels": []}
    made = labels_made_by(world)
    return {
        "note": "qyzyljar validate; a label: some naive forecaster scored at least as well (mean CRPS)",
        "identity": made.get("identity"),
        "made": made.get("made"),
        "forecasts_scored": len(labels),
        "labels": labels_manifest(labels),
    }


def print_labels(console: Console, world: World, source: str) -> None:
    """Print which forecasts are labelled: by place, or counted by indicator where there are many places."""
    labels = world_labels(world, source)
    console.print()
    if labels is None:
        console.print(NOT_VALIDATED.format(world=source), style="dim", **PLAIN)
        return
    console.print(
        "Validation: indicators whose forecast did NOT beat a naive forecaster (mean CRPS; docs/validation.md)",
        style="bold",
        **PLAIN,
    )
    names = dict(zip(world.ids, world.names("en"), strict=True))
    places = [place for place in names if any(one.place == place for one in labels)]
    if len(places) <= MOST_PLACES_IN_DETAIL:
        _print_places(console, labels, {place: names[place] for place in places})
    else:
        _print_counts(console, labels)
    print_notes(console, MEANING)


def _print_places(console: Console, labels: Sequence[Label], names: Mapping[str, str]) -> None:
    for place, name in names.items():
        lead = f"  {name}: "
        listed = _listed([one for one in labels if one.place == place])
        print_notes(
            console, (f"{'' if k else lead:{len(lead)}}{text}" for k, text in enumerate(listed)), style=""
        )


def _print_counts(console: Console, labels: Sequence[Label]) -> None:
    for series in dict.fromkeys(one.series for one in labels):
        own = [one for one in labels if one.series == series]
        beaten = sum(one.beaten for one in own)
        name = SERIES_TEXTS.get(series, series)
        console.print(
            f"  {name}: {beaten} of {len(own)} forecasts (a place in a fold); manifest.json names them",
            **PLAIN,
        )


def _listed(labels: Sequence[Label]) -> list[str]:
    """Return the labelled indicators of a place, each with its worst fold; `none` where there are none."""
    texts = []
    for series in dict.fromkeys(one.series for one in labels):
        own = [one for one in labels if one.series == series and one.beaten]
        if own:
            worst = max(own, key=lambda one: one.crps_model / max(one.crps_best, 1e-9))
            texts.append(str(worst))
    return texts or ["none"]
