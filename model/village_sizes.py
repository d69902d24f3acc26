"""The villages of 2015, drawn from one founding seed: which of the list were gone, sizes, places on the map.

What is drawn is synthetic and says so: sizes follow the declared law of `village_sites.SizeLaw`, scaled in every
district to the official total exactly. Two founding seeds give two different regions with the same districts.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model import draws
from model.village_sites import Known, Sites, SizeLaw, village_id

REMNANT_LARGEST = 49  # people of the largest remnant
LEAST_SCALE = 1.0
SEAT_TRIES = 60
KM_PER_DEGREE = 111.2
ROAD_FACTOR = 1.2


@dataclass(frozen=True, slots=True)
class Village:
    """One village of 2015. `known`: by name, its size projected from a census or stated by the user."""

    id: str
    names: tuple[str, str, str]
    district: str
    people: int
    lat: float
    lon: float
    farm: bool
    rough_road: bool
    is_seat: bool
    known: bool


def settle(
    sites: Sites, totals: dict[str, int], coordinates: dict[str, tuple[float, float]], seed: int
) -> list[Village]:
    """Draw the villages of 2015.

    Args:
        sites: what is known. totals: official rural people by district, met exactly.
        coordinates: latitude and longitude of every district's seat. seed: founding seed.

    Returns:
        Villages sorted by id, every one with at least one person.

    Raises:
        ValueError: a district has fewer people than villages, or the known ones leave nothing for the others.
    """
    run = draws.run_seed(seed, 0, 0)
    numbers = _existing(sites, run)
    villages: list[Village] = []
    for district, total in sorted(totals.items()):
        known = [one for one in sites.known if one.district == district]
        people = _sizes(district, known, numbers[district], total, sites, run)
        for one, size in zip(known, people, strict=False):
            villages.append(_village(one.id, one, district, size, sites, coordinates, run))
        for number, size in zip(numbers[district], people[len(known) :], strict=True):
            villages.append(
                _village(village_id(district, number), None, district, size, sites, coordinates, run)
            )
    return sorted(_with_seats(villages, sites), key=lambda village: village.id)


def _existing(sites: Sites, run: np.uint64) -> dict[str, list[int]]:
    """Numbers of the villages of each district that are not known by name and still stood in 2015.

    Those gone are drawn with equal chances: where the losses fell is not known before the count held out.
    """
    unknown: dict[str, list[int]] = {}
    for district, listed in sites.listed.items():
        named = sum(one.district == district for one in sites.known)
        unknown[district] = [] if sites.complete else list(range(named + 1, listed + 1))
    salted = draws.salt_of(run, 0, draws.VILLAGE_GONE)
    order = sorted(
        (int(draws.draw(np.uint64(draws.text_key(village_id(district, number))), salted)), district, number)
        for district, numbers in unknown.items()
        for number in numbers
    )
    gone = {(district, number) for _, district, number in order[: sites.gone]}
    return {
        district: [number for number in numbers if (district, number) not in gone]
        for district, numbers in unknown.items()
    }


def _sizes(
    district: str, known: list[Known], numbers: list[int], total: int, sites: Sites, run: np.uint64
) -> list[int]:
    """People of the known villages, then of the others by number; they sum to `total`."""
    law = sites.law
    given = [one.people for one in known]
    if not numbers:
        return round_to(np.array(given), total, district)
    salted = draws.salt_of(run, 0, draws.VILLAGE_SIZE)
    keys = [draws.text_key(village_id(district, number)) for number in numbers]
    rest = total - sum(round(people) for people in given)
    if rest < len(numbers):
        raise ValueError(f"{district}: {rest} people are left for {len(numbers)} villages of unknown size")
    first = 0
    seat = 0
    if sites.seats.get(district) and not any(one.is_seat for one in known):
        seat = round(
            total
            * law.seat_share
            * math.exp(law.seat_spread * float(draws.normal(np.uint64(keys[0]), salted)))
        )
        seat = min(seat, rest // 2)
        first = 1
    weights, remnants = [], []
    for key in keys[first:]:
        u = _uniform(key, salted, 1)
        if u < law.remnant_share:
            remnants.append(int((REMNANT_LARGEST + 1.0) ** (u / law.remnant_share)))
            weights.append(0.0)
        else:
            remnants.append(0)
            weights.append(math.exp(law.body_sd * float(draws.normal(np.uint64(key), salted))))
    body = rest - seat - sum(remnants)
    scaled = round_to(np.array([w for w in weights if w > 0.0]), body, district)
    others, at = [], 0
    for weight, remnant in zip(weights, remnants, strict=True):
        others.append(remnant or scaled[at])
        at += weight > 0.0
    return [round(people) for people in given] + ([seat] if first else []) + others


def round_to(weights: NDArray[np.float64], total: int, what: str) -> list[int]:
    """Whole numbers of at least 1 in proportion to `weights` that sum to `total` (largest remainders).

    Raises:
        ValueError: `total` is smaller than the number of weights.
    """
    if total < len(weights):
        raise ValueError(f"{what}: {total} people for {len(weights)} villages; each needs at least one")
    shares = weights / weights.sum() * total
    for _ in range(len(weights)):  # lift those below one, at the cost of the rest
        low = shares < LEAST_SCALE
        if not low.any():
            break
        shares[~low] *= (total - low.sum()) / shares[~low].sum()
        shares[low] = LEAST_SCALE
    whole = np.floor(shares + 1e-9).astype(np.int64)
    missing = total - int(whole.sum())
    order = np.lexsort((np.arange(len(whole)), whole - shares))
    whole[order[:missing]] += 1
    return [int(n) for n in whole]


def _village(
    place: str,
    known: Known | None,
    district: str,
    people: int,
    sites: Sites,
    coordinates: dict[str, tuple[float, float]],
    run: np.uint64,
) -> Village:
    salted = draws.salt_of(run, 0, draws.VILLAGE_SITE)
    key = draws.text_key(place)
    lat, lon = known.lat if known else math.nan, known.lon if known else math.nan
    if math.isnan(lat) or math.isnan(lon):
        lat, lon = _somewhere(key, salted, district, sites.law, coordinates)
    farm, rough = (known.farm, known.rough_road) if known else (None, None)
    if farm is None:
        farm = _uniform(key, salted, 1) < farm_chance(people)
    if rough is None:
        rough = _uniform(key, salted, 2) < sites.law.rough_road_share
    names = known.names if known else synthetic_names(place)
    return Village(
        place,
        names,
        district,
        people,
        lat,
        lon,
        farm,
        rough,
        bool(known and known.is_seat),
        known is not None,
    )


def farm_chance(people: int) -> float:
    """Chance that a village of that many people has a farm that employs [assumed]: one in two at 100 people."""
    return people / (people + 100.0)


def synthetic_names(place: str) -> tuple[str, str, str]:
    """Names that say that nobody has seen this village."""
    return f"{place} (synthetic)", f"{place} (условное)", f"{place} (шартты)"


def _somewhere(
    key: np.uint64,
    salted: np.uint64,
    district: str,
    law: SizeLaw,
    coordinates: dict[str, tuple[float, float]],
) -> tuple[float, float]:
    """A point of the disc around the district's seat that is nearer to it than to any other seat."""
    lat0, lon0 = coordinates[district]
    lat, lon = lat0, lon0
    for attempt in range(SEAT_TRIES):
        distance = law.disc_km / ROAD_FACTOR * math.sqrt(_uniform(key, salted, 16 + attempt))
        angle = 2.0 * math.pi * _uniform(key, salted, 1016 + attempt)
        lat = lat0 + distance * math.sin(angle) / KM_PER_DEGREE
        lon = lon0 + distance * math.cos(angle) / (KM_PER_DEGREE * math.cos(math.radians(lat0)))
        nearest = min(coordinates, key=lambda other: (_squared_km(lat, lon, *coordinates[other]), other))
        if nearest == district or coordinates[nearest] == coordinates[district]:
            break
    return lat, lon


def _uniform(key: np.uint64, salted: np.uint64, number: int) -> float:
    """One of the uniform draws of a village."""
    return float(draws.unit(np.uint64(draws.draw_alternative(np.uint64(key), salted, np.uint64(number)))))


def _squared_km(lat: float, lon: float, lat0: float, lon0: float) -> float:
    east = (lon - lon0) * math.cos(math.radians(0.5 * (lat + lat0)))
    return (lat - lat0) ** 2 + east**2


def _with_seats(villages: list[Village], sites: Sites) -> list[Village]:
    """The largest village of a district without a town is its seat, unless one is known to be."""
    seats: dict[str, str] = {}
    for district, name in sites.seats.items():
        own = [village for village in villages if village.district == district]
        if name and own and not any(village.is_seat for village in own):
            seats[max(own, key=lambda village: (village.people, village.id)).id] = name
    return [
        Village(
            v.id,
            v.names if v.known else (f"{seats[v.id]} (size synthetic)",) * 2 + (f"{seats[v.id]} (size synthetic)",),
            v.district, v.people, v.lat, v.lon, True, False, True, v.known,
        )
        if v.id in seats
        else v
        for v in villages
    ]  # fmt: skip
