"""`qyzyljar sensitivity ledger` and `discover` as commands, on stand-in runs."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

import experiments.ensemble
from experiments.command_line import app
from experiments.discovery_cost import too_dear
from experiments.uncertainty_ledger_runs import (
    NODES,
    grid_values,
    headlines,
    nearest_rung,
    structural_factors,
    structures,
)
from model.founding import Founding
from model.levers import Levers
from model.parameters import ParameterSpace, ParameterValues
from model.record import Record
from model.world import World
from tests.fake_simulation import fake_simulate, use_fake_runs

HORIZON = 2030


def telling_simulate(
    world: World,
    founding: Founding,
    values: ParameterValues,
    seed: np.uint64,
    levers: Levers | None = None,
    horizon: int = 2045,
) -> Record:
    """Stand-in runs in which `chi` decides how the first town shrinks, chance adds a little, structure half as much."""
    record = fake_simulate(world, founding, values, seed, levers, horizon)
    chance = np.random.default_rng(int(seed)).normal(0.0, 100.0, world.n_sim)
    end = 6500.0 - 8000.0 * (values["chi"] - 0.1) + 400.0 * (values["regime_weight"] - 0.5) + chance
    path = np.linspace(0.0, 1.0, record.values.shape[1])[:, None]
    record.values[0] = np.round(7500.0 * (1.0 - path) + end * path)
    record.values[5, :-1] = np.diff(record.values[0], axis=0)
    return record


@pytest.fixture
def telling(monkeypatch: pytest.MonkeyPatch) -> None:
    use_fake_runs(monkeypatch)
    monkeypatch.setattr(experiments.ensemble, "simulate", telling_simulate)
    monkeypatch.setattr(
        experiments.ensemble,
        "simulate_together",
        lambda world, founding, values, seed, scenarios, horizon: [
            telling_simulate(world, founding, values, seed, levers, horizon) for levers in scenarios
        ],
    )


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["sensitivity", *arguments])
    return result.exit_code, result.output


@pytest.mark.usefixtures("telling")
def test_ledger_finds_what_the_runs_were_made_of(tmp_path: Path) -> None:
    out = tmp_path / "l"
    arguments = ("ledger", "--runs", "120", "--draws", "24", "--horizon", str(HORIZON), "-f", "russia_open",
                 "--set", "ppp=0", "--set", "hinterland_weight=.5", "--parameters", "prior", "--no-figures",
                 "--out", str(out))  # fmt: skip
    code, output = run(*arguments)
    assert code == 0, output
    shares = {
        row["source"]: float(row["share"])
        for row in rows_of(out / "ledger.csv")
        if (row["figure"], row["place"]) == ("population", "bulaevo")
    }
    # Var: parameters 8000^2 / 48, chance 100^2, structure 400^2 / 12; futures do nothing
    whole = 8000.0**2 * 0.25 / 12 + 100.0**2 + 400.0**2 / 12
    assert shares["parameters"] == pytest.approx(8000.0**2 * 0.25 / 12 / whole, abs=0.04)
    assert shares["future"] == pytest.approx(0.0, abs=1e-9)
    assert 0.0 < shares["structure"] < 0.05
    best = [
        row
        for row in rows_of(out / "information.csv")
        if row["place"] == "bulaevo" and row["above_floor"] == "1"
    ]
    by_kind = {row["kind"]: row["name"] for row in reversed(best) if row["figure"] == "population"}
    assert by_kind == {"statistic": "labour", "parameter": "chi"}
    assert "Where the uncertainty comes from" in output
    held = (out / "ledger.csv").read_bytes()
    assert run(*arguments, "--quiet")[0] == 0
    assert (out / "ledger.csv").read_bytes() == held
    # Another grid is refused and named; nothing is run
    refused = run(*arguments, "--replicates", "3")
    assert refused[0] == 2
    assert "replicates: there 2, asked 3" in refused[1]


@pytest.mark.usefixtures("telling")
def test_discovery_finds_the_parameter_that_decides(tmp_path: Path) -> None:
    out = tmp_path / "d"
    code, output = run("discover", "--runs", "150", "--horizon", str(HORIZON), "-f", "russia_open", "--place",
                       "bulaevo", "--parameters", "prior", "--out", str(out))  # fmt: skip
    assert code == 0, output
    boxes = rows_of(out / "boxes.csv")
    assert {row["uncertainty"] for row in boxes if row["box"] == "1"} == {"chi"}
    # Below 5 000 where 6500 - 8000 (chi - .1) < 5000: chi > .2875
    first = next(row for row in boxes if row["box"] == "1")
    assert float(first["low"]) == pytest.approx(0.2875, abs=0.03)
    assert float(first["density"]) > 0.85
    assert float(first["coverage"]) > 0.85
    assert first["borne_out"] == "1"
    robust = rows_of(out / "robust.csv")
    assert {row["future"] for row in robust} == {"reference", "russia_open"}
    assert (out / "figures" / "boxes.png").stat().st_size > 10_000


def test_a_run_that_gains_nothing_is_too_dear_at_any_price() -> None:
    cost = np.array([10.0, 10.0, 10.0, 10.0, -5.0, -5.0])
    gain = np.array([5.0, 4.0, 0.0, -3.0, 2.0, -2.0])
    assert too_dear(cost, gain, 2.0).tolist() == [False, True, True, True, False, True]
    assert too_dear(cost, gain, 1e9).tolist() == [False, False, True, True, False, True]


def test_discovery_finds_what_makes_a_policy_too_dear(
    telling: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Settlers cost the same in every run and stay the longer the smaller chi: above some chi they are too dear."""

    def gaining(*arguments: Any) -> Record:
        record = telling_simulate(*arguments)
        values, levers, horizon = arguments[2], arguments[4], arguments[5]
        if levers is not None and levers.settlers.any():
            grown = np.clip(np.arange(2015, horizon + 1) - 2027, 0, None)[:, None]
            record.values[0] += np.round(400.0 * (0.4 - values["chi"]) * grown)
        return record

    monkeypatch.setattr(
        experiments.ensemble,
        "simulate_together",
        lambda world, founding, values, seed, scenarios, horizon: [
            gaining(world, founding, values, seed, levers, horizon) for levers in scenarios
        ],
    )
    out = tmp_path / "d"
    # Four towns, ten families at some 5 million KZT (2020) in 2027 to 2029, against 4 x 400 x (0.4 - chi) residents
    # more in each year from 2028 on: a million for a resident-year at a chi between 0.2 and 0.4
    code, output = run("discover", "settlers", "--runs", "150", "--horizon", str(HORIZON), "-f", "russia_open",
                       "--place", "bulaevo", "--parameters", "prior", "--most-cost", "1", "--no-figures", "--out",
                       str(out))  # fmt: skip
    assert code == 0, output
    dear = [
        row for row in rows_of(out / "boxes.csv") if row["outcome"].startswith("'settlers' fails: over 1 ")
    ]
    assert {row["uncertainty"] for row in dear} == {"chi"}, output
    first = dear[0]
    assert float(first["density"]) > 0.9
    assert 0.2 < float(first["low"]) < 0.4
    assert "over 1 million KZT a resident-year, or none gained" in output


@pytest.mark.parametrize(
    ("arguments", "messages"),
    [
        (("ledger", "--runs", "20", "--draws", "3"), ("--runs 20", "--draws 3")),
        (("ledger", "--replicates", "1"), ("--replicates 1",)),
        (("ledger", "-f", "russia_opn"), ("russia_opn",)),
        (("ledger", "--set", "chy=1"), ("chy",)),
        (("discover", "--place", "bulaev", "--rung", "legal_floor"), ("'bulaevo'", "legal_floor")),
        (("discover", "--rung", "old_majority"), ("old_majority",)),
        (("discover", "--rung", "legal_town_floor", "--place", "bulaevo"), ("no place asked for",)),
        (("discover", "--runs", "30"), ("--runs 30",)),
        (("discover", "housin"), ("housin",)),
        (("discover", "settlers", "--most-cost", "0"), ("--most-cost 0: expected million KZT",)),
        (("discover", "--most-cost", "2"), ("--most-cost needs policies",)),
    ],
)
def test_bad_input_is_refused_before_the_first_run(
    arguments: tuple[str, ...], messages: tuple[str, ...], tmp_path: Path
) -> None:
    code, output = run(*arguments, "--out", str(tmp_path / "o"))
    assert code == 2, output
    for message in messages:
        assert message in output
    assert not (tmp_path / "o").exists()


@pytest.mark.parametrize("command", ["ledger", "discover"])
def test_parameters_that_are_all_fixed_are_refused(command: str, tmp_path: Path, towns: World) -> None:
    fixed = [("--set", f"{one.name}={one.default!r}") for one in ParameterSpace(towns).parameters]
    code, output = run(command, *(word for pair in fixed for word in pair), "--out", str(tmp_path / "o"))
    assert code == 2, output
    assert "none has a range left" in output


def test_structures_have_the_variance_of_their_priors(towns: World) -> None:
    factors = {factor.name: factor.levels for factor in structural_factors(towns, {})}
    assert set(factors) == {"regime_weight", "ppp", "hinterland_weight"}
    assert factors["ppp"] == (0.0, 1.0)
    assert np.mean(factors["regime_weight"]) == pytest.approx(0.5)
    assert np.var(factors["regime_weight"]) == pytest.approx(1.0 / 12.0)
    assert np.var(NODES) == pytest.approx(1.0 / 12.0)
    fixed = structural_factors(towns, {"ppp": 0.0})
    assert {factor.name for factor in fixed} == {"regime_weight", "hinterland_weight"}
    assert len(structures(structural_factors(towns, {}))) == 8
    assert structures(()) == [{}]


def test_headlines_of_a_small_and_a_large_world(towns: World, region: World) -> None:
    own = headlines(towns, 2045)
    assert {one.id for one in own} == {"population", "net_migration", "crossing"}
    assert [one.rung.threshold for one in own if one.rung is not None] == [5000.0, 5000.0, 5000.0, 10_000.0]
    large = {one.place for one in headlines(region, 2045)}
    assert large == {"bulaevo", "mamlyutka", "sergeevka", "tayynsha", "all"}
    assert nearest_rung(region, region.ids.index("esil_rural")) is None


def test_grid_values_put_replicates_of_a_draw_together() -> None:
    runs = np.arange(12.0)
    by_structure = [np.stack([[runs, runs + 100.0]]) + 1000.0 * s for s in range(3)]
    values = grid_values(by_structure, replicates=2, draws=5)
    assert values.shape == (1, 3, 2, 5, 2)
    assert values[0, 2, 1, 4].tolist() == [2108.0, 2109.0]
