"""The uncertainty ledger on figures whose components are known, and what knowing a parameter would do."""

from __future__ import annotations

import math

import numpy as np
import pytest

from experiments.uncertainty_ledger import (
    CHANCE,
    FUTURE,
    PARAMETERS,
    SOURCES,
    STRUCTURE,
    TOGETHER,
    is_rare,
    ledger,
    runs_needed,
    split,
)
from experiments.uncertainty_ledger_information import (
    Statistic,
    explained_share,
    held_out_errors,
    information_of_parameters,
    information_of_statistics,
    missing_statistics,
    noise_floors,
)
from model.declarations import DECLARATIONS

STRUCTURES, FUTURES = np.array([-1.0, 1.0, 0.5, -0.5]), np.array([-1.0, 0.0, 1.0])
TRUE = {PARAMETERS: 4.0, CHANCE: 2.25, FUTURE: 0.5**2 * 2 / 3, STRUCTURE: 0.625, TOGETHER: 0.49 * 2 / 3}


def known_grid(draws: int, replicates: int, seed: int, shared: bool = True) -> np.ndarray:
    """Additive sources of known variance, one product of parameter and future, chance of each draw its own."""
    rng = np.random.default_rng(seed)
    parameter = rng.normal(0.0, 2.0, draws)
    other = rng.normal(0.0, 0.7, draws)
    shape = (1, 1, draws, replicates) if shared else (len(STRUCTURES), len(FUTURES), draws, replicates)
    # Half of the variance of chance is common to all structures and futures, half is not
    common = rng.normal(0.0, 1.5 * math.sqrt(0.5), (1, 1, draws, replicates))
    own = rng.normal(0.0, 1.5 * math.sqrt(0.5), shape)
    values: np.ndarray = (
        100.0
        + STRUCTURES[:, None, None, None]
        + 0.5 * FUTURES[None, :, None, None]
        + parameter[None, None, :, None]
        + (other[None, :] * FUTURES[:, None])[None, :, :, None]
        + common
        + own
    )
    return values


@pytest.mark.parametrize("shared", [True, False])
def test_components_are_estimated_without_bias(shared: bool) -> None:
    found = [split(known_grid(10, 2, seed, shared)) for seed in range(400)]
    for source in SOURCES:
        values = np.array([one[source] for one in found])
        error = values.std(ddof=1) / math.sqrt(len(values))
        assert values.mean() == pytest.approx(TRUE[source], abs=4.0 * error + 1e-9), source
    total = np.array([one["total"] for one in found])
    assert total.mean() == pytest.approx(sum(TRUE.values()), rel=0.05)


def test_components_add_up_to_the_total() -> None:
    found = ledger(known_grid(20, 3, 1), seed=1)
    assert sum(one.variance for one in found.components.values()) == pytest.approx(found.variance)
    assert sum(one.share for one in found.components.values()) == pytest.approx(1.0)
    assert found.mean == pytest.approx(100.0, abs=2.0)


def test_pure_chance_is_nothing_but_chance() -> None:
    values = np.random.default_rng(1).normal(size=(4, 3, 40, 2))
    found = ledger(values, seed=1)
    assert found.components[CHANCE].share == pytest.approx(1.0, abs=0.1)
    for source in (PARAMETERS, FUTURE, STRUCTURE):
        assert abs(found.components[source].share) < 0.06
        assert found.components[source].low == 0.0


@pytest.mark.slow
def test_intervals_cover_the_true_shares() -> None:
    total = sum(TRUE.values())
    hits = dict.fromkeys((PARAMETERS, CHANCE), 0)
    for seed in range(60):
        found = ledger(known_grid(30, 2, 1000 + seed, shared=False), seed=seed)
        for source in hits:
            one = found.components[source]
            hits[source] += bool(one.low <= TRUE[source] / total <= one.high)
    for source, number in hits.items():
        assert number >= 50, source


def test_a_grid_that_cannot_tell_is_refused() -> None:
    with pytest.raises(ValueError, match="expected at least 8 x 2"):
        split(np.zeros((1, 1, 20, 1)))
    with pytest.raises(ValueError, match="structures x futures"):
        split(np.zeros((20, 2)))
    with pytest.raises(ValueError, match="not finite"):
        split(np.full((1, 1, 10, 2), np.nan))
    with pytest.raises(ValueError, match="same in every run"):
        ledger(np.ones((2, 2, 10, 2)))


def test_rare_events_are_recognised() -> None:
    values = np.zeros(200)
    values[:14] = 1.0
    assert is_rare(values)
    assert not is_rare(np.concatenate((values, [1.0])))
    assert is_rare(1.0 - values)
    # Fourteen pairs of draw and replicate cross in all 12 structures and futures: still fourteen
    grid = np.zeros((4, 3, 20, 2))
    grid[:, :, :7] = 1.0
    assert is_rare(grid)
    grid[0, 0, 7, 0] = 1.0
    assert not is_rare(grid)
    assert not is_rare(np.linspace(0.0, 1.0, 200))


def test_more_runs_fix_the_ends_of_an_interval() -> None:
    rng = np.random.default_rng(4)
    few, many = runs_needed(rng.normal(size=200)), runs_needed(rng.normal(size=20_000))
    assert few is not None
    assert many is not None
    # s.e. of the 5 % quantile of a normal sample: sqrt(.0475 / n) / phi(1.645)
    assert many.of_low == pytest.approx(1.96 * math.sqrt(0.05 * 0.95 / 20_000) / 0.10314, rel=0.2)
    assert few.of_low > 4.0 * many.of_low
    assert few.needed > few.runs
    assert many.needed < many.runs
    assert runs_needed(np.ones(100)) is None
    assert runs_needed(rng.normal(size=30)) is None


def test_explained_share_of_a_curved_effect() -> None:
    rng = np.random.default_rng(2)
    x, noise = rng.uniform(-1, 1, 4000), rng.normal(size=4000)
    curved = x**2 + noise * math.sqrt(4 / 45)  # Var(x^2) = 4/45: half of the variance
    assert explained_share(x, curved) == pytest.approx(0.5, abs=0.04)
    assert abs(explained_share(rng.random(4000), curved)) < 0.01
    levels = rng.integers(0, 2, 4000).astype(float)
    assert explained_share(levels, levels + 0.5 * noise) == pytest.approx(0.5, abs=0.04)
    assert explained_share(np.ones(4000), curved) == 0.0


def test_the_floor_catches_random_columns_but_for_one_list_in_twenty() -> None:
    rng = np.random.default_rng(3)
    exceeded = 0
    for seed in range(40):
        figure = rng.lognormal(size=150)
        floor = float(noise_floors(figure[None], 30, seed)[0])
        exceeded += max(explained_share(rng.random(150), figure) for _ in range(30)) > floor
    assert exceeded <= 6


def test_ishigami_parameters_are_told_apart() -> None:
    """First-order indices of Ishigami's function: .314, .442 and 0 (Saltelli et al. 2008)."""
    rng = np.random.default_rng(5)
    x = rng.uniform(-math.pi, math.pi, (4000, 5))
    figure = np.sin(x[:, 0]) + 7.0 * np.sin(x[:, 1]) ** 2 + 0.1 * x[:, 2] ** 4 * np.sin(x[:, 0])
    table = {f"x{k + 1}": x[:, k] for k in range(5)}
    found = {one.name: one for one in information_of_parameters(table, figure[None], seed=1)[0]}
    # A cubic in ranks sees most of the first; the second oscillates too fast for it and is a known limit
    assert found["x1"].share == pytest.approx(0.314, abs=0.03)
    assert found["x1"].is_real
    for name in ("x3", "x4", "x5"):
        assert not found[name].is_real, name


def test_a_statistic_that_fixes_what_matters_is_found_and_others_are_not() -> None:
    rng = np.random.default_rng(6)
    table = {name: rng.normal(size=800) for name in ("a.one", "a.two", "b", "c", "d")}
    figure = table["a.one"] + table["a.two"] + rng.normal(size=800) * math.sqrt(2.0)
    statistics = (
        Statistic("good", "fixes a everywhere", ("a",), "", ""),
        Statistic("one", "fixes a in one place", ("a.one",), "", ""),
        Statistic("idle", "fixes b, c, d", ("b", "c", "d"), "", ""),
        Statistic("absent", "fixes what does not vary", ("e",), "", ""),
    )
    found = {one.name: one for one in information_of_statistics(table, figure[None], statistics, seed=1)[0]}
    assert set(found) == {"good", "one", "idle"}
    assert found["good"].share == pytest.approx(0.5, abs=0.08)
    assert found["one"].share == pytest.approx(0.25, abs=0.08)
    assert found["good"].parameters == 2
    assert found["good"].is_real
    assert not found["idle"].is_real


def test_statistics_of_the_file_name_declared_parameters_once() -> None:
    declared = {declaration.name for declaration in DECLARATIONS}
    drawn = {d.name for d in DECLARATIONS if d.prior is not None or d.per}
    named = [name for statistic in missing_statistics() for name in statistic.parameters]
    assert set(named) <= declared
    assert len(named) == len(set(named))
    assert drawn - set(named) <= {"settlers_working", "settlers_returning"}  # matter for one policy alone
    assert all(one.title and one.publisher and one.source for one in missing_statistics())


def test_held_out_errors_are_those_of_a_regression_that_has_not_seen_the_run() -> None:
    rng = np.random.default_rng(8)
    x = rng.normal(size=300)
    figures = np.stack((3.0 * x + rng.normal(size=300), rng.normal(size=300)))
    errors, plain = held_out_errors([x], figures, seed=1)
    assert errors[0].mean() == pytest.approx(1.0, abs=0.25)
    assert plain[0].mean() == pytest.approx(10.0, rel=0.2)
    # A figure that the column says nothing about is predicted by its mean, not worse
    assert errors[1].mean() == pytest.approx(plain[1].mean(), rel=0.03)
    # One run moved far away changes the others' errors, hardly its own prediction
    moved = figures.copy()
    moved[0, 0] += 1000.0
    again, _ = held_out_errors([x], moved, seed=1)
    assert math.sqrt(again[0, 0]) == pytest.approx(1000.0 + figures[0, 0] - 3.0 * x[0], rel=0.02)
