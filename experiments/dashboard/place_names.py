"""Names of places that the world on the page may not have: a policy can name a place of another world."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from functools import cache

from experiments.language import LANGUAGES, Language
from experiments.language_schema import VALUES
from model.world import DATA, World


@cache
def _shipped() -> Mapping[str, Mapping[str, str]]:
    """Names by language of every place that comes with the project, by id."""
    with (DATA / "places.csv").open(encoding="utf-8", newline="") as file:
        return {row["id"]: {code: row[f"name_{code}"] for code in LANGUAGES} for row in csv.DictReader(file)}


def place_title(lang: Language, world: World, place: str) -> str:
    """A place, or a group of places, in the reader's language.

    Its name in this world, else the one of the shipped places; a place that nobody knows keeps the id that the
    policy's file gives it.
    """
    if place in VALUES:
        return lang.text(VALUES[place])
    if place == "all" or place in world.ids:
        return lang.place(world, place)
    return _shipped().get(place, {}).get(lang.code) or place
