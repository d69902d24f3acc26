"""Scenario discovery on boxes that are known, and the robust choice."""

from __future__ import annotations

import math

import numpy as np
import pytest

from experiments.discovery import (
    Restriction,
    TooFewRuns,
    discover,
    held_out,
    judged,
)
from experiments.discovery_satisficing import satisficing


def uniform_table(runs: int, columns: int, seed: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    return {f"x{k}": rng.random(runs) for k in range(columns)}


def known_box(
    runs: int = 1500, noise: float = 0.05, seed: int = 1
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Ten uncertainties; the outcome happens where x1 <= .4 and x2 > .55, but for some runs."""
    table = uniform_table(runs, 10, seed)
    happens = (table["x1"] <= 0.4) & (table["x2"] > 0.55)
    flipped = np.random.default_rng(seed + 100).random(runs) < noise
    return table, happens ^ flipped


def test_a_known_box_is_found_with_its_limits() -> None:
    table, interest = known_box()
    found = discover("known", table, interest, np.arange(len(interest)), seed=3)
    box = found.boxes[0]
    limits = {one.name: (one.low, one.high) for one in box.restrictions}
    assert set(limits) == {"x1", "x2"}
    assert (limits["x1"][0], limits["x2"][1]) == (-math.inf, math.inf)
    assert limits["x1"][1] == pytest.approx(0.4, abs=0.03)
    assert limits["x2"][0] == pytest.approx(0.55, abs=0.03)
    # Of the outcome 18 % x .95 lie in the box, .82 x .05 outside: coverage .81, density .95
    assert box.density.share == pytest.approx(0.95, abs=0.06)
    assert box.coverage.share == pytest.approx(0.81, abs=0.08)
    assert box.mass == pytest.approx(0.18, abs=0.05)
    assert box.is_confirmed
    assert all(one.p_value < 0.001 for one in box.restrictions)


def test_nothing_is_found_in_noise() -> None:
    confirmed, reported = 0, 0
    for seed in range(12):
        table = uniform_table(600, 12, seed)
        interest = np.random.default_rng(seed + 50).random(600) < 0.3
        found = discover("noise", table, interest, np.arange(600), seed)
        confirmed += sum(box.is_confirmed for box in found.boxes)
        reported += bool(found.boxes)
    assert confirmed <= 1
    assert (
        reported <= 4
    )  # a tree must beat the plain share in cross-validation before its leaves are looked at


def test_two_separate_boxes_are_both_found() -> None:
    table = uniform_table(2400, 6, 5)
    interest = (table["x0"] > 0.8) | ((table["x1"] < 0.25) & (table["x2"] < 0.5))
    found = discover("two", table, interest, np.arange(2400), seed=1)
    assert found.together is not None
    assert found.together.share > 0.9
    assert {"x0", "x1", "x2"} <= {one.name for box in found.boxes for one in box.restrictions}


def test_coverage_and_density_are_of_held_out_runs() -> None:
    table, interest = known_box(900)
    draws = np.arange(900)
    box = discover("known", table, interest, draws, seed=3).boxes[0]
    out = held_out(draws)
    inside = np.ones(900, bool)
    for one in box.restrictions:
        inside &= one.holds(table[one.name])
    assert box.density.runs == int((inside & out).sum())
    assert box.density.events == int((inside & out & interest).sum())
    assert box.coverage.runs == int((out & interest).sum())


def test_all_runs_of_a_draw_stay_on_one_side() -> None:
    draws = np.repeat(np.arange(30), 4)
    out = held_out(draws)
    for draw in range(30):
        assert len(set(out[draws == draw].tolist())) == 1
    assert out.mean() == pytest.approx(1 / 3)


def test_a_restriction_without_effect_has_a_large_p_value() -> None:
    table, interest = known_box()
    needed = [Restriction("x1", -math.inf, 0.4), Restriction("x2", 0.55, math.inf)]
    box = judged(table, interest, [*needed, Restriction("x7", -math.inf, 0.9)])
    assert box is not None
    p = {one.name: one.p_value for one in box.restrictions}
    assert p["x7"] > 0.05
    assert max(p["x1"], p["x2"]) < 1e-6


def test_too_few_runs_of_interest_are_said() -> None:
    table = uniform_table(300, 3, 1)
    rare = np.zeros(300, bool)
    rare[:9] = True
    with pytest.raises(TooFewRuns, match="9 of 300"):
        discover("rare", table, rare, np.arange(300), seed=1)
    with pytest.raises(ValueError, match="all are fixed"):
        discover("fixed", {"x": np.ones(300)}, table["x0"] > 0.5, np.arange(300), seed=1)


def test_runs_of_a_draw_are_no_further_evidence() -> None:
    """The same runs five times over, as under five futures that change nothing, give the same box and intervals."""
    table, interest = known_box(700, noise=0.15, seed=4)
    once = discover("once", table, interest, np.arange(700), seed=2)
    tiled = {name: np.tile(column, 5) for name, column in table.items()}
    five = discover("five", tiled, np.tile(interest, 5), np.tile(np.arange(700), 5), seed=2)
    for first, second in zip(once.boxes, five.boxes, strict=True):
        assert [(r.name, r.low, r.high) for r in first.restrictions] == [
            (r.name, r.low, r.high) for r in second.restrictions
        ]
        assert (second.density.low, second.density.high) == pytest.approx(
            (first.density.low, first.density.high)
        )
        assert (second.coverage.low, second.coverage.high) == pytest.approx(
            (first.coverage.low, first.coverage.high)
        )


def test_the_same_seed_gives_the_same_boxes() -> None:
    table, interest = known_box(700, noise=0.2, seed=8)
    first, second = (discover("known", table, interest, np.arange(700), seed=2) for _ in range(2))
    assert first == second


def test_satisficing_orders_by_share_then_by_the_worst_future() -> None:
    met = np.zeros((3, 2, 100), bool)
    met[0, 0, :80] = met[0, 1, :40] = True  # 60 % on average, 40 % at worst
    met[1, 0, :60] = met[1, 1, :60] = True  # 60 % on average, 60 % at worst
    found = satisficing(("swings", "steady", "never"), met)
    assert [one.policy for one in found] == ["steady", "swings", "never"]
    assert found[1].worst == 1
    assert found[1].by_future[1].share == pytest.approx(0.4)
    assert found[2].share == 0.0
    assert found[2].of_share[1] > 0.03  # never in 100 runs is an upper bound, not 0


def test_satisficing_interval_is_over_runs_not_over_run_and_future() -> None:
    # The same runs meet it in all futures: futures add no information
    met = np.zeros((1, 5, 60), bool)
    met[:, :, :30] = True
    low, high = satisficing(("p",), met)[0].of_share
    single = satisficing(("p",), met[:, :1])[0].of_share
    assert (low, high) == pytest.approx(single)
    with pytest.raises(ValueError, match="policies x futures x runs"):
        satisficing(("p", "q"), met)
