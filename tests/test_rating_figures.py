"""Figures of the rating: observed ones against hand calculation, simulated ones from a made table of results."""

from __future__ import annotations

import numpy as np
import pytest

from calibration.rating import index_of_results, rate, weights_for
from calibration.rating_external import SHIPPED, read_external, with_external
from calibration.rating_figures import (
    OBSERVED_YEARS,
    RatedFigures,
    employed_persons,
    observed_figures,
    region_figures,
)
from calibration.rating_simulated import RATING_COLUMNS, region_wages, simulated_figures
from calibration.rating_system import Floats, rating_system
from model.draws import run_seed
from model.levers import neutral_levers
from model.outlook import build_outlook
from model.parameters import ParameterSpace
from model.world import World

SYSTEM = rating_system()
YEARS = range(2015, 2031)


def of(figures: RatedFigures, place: str, year: int, id: str) -> float:
    cell = (figures.years.index(year), figures.places.index(place), SYSTEM.position(id))
    return float(figures.values[(0, *cell)])


def made_columns(world: World, runs: int = 3) -> dict[str, Floats]:
    """A table of results in which everything stands still but for a person a year."""
    shape = (runs, len(YEARS), world.n_sim)
    columns = {name: np.ones(shape) for name in RATING_COLUMNS}
    columns["population"] = np.broadcast_to(7000.0 - np.arange(len(YEARS))[:, None], shape).copy()
    columns |= {
        "births": np.full(shape, 80.0),
        "deaths": np.full(shape, 94.0),
        "net_migration": np.full(shape, -35.0),
        "youth_net": np.full(shape, -14.0),
        "share_65": np.full(shape, 0.15),
        "unemployment_rate": np.full(shape, 0.05),
        "hidden_unemployment_rate": np.full(shape, 0.2),
        "labour_force": np.full(shape, 4000.0),
        "wage": np.full(shape, 130_000.0),
        "investment": np.full(shape, 70.0),
        "employed": np.full(shape, 3000.0),
        "commuters": np.full(shape, 150.0),
        "jobs_agriculture": np.full(shape, 500.0),
        "jobs_industry": np.full(shape, 500.0),
        "jobs_public": np.full(shape, 1000.0),
        "jobs_services": np.full(shape, 2000.0),
        "wear_heat": np.full(shape, 0.8),
        "wear_water": np.full(shape, 0.7),
        "wear_sewer": np.full(shape, 0.6),
        "school_level": np.full(shape, 3.0),
        "health_level": np.full(shape, 4.0),
    }
    columns["school_level"][:, 8:] = 2.0
    # Stocks of 1 January: year t closes with the next one
    columns["wear_heat"] += 0.01 * np.arange(len(YEARS))[:, None] - 0.06
    return columns


def test_the_tables_alone_give_seven_of_thirty_four(towns: World) -> None:
    figures = observed_figures(towns, SYSTEM, "tables")
    known = figures.known().sum(axis=-1)
    p = figures.places.index("bulaevo")
    assert list(known[:, p]) == [6, 6, 6, 6, 6, 7]  # growth over five years needs the first table year
    assert known[:, figures.places.index("tayynsha")].sum() == 0
    assert figures.coverage()[-1, p] == pytest.approx(7 / 34)
    assert of(figures, "bulaevo", 2020, "S1") == pytest.approx(100 * (7653 / 7666 - 1))
    assert of(figures, "bulaevo", 2020, "S3") == pytest.approx(-1000 * 50 / 7653)
    assert of(figures, "mamlyutka", 2018, "S6") == 5.2
    assert of(figures, "mamlyutka", 2020, "E1") == pytest.approx(132_383 / 157_497)
    assert of(figures, "mamlyutka", 2016, "E2") == pytest.approx(3909 / 7058)
    assert of(figures, "mamlyutka", 2020, "E4") == 766.5
    assert of(figures, "mamlyutka", 2016, "E4") == pytest.approx(towns.drivers.deflate(319.7, 2016))


def test_the_official_basis_corrects_what_the_audit_found(towns: World) -> None:
    figures = observed_figures(towns, SYSTEM, "official")
    # Implied net migration, not the paper's balance of -50
    count = towns.accounts.value("bulaevo", "population_1jan", 2020)
    mean = (count + 7653) / 2
    implied = towns.accounts.implied_net_migration("bulaevo", 2020)
    assert of(figures, "bulaevo", 2020, "S3") == pytest.approx(1000 * implied / mean)
    assert of(figures, "bulaevo", 2020, "S1") == pytest.approx(
        100 * (7653 / towns.accounts.value("bulaevo", "population_1jan", 2016) - 1)
    )
    # Mamlyutka's printed employed of 2016 is the labour force, that of 2020 is not
    assert employed_persons(towns, "mamlyutka", 2016) == pytest.approx(3909 * (1 - 0.065))
    assert employed_persons(towns, "mamlyutka", 2020) == 3637
    assert of(figures, "mamlyutka", 2020, "E11") == pytest.approx((193.2 + 766.5) * 6731 / 3637)
    assert of(figures, "tayynsha", 2020, "I6") == pytest.approx(
        min(towns.road_km[towns.index("tayynsha"), towns.index(c)] for c in ("petropavlovsk", "kokshetau"))
        / 60
    )
    assert list(figures.known().sum(axis=-1)[-1]) == [10, 10, 4, 4]


def test_the_region_as_a_settlement(towns: World) -> None:
    region = region_figures(towns, SYSTEM)
    known = ~np.isnan(region)
    assert [SYSTEM.ids[k] for k in np.flatnonzero(known[-1])] == ["S1", "S2", "S3", "S6", "E1", "E2"]
    assert region[-1, SYSTEM.position("S1")] == pytest.approx(100 * (543_735 / 569_594 - 1))
    assert region[-1, SYSTEM.position("S3")] == pytest.approx(-1000 * 4387 / ((548_755 + 543_735) / 2))


def test_a_user_s_figure_goes_before_a_computed_one_and_names_its_source(towns: World) -> None:
    figures = observed_figures(towns, SYSTEM, "official")
    with_budget = with_external(figures, read_external([SHIPPED], towns, SYSTEM), SYSTEM)
    assert of(with_budget, "mamlyutka", 2020, "E6") == 63.3
    assert "63.3 tenge" in with_budget.source("E6", "mamlyutka", 2020)
    assert with_budget.source("E6", "bulaevo", 2020) == ""
    assert np.isnan(of(with_budget, "bulaevo", 2020, "E6"))
    assert np.isnan(of(figures, "mamlyutka", 2020, "E6"))


def test_simulated_figures_by_hand(towns: World) -> None:
    columns = made_columns(towns)
    wages = np.full((3, len(YEARS)), 200_000.0)
    figures = simulated_figures(towns, columns, YEARS, wages)
    assert figures.years == tuple(range(2015, 2030))
    mean = 6994.5  # 2020: from 6,995 on 1 January to 6,994 a year later
    expected = {
        "S1": 100 * (6994 / 6999 - 1), "S2": -14e3 / mean, "S3": -35e3 / mean, "S4": 15, "S5": 14e3 / mean,
        "S6": 5, "S7": 20, "S8": 1, "S9": 4, "E1": 0.65, "E2": 4000 * 0.95 / mean, "E5": 70e3 / mean,
        "E9": (2 * 500**2 + 1000**2 + 2000**2) / 4000**2, "E10": 5, "I1": 80, "I2": 70, "I3": 60,
    }  # fmt: skip
    for id, value in expected.items():
        assert of(figures, "bulaevo", 2020, id) == pytest.approx(value), id
    assert of(figures, "bulaevo", 2023, "S8") == pytest.approx(2 / 3)
    # Growth before the simulation starts from the official counts
    count = towns.accounts.value("bulaevo", "population_1jan", 2013)
    assert of(figures, "bulaevo", 2017, "S1") == pytest.approx(100 * (6997 / count - 1))
    # Output has the mean level of the paper's tables, and no level elsewhere
    tables = observed_figures(towns, SYSTEM, "tables")
    people = [7666, 7704, 7722, 7738, 7722, 7653]
    total = np.mean([of(tables, "bulaevo", y, "E3") * n for y, n in zip(OBSERVED_YEARS, people, strict=True)])
    assert of(figures, "bulaevo", 2020, "E3") == pytest.approx(total / mean)
    assert np.isnan(of(figures, "tayynsha", 2020, "E3"))
    assert list(figures.known().sum(axis=-1)[-1]) == [21, 21, 18, 18]


def test_a_place_without_people_has_missing_figures_not_infinite_ones(towns: World) -> None:
    columns = made_columns(towns)
    for name in ("population", "labour_force", "employed", *(n for n in columns if n.startswith("jobs"))):
        columns[name][:, 10:, 0] = 0.0
    figures = simulated_figures(towns, columns, YEARS, np.full((3, len(YEARS)), 2e5))
    assert not np.isinf(figures.values).any()
    assert np.isnan(of(figures, towns.ids[0], 2029, "S2"))
    rating = rate(figures, towns, weights_for("equal", figures, SYSTEM), 100, 1)
    assert not np.isinf(rating.index).any()


def test_the_region_s_wage_is_the_one_of_the_simulation(towns: World) -> None:
    space = ParameterSpace(towns)
    levers = neutral_levers(towns, 2045)
    levers.home_wage[15:] *= 0.9
    values = [space.draw(5, draw, {}) for draw in range(2)]
    growth = np.array([one["growth_kazakhstan"] for one in values])
    ours = region_wages(towns, range(2015, 2046), growth, levers.home_wage)
    for run, one in enumerate(values):
        outlook = build_outlook(towns, one, levers, run_seed(5, run, 0), 2045)
        theirs = outlook.reference[:, towns.index("petropavlovsk")]
        np.testing.assert_allclose(ours[run, :30], theirs, rtol=1e-9)


def test_the_index_as_an_output_of_a_sensitivity_analysis(towns: World) -> None:
    columns = made_columns(towns)
    growth = np.full(3, 0.02)
    index = index_of_results(towns, columns, YEARS, growth)
    assert index.shape == (3, 15, towns.n_sim)
    assert ((index > 0) & (index < 1)).all()
    better = {name: values.copy() for name, values in columns.items()}
    better["wear_heat"][1] = 0.3
    raised = index_of_results(towns, better, YEARS, growth)
    np.testing.assert_array_equal(raised[[0, 2]], index[[0, 2]])
    # One of four known indicators of a block that is a third of the known blocks
    gained = (np.minimum(columns["wear_heat"][1, 1:], 0.9) - 0.3) / 0.6
    np.testing.assert_allclose(raised[1] - index[1], gained / 4 / 3, atol=1e-9)


def test_a_simulated_region_is_the_mean_of_its_units_by_their_people(region: World) -> None:
    columns = made_columns(region, runs=2)
    generator = np.random.default_rng(6)
    columns["unemployment_rate"] = generator.uniform(0.03, 0.1, columns["wage"].shape)
    figures = simulated_figures(region, columns, YEARS, np.full((2, len(YEARS)), 2e5))
    rating = rate(figures, region, weights_for("equal", figures, SYSTEM), 100, 1)
    people = region.founding_population / region.founding_population.sum()
    assert np.ptp(rating.against_region[1, -1]) > 0.05
    np.testing.assert_allclose((rating.against_region[1, -1] * people).sum(), 0.0, atol=1e-9)
    assert rating.region_note.startswith("the region: mean of its simulated units")
