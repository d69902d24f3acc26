"""The world file (TOML) that names places, their roles and what a user knows better."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from model.csv_tables import Files
from model.problems import nearest

MOST_PLACES = 5000
ROLES = ("simulated", "destination", "hinterland")

Share = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0, le=1000)]
Persons = Annotated[float, Field(ge=0, le=1e9)]
FileName = Annotated[str, Field(min_length=1, max_length=500)]
PlaceId = Annotated[str, Field(min_length=1, max_length=100)]


class _Strict(BaseModel):
    """No unknown keys, no text where a number is expected, no NaN."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


class Title(_Strict):
    """The world's title by language; Russian and Kazakh default to the English one."""

    en: Annotated[str, Field(min_length=1, max_length=200)]
    ru: Annotated[str, Field(max_length=200)] = ""
    kk: Annotated[str, Field(max_length=200)] = ""


class DataFiles(_Strict):
    """The user's own CSV files, relative to the world file; they extend and override the shipped ones."""

    places: FileName | None = None
    accounts: FileName | None = None
    drivers: FileName | None = None
    local_budget: FileName | None = None


class Wear(_Strict):
    """Share worn out of the networks on 1 January of the start, 0 new, 1 worn out."""

    heat: Share
    water: Share
    sewer: Share
    road: Share


class PlaceEntry(_Strict):
    """One place of the world: its role and overrides of the shipped values."""

    role: Literal["simulated", "destination", "hinterland"]
    infrastructure_Q: Share | None = None
    services_S: Share | None = None
    rent_index: Positive | None = None
    wear: Wear | None = None
    leaving_rate_ratio: Annotated[float, Field(ge=0, le=100)] | None = None
    formal_jobs_share: Share | None = None
    kin_kazakhstan: Share | None = None
    kin_russia: Share | None = None
    hinterland: PlaceId | None = None
    hinterland_decline: Annotated[float, Field(ge=-0.5, le=0.5)] | None = None
    driver_series: PlaceId | None = None
    size_2015: Persons | None = None
    labour_force_2015: Persons | None = None


class VillageList(_Strict):
    """A world of villages: every rural district that is simulated is taken apart into its villages.

    `list` is the user's CSV of real villages; without it villages are drawn, labelled synthetic, from `seed`.
    """

    list: FileName | None = None
    seed: Annotated[int, Field(ge=0, le=2**53)] = 20150101


class Road(_Strict):
    """A road distance that replaces great circle x 1.2, both ways."""

    between: Annotated[list[PlaceId], Field(min_length=2, max_length=2)]
    km: Annotated[float, Field(ge=15, le=20_000)]


class WorldFile(_Strict):
    """The whole file; see ``data/worlds/template.toml`` for every key with its meaning and unit."""

    format: Annotated[Literal[1], Field(alias="schema")]
    title: Title
    start: Literal[2015] = 2015
    russia_share_of: Literal["leavers", "leavers_outside"] = "leavers"
    files: DataFiles = DataFiles()
    places: Annotated[dict[PlaceId, PlaceEntry], Field(min_length=1, max_length=MOST_PLACES)]
    arrival_origins: dict[PlaceId, Share] = {}
    roads: list[Road] = []
    villages: VillageList | None = None


_KEYS_BELOW: dict[str, type[BaseModel]] = {
    "title": Title,
    "files": DataFiles,
    "wear": Wear,
    "roads": Road,
    "villages": VillageList,
}


def read_world_file(files: Files, path: Path) -> WorldFile | None:
    """Read and validate a world file; None when a problem was noted (each with its key)."""
    text = files.text(path)
    if text is None:
        return None
    try:
        raw = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        files.problems.at_key(path, (), f"not a readable TOML file: {error}")
        return None
    try:
        return WorldFile.model_validate(raw)
    except ValidationError as error:
        for detail in error.errors(include_url=False):
            key = detail["loc"]
            text = _explain(detail["type"], key, detail["msg"], detail.get("input"))
            files.problems.at_key(path, key, text)
        return None


def _explain(kind: str, key: tuple[int | str, ...], message: str, given: Any) -> str:
    """Return pydantic's finding in words that name the nearest valid key or the value given."""
    if kind == "extra_forbidden":
        return f"unknown key '{key[-1]}'" + nearest(str(key[-1]), _valid_keys(key))
    if kind == "missing":
        return "is missing"
    if kind == "literal_error" and key[-1] == "role" and isinstance(given, str):
        return f"unknown role '{given}'" + nearest(given, ROLES)
    shown = repr(given)
    return message[0].lower() + message[1:] + (f", got {shown}" if len(shown) <= 60 else "")


def _valid_keys(key: tuple[int | str, ...]) -> list[str]:
    """Return the keys that the table around ``key`` may have."""
    tables = [str(part) for part in key[:-1]]
    model: type[BaseModel] = WorldFile
    if tables:
        innermost = next((part for part in reversed(tables) if part in _KEYS_BELOW), None)
        model = (
            PlaceEntry
            if tables[0] == "places" and tables[-1] != "wear"
            else _KEYS_BELOW[innermost or "title"]
        )
    return [field.alias or name for name, field in model.model_fields.items()]
