"""The live comparison: the runs of the command line, the twin's preview, and the child process of a tab."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from calibration.rating import rate, weights_for
from calibration.rating_external import SHIPPED, read_external, with_external
from calibration.rating_simulated import RATING_COLUMNS, region_wages, simulated_figures
from calibration.rating_system import CLASSES, rating_system
from experiments.compare import comparison_design
from experiments.compare_scenarios import read_comparison
from experiments.dashboard.inspection import LEFT, STAYED, Inspection
from experiments.dashboard.live_comparison import Cancelled, Wish
from experiments.design import PROJECT, Batch
from experiments.ensemble import Study
from experiments.failures import BadInput
from experiments.parameter_source import parameter_source
from tests.live_results import HORIZON, POLICIES, live_run, live_towns, wish


def test_live_runs_are_those_of_the_command_line() -> None:
    live = live_towns()
    comparison = read_comparison(["settlers"], [], live.world, HORIZON)
    design = comparison_design(live.world, HORIZON, 1, {}, comparison, parameter_source(live.world, "towns"))
    study = Study(design, live.world)
    rows = study.design.rows(Batch(0, 0, 3))
    final = [
        int(study.run(row).column("population")[-1].sum()) for row in rows if row.scenario.name == "settlers"
    ]
    shown = live_run()["levels"]["A@reference"]["population"]["all"]
    assert np.allclose(
        [quantiles[-1] for quantiles in shown], np.quantile(final, (0.05, 0.25, 0.5, 0.75, 0.95))
    )


def test_the_rating_is_that_of_the_command_lines_runs() -> None:
    live = live_towns()
    comparison = read_comparison(["settlers"], [], live.world, HORIZON)
    design = comparison_design(live.world, HORIZON, 1, {}, comparison, parameter_source(live.world, "towns"))
    study, system = Study(design, live.world), rating_system()
    rows = [row for row in design.rows(Batch(0, 0, 3)) if row.scenario.name == "settlers"]
    records = [study.run(row) for row in rows]
    years = list(range(live.world.start, HORIZON + 1))
    growth = np.array([study.values(row.draw)["growth_kazakhstan"] for row in rows])
    columns = {name: np.stack([record.column(name) for record in records]) for name in RATING_COLUMNS}
    assert rows[0].scenario.levers is not None
    wages = region_wages(live.world, years, growth, rows[0].scenario.levers.home_wage)
    figures = simulated_figures(live.world, columns, years, wages, system)
    figures = with_external(figures, read_external([SHIPPED], live.world, system), system)
    rated = rate(figures, live.world, weights_for("equal", figures, system), 300, 1, system)
    shown = live_run()["rating"]
    assert shown["years"] == years[:-1]
    for p, place in enumerate(live.world.ids[: live.world.n_sim]):
        for k, kind in enumerate(CLASSES):
            held = shown["cases"]["A@reference"][place]["classes"][kind]
            for name, values in (("share", rated.probabilities.share), ("least", rated.probabilities.low)):
                np.testing.assert_allclose(np.array(held[name], float), values[:, p, k], atol=1e-4)


def test_the_rating_follows_the_scenario_and_a_preview_has_none() -> None:
    assert live_towns().preview(wish(("settlers",)))["rating"] is None
    cases = live_run()["rating"]["cases"]
    assert (
        cases["C@reference"] == cases["baseline@reference"]
    )  # the baseline under another name, on the same draws
    assert cases["A@reference"]["bulaevo"]["index"] != cases["baseline@reference"]["bulaevo"]["index"]
    for place in cases["A@reference"].values():
        held = place["classes"].values()
        for t, share in enumerate(place["classes"]["development"]["share"]):
            if share is not None:
                assert sum(one["share"][t] for one in held) == pytest.approx(1.0, abs=2e-4)
                assert all(one["least"][t] <= one["most"][t] for one in held)
    json.dumps(live_run(), allow_nan=False)


def test_a_policy_that_moves_nobody_has_no_effect_and_no_price() -> None:
    place = POLICIES.index("baseline")
    case = f"{'ABCD'[place]}@reference"
    # The baseline against itself: not one person fares differently
    assert all(effect["zero"] for effect in live_run()["effects"][case].values())
    assert live_run()["costs"][case]["units"]["additional resident"]["expected"] is None


@pytest.mark.slow
def test_the_preview_agrees_with_the_model_on_a_clear_effect() -> None:
    preview = live_towns().preview(wish())
    twin, model = (one["effects"]["A@reference"]["all"]["mean"] for one in (preview, live_run()))
    assert preview["stage"] == "preview"
    assert twin == pytest.approx(model, rel=0.15)


def test_progress_counts_every_run_and_looks_in_between() -> None:
    seen: list[tuple[int, int]] = []
    looks: list[int] = []
    live_towns().run(
        wish(("settlers",), 6),
        lambda done, total: seen.append((done, total)),
        lambda part: looks.append(part["runs"]),
        lambda: False,
    )
    assert seen == [(k, 6) for k in range(7)]
    assert looks == [4]


def test_a_stopped_run_ends() -> None:
    seen: list[int] = []
    with pytest.raises(Cancelled):
        live_towns().run(
            wish(("settlers",), 500),
            lambda done, total: seen.append(done),
            lambda part: None,
            lambda: len(seen) > 2,
        )
    assert len(seen) < 20


def test_another_seed_gives_other_draws_and_the_same_seed_the_same() -> None:
    def births(seed: int) -> list[float]:
        run = live_towns().run(
            wish(("settlers",), 2, seed=seed), lambda done, total: None, lambda part: None, lambda: False
        )
        held: list[float] = run["levels"]["A@reference"]["births"]["all"][2]
        return held

    one = births(1)
    assert births(2) != one
    assert births(1) == one


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"runs": 1}, "1 runs: expected 2 to"),
        ({"scenarios": []}, "0 scenarios: expected 1 to 4"),
        ({"horizon": 2015}, "must lie in 2016 to 2100"),
        ({"scenarios": [{"slot": "A", "policy": "x = ", "future": "reference"}]}, "not a readable TOML"),
        ({"scenarios": [{"slot": "A", "policy": "", "future": "reference"}]}, "kind: is missing"),
    ],
)
def test_wishes_that_cannot_be_met_are_refused(change: dict[str, Any], said: str) -> None:
    message = {
        "world": "towns", "horizon": HORIZON, "seed": 1, "runs": 2,
        "scenarios": [{"slot": s, "policy": text, "future": f} for s, text, f in wish(("settlers",)).scenarios],
    }  # fmt: skip
    with pytest.raises(BadInput) as error:
        live_towns().preview(Wish.read({**message, **change}))
    assert said in str(error.value)


def test_the_inspected_run_is_that_of_the_ensemble() -> None:
    live = live_towns()
    asked = wish(("settlers",))
    inspection = Inspection(live, asked, 2)
    for _ in range(3):
        inspection.step()
    inspection.model.run_for(50)
    study, _ = live.ready(asked)
    row = next(row for row in study.design.rows(Batch(0, 2, 3)) if row.scenario.name == "A@reference")
    assert np.array_equal(study.run(row).values, inspection.model.record.values, equal_nan=True)


def test_households_say_why_they_stayed_or_left() -> None:
    inspection = Inspection(live_towns(), wish(("settlers",)), 0)
    inspection.choose_town("mamlyutka")
    assert all("fate" not in one for one in inspection.view()["households"])
    inspection.step()
    view = inspection.view()
    fates = [one["fate"] for one in view["households"]]
    assert fates.count(STAYED) > 10
    assert any(fate != STAYED for fate in fates)
    for one in view["households"]:
        shares = [a["share"] for a in one["reason"]["alternatives"]]
        assert sum(shares) == pytest.approx(1.0)
        assert 0.0 < one["reason"]["hazard"] < 1.0
        if one["fate"] == LEFT:
            assert not one["here"]
    json.dumps(view, allow_nan=False)


def test_an_unknown_town_is_refused() -> None:
    with pytest.raises(BadInput, match="no simulated place"):
        Inspection(live_towns(), wish(("settlers",)), 0).choose_town("omsk")


class Process:
    """A child process as the server starts it."""

    def __init__(self) -> None:
        environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "experiments.dashboard.worker_process"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment, bufsize=1,
        )  # fmt: skip

    def ask(self, **message: Any) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(message) + "\n")
        self.process.stdin.flush()

    def read(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, "the process has ended"
        answer: dict[str, Any] = json.loads(line)
        return answer


def asked_for(number: int, do: str, **change: Any) -> dict[str, Any]:
    one = wish(("settlers",), 400)
    scenarios = [{"slot": s, "policy": text, "future": f} for s, text, f in one.scenarios]
    return {
        "id": number, "do": do, "world": "towns", "horizon": HORIZON, "seed": 1, "runs": one.runs,
        "scenarios": scenarios, **change,
    }  # fmt: skip


def test_a_childs_run_is_cancelled_and_ends_with_its_input() -> None:
    child = Process()
    child.ask(**asked_for(1, "compare", world="nowhere"))
    assert child.read() == {"id": 1, "event": "stage", "stage": "world"}
    assert "unknown world 'nowhere'" in child.read()["message"]
    child.process.send_signal(
        signal.SIGINT
    )  # Ctrl-C in the server's terminal reaches it too: nothing to shout about
    child.ask(**asked_for(2, "compare"))
    answer = child.read()
    while answer["event"] != "summary":
        assert answer["event"] in ("progress", "stage")
        answer = child.read()
    assert answer["summary"]["stage"] == "partial"
    child.ask(id=3, do="cancel")
    while answer["event"] != "cancelled":
        answer = child.read()
    assert answer["id"] == 2
    child.ask(**asked_for(4, "compare"))
    assert child.process.stdin is not None
    child.process.stdin.close()
    begun = time.monotonic()
    assert child.process.wait(20) == 0
    assert time.monotonic() - begun < 10  # in the middle of a run


def test_the_web_process_runs_no_model() -> None:
    """Nothing that the server imports holds a kernel: the engine, the twin and numba stay in the child."""
    code = (
        "import sys; import experiments.dashboard.page, experiments.dashboard.inspect_page\n"
        "import experiments.dashboard.server\n"
        "print([m for m in ('numba', 'model.engine', 'calibration.cohort_twin', 'mesa') if m in sys.modules])"
    )
    environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True
    )
    assert done.stdout.strip() == "[]"
    assert Path(PROJECT, "experiments", "dashboard", "worker_process.py").is_file()
