"""Which villages there are: the list of 2013 less what was gone, the census sample, or a user's own list."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path

from model.csv_tables import Files
from model.problems import nearest
from model.world import DATA

FOLDER = DATA / "villages"
COUNT_YEAR = 2013  # of the list of districts.csv
SAMPLE_YEARS = (1989, 1999, 2009)
USER_COLUMNS = ("id", "name", "district", "population_2015", "lat", "lon", "source", "quality")
USER_OPTIONAL = ("name_ru", "name_kk", "farm", "rough_road")
MOST_PEOPLE = 1e7
FARTHEST_KM = 250.0  # of a village from its district's seat: more is a slip in the coordinates
MAP_LATITUDE = 54.0


@dataclass(frozen=True, slots=True)
class Known:
    """A village known by name.

    `people` of 2015; `lat` and `lon` NaN, `farm` and `rough_road` None where unknown.
    """

    id: str
    names: tuple[str, str, str]  # English, Russian, Kazakh
    district: str
    people: float
    lat: float = math.nan
    lon: float = math.nan
    farm: bool | None = None
    rough_road: bool | None = None
    is_seat: bool = False


@dataclass(frozen=True, slots=True)
class SizeLaw:
    """The declared distribution of sizes (`data/villages/sizes.csv` gives meaning and source of each)."""

    remnant_share: float
    body_sd: float
    seat_share: float
    seat_spread: float
    sample_growth_1999_2009: float
    rough_road_share: float
    disc_km: float


@dataclass(frozen=True)
class Sites:
    """What is known of the villages of a region before anything is drawn.

    Attributes:
        listed: villages by district on the list of 2013; 0 for all where `complete`.
        gone: how many of them all were gone by 2015.
        known: villages known by name. seats: name of each district's seat, "" where a simulated town is.
        complete: the known ones are all (a user's list).
        counted: villages on the state list by year after the start, as far as dated counts may be used.
    """

    listed: dict[str, int]
    gone: int
    known: tuple[Known, ...]
    seats: dict[str, str]
    law: SizeLaw
    complete: bool
    counted: dict[int, int] = field(default_factory=dict)


def read_law(files: Files, path: Path = FOLDER / "sizes.csv") -> SizeLaw:
    """Read the law of sizes; problems are noted in ``files.problems``."""
    given: dict[str, float] = {}
    for row in files.rows(path, ("name", "meaning", "unit", "value", "source", "quality")):
        files.quality(path, row)
        name = files.name(path, row, "name", tuple(SizeLaw.__dataclass_fields__), "figure")
        if name is not None:
            given[name] = files.number(path, row, "value", -1e4, 1e4)
    for name in SizeLaw.__dataclass_fields__:
        if name not in given:
            files.problems.at_key(path, (name,), "is missing")
            given[name] = math.nan
    return SizeLaw(**given)


def read_counts(files: Files, path: Path = FOLDER / "counts.csv") -> dict[tuple[str, int], int]:
    """Dated counts of villages by measure and year (1 January)."""
    counts: dict[tuple[str, int], int] = {}
    for row in files.rows(path, ("measure", "year", "villages", "class", "source", "quality")):
        files.quality(path, row)
        year = files.integer(path, row, "year", 1950, 2021)
        villages = files.integer(path, row, "villages", 0, 100_000)
        if year is not None and villages is not None:
            counts[(row.cells["measure"], year)] = villages
    return counts


def read_listed(files: Files, path: Path = FOLDER / "districts.csv") -> dict[str, int]:
    """Villages by district on the list of 2013."""
    listed: dict[str, int] = {}
    for row in files.rows(path, ("district", "villages", "year", "source", "quality")):
        files.quality(path, row)
        villages = files.integer(path, row, "villages", 1, 10_000)
        if villages is not None:
            listed[row.cells["district"]] = villages
    return listed


def read_sample(
    files: Files, path: Path = FOLDER / "census_sample.csv"
) -> dict[tuple[str, str], dict[int, int]]:
    """Census counts of the sample by (district, village) and year."""
    sample: dict[tuple[str, str], dict[int, int]] = {}
    for row in files.rows(path, ("district", "village", "year", "population", "source", "quality")):
        files.quality(path, row)
        year = files.integer(path, row, "year", SAMPLE_YEARS[0], SAMPLE_YEARS[-1])
        people = files.integer(path, row, "population", 0, 1_000_000)
        if year is not None and people is not None:
            sample.setdefault((row.cells["district"], row.cells["village"]), {})[year] = people
    return sample


def shipped_sites(
    files: Files, seats: dict[str, str], decline_since_2009: dict[str, float], start: int
) -> Sites:
    """The list of 2013 with the census sample; `decline_since_2009`: each district's people of `start` over 2009's."""
    listed, law = read_listed(files), read_law(files)
    counts, sample = read_counts(files), read_sample(files)
    known = []
    numbers: dict[str, int] = {}
    for (district, village), people in sorted(sample.items()):
        if people.get(2009, 0) <= 0 and not (2009 not in people and people.get(1999, 0) > 0):
            continue  # gone before 2009
        if district not in listed:
            continue
        latest = people.get(2009)
        if latest is None:
            latest = round(people[1999] * math.exp(10 * law.sample_growth_1999_2009))
        numbers[district] = numbers.get(district, 0) + 1
        known.append(
            Known(
                village_id(district, numbers[district]),
                (village, village, village),
                district,
                max(1.0, latest * decline_since_2009.get(district, 1.0)),
                is_seat=village in SEATS_IN_SAMPLE,
            )
        )
    gone = counts[("villages", COUNT_YEAR)] - counts[("villages", start)]
    later = {
        year: number for (measure, year), number in counts.items() if measure == "villages" and year > start
    }
    return Sites(listed, gone, tuple(known), seats, law, False, later)


SEATS_IN_SAMPLE = frozenset({"Саумалколь", "Пресновка"})


def village_id(district: str, number: int) -> str:
    """Id of a village: the district's without its ending, and a number."""
    return f"{district.removesuffix('_rural')}_v{number:03d}"


def users_sites(
    files: Files,
    path: Path,
    districts: tuple[str, ...],
    seats: dict[str, str],
    totals: dict[str, int],
    coordinates: dict[str, tuple[float, float]],
) -> Sites:
    """A user's list of all villages; their sum in every district must be the official total within 5 %.

    Sizes are then scaled to it exactly. `coordinates`: of the districts' seats, from which no village may lie further
    than `FARTHEST_KM`. Problems are noted with file and line.
    """
    law = read_law(files)
    known: list[Known] = []
    seen: dict[str, int] = {}
    sums = dict.fromkeys(districts, 0.0)
    for row in files.rows(path, USER_COLUMNS, USER_OPTIONAL):
        cells = row.cells
        files.quality(path, row)
        district = files.name(path, row, "district", districts, "district")
        people = files.number(path, row, "population_2015", 0, MOST_PEOPLE, whole=True)
        place = cells["id"]
        if not place or not place.replace("_", "").isalnum() or not place.isascii():
            files.problems.at_line(path, row.line, f"id '{place}' must be letters, digits and _ only")
        if place in seen:
            files.problems.at_line(path, row.line, f"'{place}' stands already at line {seen[place]}")
        seen[place] = row.line
        flags = {
            name: _flag(files, path, row.line, name, cells.get(name, "")) for name in ("farm", "rough_road")
        }
        lat, lon = (
            files.number(path, row, name, -180, 180) if cells[name] else math.nan for name in ("lat", "lon")
        )
        if bool(cells["lat"]) != bool(cells["lon"]):
            files.problems.at_line(path, row.line, "give both lat and lon, or neither")
        elif district is not None and not math.isnan(lat) and not math.isnan(lon):
            away = math.dist(*(_flat_km(*point) for point in ((lat, lon), coordinates[district])))
            if away > FARTHEST_KM:
                seat_lat, seat_lon = coordinates[district]
                files.problems.at_line(
                    path, row.line,
                    f"lat {lat:g}, lon {lon:g} lies {away:,.0f} km from the seat of '{district}' "
                    f"({seat_lat:g}, {seat_lon:g}); expected at most {FARTHEST_KM:.0f} km (lat is north, lon east)",
                )  # fmt: skip
        if district is None or math.isnan(people):
            continue
        if people == 0:
            continue  # empty already
        sums[district] += people
        name = cells["name"]
        known.append(
            Known(
                place, (name, cells.get("name_ru") or name, cells.get("name_kk") or name), district, people,
                lat, lon, flags["farm"], flags["rough_road"],
            )
        )  # fmt: skip
    for district in districts:
        official = totals[district]
        if not known:
            break
        if abs(sums[district] - official) > 0.05 * official:
            files.problems.at_key(
                path, (district,),
                f"its villages sum to {sums[district]:.0f} people, official {official}: expected within 5 %"
                + ("" if sums[district] else "; no village of the district is listed"),
            )  # fmt: skip
    if not known:
        files.problems.at_key(path, (), "lists no village" + nearest(path.name, ()))
    return Sites(dict.fromkeys(districts, 0), 0, tuple(known), seats, law, True)


def _flat_km(lat: float, lon: float) -> tuple[float, float]:
    """Kilometres north and east on a map that is true near the region's latitude."""
    return 111.2 * lat, 111.2 * lon * math.cos(math.radians(MAP_LATITUDE))


def _flag(files: Files, path: Path, line: int, name: str, cell: str) -> bool | None:
    if cell in ("", "0", "1"):
        return None if not cell else cell == "1"
    files.problems.at_line(path, line, f"column '{name}' holds '{cell}', expected 0, 1 or nothing")
    return None
