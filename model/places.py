"""The table of places: names, coordinates, kinds, assumed indices."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from model.csv_tables import Files, Row
from model.problems import nearest

KINDS = ("town", "rural_district", "regional_centre", "capital", "russia")
CENTRE_KINDS = frozenset({"regional_centre", "capital"})
STUDY_KINDS = frozenset({"regional_centre", "capital", "russia"})

COLUMNS = (
    "id",
    "name_en",
    "name_ru",
    "name_kk",
    "kind",
    "lat",
    "lon",
    "hinterland",
    "driver_series",
    "size_2015",
    "labour_force_2015",
    "source",
    "quality",
)
OPTIONAL_COLUMNS = (
    "seat",
    "border_km_schematic",
    "road_km_to_petropavlovsk_estimate",
    "published_km_to_petropavlovsk",
)


@dataclass(frozen=True, slots=True)
class Place:
    """One line of a places file. ``size_2015`` and ``labour_force_2015`` are persons, NaN where unknown."""

    id: str
    name: dict[str, str]
    kind: str
    lat: float
    lon: float
    hinterland: str
    driver_series: str
    size_2015: float
    labour_force_2015: float
    path: Path
    line: int


@dataclass(frozen=True, slots=True)
class Indices:
    """Assumed indices of a place in 2015: infrastructure Q, services S in [0, 1], rent (Petropavlovsk 1)."""

    infrastructure_Q: float
    services_S: float
    rent_index: float


@dataclass(frozen=True, slots=True)
class KindDefaults:
    """Assumed values of a kind of place that can be simulated (docs/specification.md section 2, equation 11)."""

    leaving_rate_ratio: float
    formal_jobs_share: float
    kin_kazakhstan: float
    kin_russia: float


def read_places(files: Files, paths: Sequence[Path]) -> dict[str, Place]:
    """Read places files in order; a place of a later file replaces the same one of an earlier file."""
    places: dict[str, Place] = {}
    for path in paths:
        seen: dict[str, int] = {}
        for row in files.rows(path, COLUMNS, OPTIONAL_COLUMNS):
            place = _place(files, path, row)
            if place.id in seen:
                files.problems.at_line(
                    path, row.line, f"place '{place.id}' stands already at line {seen[place.id]}"
                )
                continue
            seen[place.id] = row.line
            places[place.id] = place
    _check_hinterlands(files, places)
    return places


def _check_hinterlands(files: Files, places: dict[str, Place]) -> None:
    for place in places.values():
        if place.hinterland and place.hinterland not in places:
            hint = nearest(place.hinterland, places)
            files.problems.at_line(place.path, place.line, f"unknown hinterland '{place.hinterland}'{hint}")


def _place(files: Files, path: Path, row: Row) -> Place:
    cells = row.cells
    files.quality(path, row)
    files.name(path, row, "kind", KINDS, "kind of place")
    if not cells["id"] or not cells["id"].replace("_", "").isalnum() or not cells["id"].isascii():
        files.problems.at_line(path, row.line, f"id '{cells['id']}' must be letters, digits and _ only")
    if not cells["name_en"]:
        files.problems.at_line(path, row.line, "column 'name_en' is empty; a place needs a name")
    if not cells["driver_series"]:
        files.problems.at_line(path, row.line, "column 'driver_series' is empty; a place needs wages")
    known = {
        column: files.number(path, row, column, 0, 1e9) if cells[column] else math.nan
        for column in ("size_2015", "labour_force_2015")
    }
    return Place(
        id=cells["id"],
        name={
            "en": cells["name_en"],
            "ru": cells["name_ru"] or cells["name_en"],
            "kk": cells["name_kk"] or cells["name_en"],
        },
        kind=cells["kind"],
        lat=files.number(path, row, "lat", -90, 90),
        lon=files.number(path, row, "lon", -180, 180),
        hinterland=cells["hinterland"],
        driver_series=cells["driver_series"],
        path=path,
        line=row.line,
        **known,
    )


def read_indices(files: Files, path: Path) -> dict[str, Indices]:
    """Read the assumed indices by place id or, for all places of a kind, by kind."""
    indices: dict[str, Indices] = {}
    for row in files.rows(
        path, ("place", "infrastructure_Q", "services_S", "rent_index", "source", "quality")
    ):
        files.quality(path, row)
        name = row.cells["place"]
        if name in indices:
            files.problems.at_line(path, row.line, f"'{name}' stands twice")
        indices[name] = Indices(
            files.number(path, row, "infrastructure_Q", 0, 1),
            files.number(path, row, "services_S", 0, 1),
            files.number(path, row, "rent_index", 0.001, 1000),
        )
    return indices


def read_kinds(files: Files, path: Path) -> dict[str, KindDefaults]:
    """Read the assumed values by kind of place."""
    columns = ("kind", "leaving_rate_ratio", "formal_jobs_share", "kin_kazakhstan", "kin_russia")
    kinds: dict[str, KindDefaults] = {}
    for row in files.rows(path, (*columns, "source", "quality")):
        files.quality(path, row)
        kind = files.name(path, row, "kind", KINDS, "kind of place")
        if kind is None:
            continue
        if kind in kinds:
            files.problems.at_line(path, row.line, f"'{kind}' stands twice")
        kinds[kind] = KindDefaults(
            files.number(path, row, "leaving_rate_ratio", 0, 100),
            files.number(path, row, "formal_jobs_share", 0, 1),
            files.number(path, row, "kin_kazakhstan", 0, 1),
            files.number(path, row, "kin_russia", 0, 1),
        )
    return kinds
