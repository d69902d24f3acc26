"""A small invented world for tests: a centre with universities, its district, a town by Petropavlovsk.

It has what the shipped towns lack - a simulated centre that others commute to, and a simulated place with
universities - and few enough people that a year takes a millisecond.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

PEOPLE = {"aulton": 2400, "bexley": 700, "corby": 1500}
_PLACES = (
    "aulton,Aulton,,,regional_centre,53.85,69.76,,nkr,,,invented,user",
    "bexley,Bexley,,,rural_district,54.00,69.76,,nkr,,,invented,user",
    "corby,Corby,,,town,55.05,69.14,corby_villages,nkr,,,invented,user",
    "corby_villages,Villages around Corby,,,rural_district,55.05,69.15,,nkr,2000,,invented,user",
)
_COLUMNS = (
    "id,name_en,name_ru,name_kk,kind,lat,lon,hinterland,driver_series,size_2015,labour_force_2015,"
    "source,quality"
)
_ENTRIES = (
    'aulton = { role = "simulated", infrastructure_Q = 0.3, services_S = 0.8, rent_index = 0.9 }',
    'bexley = { role = "simulated", infrastructure_Q = 0.3, services_S = 0.4, rent_index = 0.3 }',
    'corby = { role = "simulated", infrastructure_Q = 0.3, services_S = 0.6, rent_index = 0.5 }',
    'corby_villages = { role = "hinterland", hinterland_decline = 0.03 }',
    'petropavlovsk = { role = "destination" }',
    'astana = { role = "destination" }',
    'omsk = { role = "destination" }',
    'kurgan = { role = "destination" }',
)
_ORIGINS = ("petropavlovsk = 0.5", "astana = 0.3", "omsk = 0.2")
BUDGET = (4.0, 5.0, 6.0, 7.0, 8.0, 9.0)


def _accounts(sizes: Mapping[str, int]) -> list[str]:
    rows = []
    for place, people in sizes.items():
        births, deaths = max(1, round(people * 0.0155)), max(1, round(people * 0.0135))
        rows += [
            f"{place},population_1jan,persons,{year},{people - people // 200 * (year - 2015)},invented,user"
            for year in range(2015, 2022)
        ]
        rows += [f"{place},births,persons,{year},{births},invented,user" for year in range(2013, 2021)]
        rows += [f"{place},deaths,persons,{year},{deaths},invented,user" for year in range(2013, 2021)]
    return rows


def _budgets() -> list[str]:
    return [
        f"corby,local_budget_per_capita,thousand KZT,{2015 + k},{value},invented,user"
        for k, value in enumerate(BUDGET)
    ]


def write_small_world(folder: Path, turned: bool = False, sizes: Mapping[str, int] = PEOPLE) -> Path:
    """Write the world's files; `turned` puts every place and every line in the opposite order."""

    def order(lines: Sequence[str]) -> list[str]:
        return list(reversed(lines)) if turned else list(lines)

    series = "territory,variable,unit,year,value,source,quality"
    files = {
        "places.csv": [_COLUMNS, *order(_PLACES)],
        "accounts.csv": [series, *order(_accounts(sizes))],
        "local_budget.csv": [series, *order(_budgets())],
    }
    for name, lines in files.items():
        (folder / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
    world = [
        "schema = 1", "start = 2015", 'russia_share_of = "leavers_outside"',
        "[title]", 'en = "Three invented places"',
        "[files]", *order([f'{name.removesuffix(".csv")} = "{name}"' for name in files]),
        "[places]", *order(_ENTRIES),
        "[arrival_origins]", *order(_ORIGINS),
    ]  # fmt: skip
    path = folder / "small.toml"
    path.write_text("\n".join(world) + "\n", encoding="utf-8")
    return path
