"""What must not matter does not: threads, order of files, idle levers; a policy changes few fates."""

from __future__ import annotations

import copy
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from model import draws
from model.demography import LEFT
from model.engine import Engine, simulate
from model.founding import Founding, build_founding
from model.levers import Levers, neutral_levers
from model.parameters import ParameterSpace, ParameterValues
from model.population import NOWHERE
from model.record import Record
from model.world import World, load_world
from model.zones import Project
from tests.small_world import write_small_world

HORIZON = 2024


def assert_same(one: Record, two: Record) -> None:
    assert np.array_equal(one.values, two.values, equal_nan=True)
    assert np.array_equal(one.flows, two.flows)
    assert np.array_equal(one.arrivals_from, two.arrivals_from)
    assert np.array_equal(one.pyramid_first, two.pyramid_first)
    assert np.array_equal(one.pyramid_last, two.pyramid_last)


def fates(engine: Engine) -> dict[int, tuple[int, int, int, int, int]]:
    """Everything a person is, by key: place, household, age, status, traits."""
    first = engine.households.first[: engine.n_households + 1].astype(np.int64)
    home = np.repeat(np.arange(engine.n_households), np.diff(first))
    people, n = engine.people, engine.n_people
    columns = (
        engine.households.place[home], engine.households.key[home], people.age[:n],
        people.status[:n], people.traits[:n],
    )  # fmt: skip
    return dict(
        zip(people.key[:n].tolist(), zip(*(column.tolist() for column in columns), strict=True), strict=True)
    )


# ---- the same seed ----


def test_the_same_seed_gives_the_same_record(
    towns: World, towns_founding: Founding, towns_space: ParameterSpace
) -> None:
    values = towns_space.draw(1, 3)
    one = simulate(towns, towns_founding, values, draws.run_seed(1, 3, 0), horizon=HORIZON)
    two = simulate(towns, towns_founding, values, draws.run_seed(1, 3, 0), horizon=HORIZON)
    other = simulate(towns, towns_founding, values, draws.run_seed(1, 3, 1), horizon=HORIZON)
    assert_same(one, two)
    assert not np.array_equal(one.values, other.values, equal_nan=True)


def test_the_horizon_does_not_reach_back(
    towns: World, towns_founding: Founding, towns_space: ParameterSpace
) -> None:
    values = towns_space.defaults()
    short = simulate(towns, towns_founding, values, draws.run_seed(2, 0, 0), horizon=2018)
    long = simulate(towns, towns_founding, values, draws.run_seed(2, 0, 0), horizon=HORIZON)
    assert np.array_equal(short.values[:, :3], long.values[:, :3], equal_nan=True)
    assert np.array_equal(short.flows, long.flows[:3])


def test_two_threads_give_what_one_gives(
    towns: World, towns_founding: Founding, towns_space: ParameterSpace
) -> None:
    def run(number: int) -> Record:
        return simulate(
            towns, towns_founding, towns_space.draw(1, number), draws.run_seed(1, number, 0), horizon=HORIZON
        )

    alone = [run(number) for number in range(8)]
    with ThreadPoolExecutor(2) as threads:
        together = list(threads.map(run, range(8)))
    for one, two in zip(alone, together, strict=True):
        assert_same(one, two)


def test_the_founders_are_never_written_to(
    towns: World, towns_founding: Founding, towns_space: ParameterSpace
) -> None:
    before = [
        column.copy()
        for column in (*towns_founding.people, *towns_founding.households, *towns_founding.templates)
    ]
    simulate(towns, towns_founding, towns_space.defaults(), np.uint64(1), horizon=2018)
    after = (*towns_founding.people, *towns_founding.households, *towns_founding.templates)
    assert all((one == two).all() for one, two in zip(before, after, strict=True))


def test_the_order_of_the_files_does_not_matter(tmp_path: Path) -> None:
    records = []
    for name, turned in (("one", False), ("two", True)):
        folder = tmp_path / name
        folder.mkdir()
        world = load_world(str(write_small_world(folder, turned)))
        records.append(
            simulate(
                world,
                build_founding(world),
                ParameterSpace(world).draw(1, 1),
                draws.run_seed(1, 1, 1),
                horizon=HORIZON,
            )
        )
    assert_same(*records)


def test_a_copied_engine_goes_on_identically(
    small_world: World, small_founding: Founding, small_space: ParameterSpace
) -> None:
    engine = Engine(
        small_world, small_founding, small_space.defaults(), draws.run_seed(3, 0, 0), horizon=2021
    )
    for _ in range(3):
        engine.step()
    twin = copy.deepcopy(engine)
    assert_same(engine.run(), twin.run())


# ---- zero leak ----

Change = Callable[[World, Levers], None]


def _renewal(world: World, levers: Levers) -> None:
    levers.renewal[:] = 300.0


def _services_kept(world: World, levers: Levers) -> None:
    levers.services_kept[:] = True


def _launch(world: World, levers: Levers) -> None:
    levers.qyzyljar = False
    levers.launch_factor[:] = 5.0


def _no_zone(world: World, levers: Levers) -> None:
    levers.qyzyljar = False


def _neutral(world: World, levers: Levers) -> None:
    levers.rent_factor[:] = 1.0
    levers.rouble[:] = 1.0
    levers.settlers[:] = 0.4  # rounds to no family


def _late(world: World, levers: Levers) -> None:
    levers.wage_supplement[6:] = 0.4


IDLE: dict[str, tuple[Change, dict[str, float], int, bool]] = {
    # what is done, settings under which it reaches nobody, years compared, baseline without the zone
    "renewal without weight of networks": (_renewal, {"beta_Q": 0.0}, HORIZON - 2015, False),
    "services kept where none is lost": (_services_kept, {}, 3, False),
    "a tax holiday without projects": (_launch, {}, HORIZON - 2015, True),
    "a zone before its first job": (_no_zone, {}, 4, False),
    "levers at their neutral values": (_neutral, {}, HORIZON - 2015, False),
    "a policy that begins later": (_late, {}, 6, False),
}


@pytest.mark.parametrize("case", IDLE)
def test_a_policy_whose_phases_see_the_same_inputs_changes_no_person(
    towns: World, towns_founding: Founding, towns_space: ParameterSpace, case: str
) -> None:
    change, fixed, years, bare = IDLE[case]
    values = towns_space.defaults().with_values(fixed)
    base, policy = neutral_levers(towns, HORIZON), neutral_levers(towns, HORIZON)
    base.qyzyljar = not bare
    change(towns, policy)
    one = Engine(towns, towns_founding, values, draws.run_seed(51, 0, 0), base, HORIZON)
    two = Engine(towns, towns_founding, values, draws.run_seed(51, 0, 0), policy, HORIZON)
    assert fates(one) == fates(two)
    for _ in range(years):
        one.step()
        two.step()
        assert fates(one) == fates(two), f"year {one.year}"
    if case.startswith("renewal"):
        assert (two.state.wear < one.state.wear).any(), "the policy itself did act"


def test_the_comparison_of_fates_sees_a_policy_that_acts(
    towns: World, towns_founding: Founding, towns_space: ParameterSpace
) -> None:
    policy = neutral_levers(towns, HORIZON)
    _renewal(towns, policy)
    one = Engine(towns, towns_founding, towns_space.defaults(), draws.run_seed(51, 0, 0), horizon=HORIZON)
    two = Engine(towns, towns_founding, towns_space.defaults(), draws.run_seed(51, 0, 0), policy, HORIZON)
    one.run()
    two.run()
    assert fates(one) != fates(two)


# ---- monotone and bounded response ----


def whereabouts_after_moves(engine: Engine) -> dict[int, int]:
    """Run the year up to the moves; where everyone of 1 January lives then (65535 outside)."""
    for phase in engine.PLAN:
        if phase.number <= 7:
            getattr(engine, phase.run)()
    first = engine.households.first[: engine.n_households + 1].astype(np.int64)
    place = np.repeat(engine.households.place[: engine.n_households].astype(np.int64), np.diff(first))
    place[(engine.fate[: engine.n_people] & LEFT) != 0] = NOWHERE
    place[engine.moves.row[: engine.n_moves]] = engine.moves.destination[: engine.n_moves]
    return dict(zip(engine.people.key[: engine.n_people].tolist(), place.tolist(), strict=True))


@pytest.mark.parametrize("how", ["omega", "public wages"])
@pytest.mark.parametrize("replicate", range(3))
def test_a_higher_wage_makes_nobody_leave_in_the_same_year(
    towns: World, towns_founding: Founding, towns_space: ParameterSpace, how: str, replicate: int
) -> None:
    values = towns_space.defaults().with_values({"leaving": 0.06, "beta_y": 1.2})
    engine = Engine(towns, towns_founding, values, draws.run_seed(52, 0, replicate), horizon=2020)
    engine.step()
    raised = copy.deepcopy(engine)
    place = 1
    if how == "omega":
        raised.omega[place] *= 1.25
    else:
        raised.levers.wage_supplement[raised.t, place] = 0.6
    home = {key: fate[0] for key, fate in fates(engine).items()}
    before, after = whereabouts_after_moves(engine), whereabouts_after_moves(raised)
    here = [key for key, at in home.items() if at == place]
    left = {key for key in here if before[key] != place}
    still_leave = {key for key in here if after[key] != place}
    assert len(left) > 100
    assert still_leave < left, "some stay who would have left, nobody leaves who would have stayed"
    elsewhere = [key for key, at in home.items() if at != place]
    changed = sum(before[key] != after[key] for key in elsewhere)
    assert changed < 0.005 * len(elsewhere)


def test_a_small_change_changes_few_fates(
    towns: World, towns_founding: Founding, towns_space: ParameterSpace
) -> None:
    """A tenth more pay in one town's public services: after a year nearly everyone lives the same life."""
    policy = neutral_levers(towns, 2018)
    policy.wage_supplement[:, 1] = 0.10
    one = Engine(towns, towns_founding, towns_space.defaults(), draws.run_seed(53, 0, 0), horizon=2018)
    two = Engine(towns, towns_founding, towns_space.defaults(), draws.run_seed(53, 0, 0), policy, 2018)
    changed = []
    for _ in range(3):
        one.step()
        two.step()
        before, after = fates(one), fates(two)
        both = before.keys() & after.keys()
        different = sum(before[key] != after[key] for key in both) + len(before.keys() ^ after.keys())
        changed.append(different / len(before))
    assert 0 < changed[0] < 0.002
    assert changed[2] < 0.02


def test_a_job_more_changes_little_elsewhere(
    towns: World, towns_founding: Founding, towns_space: ParameterSpace
) -> None:
    policy = neutral_levers(towns, 2019)
    policy.projects = (
        Project("own", "shop", 0, 2016, 2016, 10.0, but_for=1.0, displacement=0.0, launch_factor=1e9),
    )
    one = Engine(towns, towns_founding, towns_space.defaults(), draws.run_seed(54, 0, 0), horizon=2019)
    two = Engine(towns, towns_founding, towns_space.defaults(), draws.run_seed(54, 0, 0), policy, 2019)
    for _ in range(2):
        one.step()
        two.step()
    before, after = fates(one), fates(two)
    elsewhere = [key for key in before if before[key][0] != 0]
    different = sum(before[key] != after.get(key) for key in elsewhere)
    assert different < 0.002 * len(elsewhere)
    assert two.state.employed[0] > one.state.employed[0] + 5


# ---- stale caches ----

PROBE = """
import numpy as np
from model import choice
a = np.empty(111)
choice.rogers_castro(a)
print(repr(float(a[40])))
"""


def run_copy(folder: Path, cache: Path) -> float:
    environment = {
        **os.environ,
        "PYTHONPATH": str(folder),
        "QYZYLJAR_CACHE": str(cache),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    done = subprocess.run(
        [sys.executable, "-c", PROBE], cwd=folder, env=environment, capture_output=True, text=True, check=True
    )
    return float(done.stdout)


def test_an_edited_helper_is_never_served_from_a_stale_cache(tmp_path: Path) -> None:
    source = Path(sys.modules["model"].__path__[0])
    shutil.copytree(source, tmp_path / "model", ignore=shutil.ignore_patterns("data", "__pycache__"))
    cache = tmp_path / "cache"
    # A helper in another file, which the kernel calls: numba by itself would not notice that it changed.
    helper = tmp_path / "model" / "population.py"
    text = helper.read_text(encoding="utf-8")
    helper.write_text(
        text + "\n\n@kernel\ndef slope(age: int) -> float:\n    return 0.10 * age\n", encoding="utf-8"
    )
    profile = tmp_path / "model" / "choice.py"
    used = profile.read_text(encoding="utf-8").replace("math.exp(-al1 * age)", "math.exp(-slope(age))")
    used = used.replace("from model.population import AGES", "from model.population import AGES, slope")
    assert "slope(age)" in used
    profile.write_text(used, encoding="utf-8")
    first = run_copy(tmp_path, cache)
    assert run_copy(tmp_path, cache) == first
    helper.write_text(
        helper.read_text(encoding="utf-8").replace("return 0.10 * age", "return 0.00 * age"), encoding="utf-8"
    )
    second = run_copy(tmp_path, cache)
    assert second - first == pytest.approx(0.02 * (1 - np.exp(-4.0)))


def test_values_do_not_leak_from_one_run_into_the_next(
    towns: World, towns_founding: Founding, towns_space: ParameterSpace
) -> None:
    def run(values: ParameterValues) -> Record:
        return simulate(towns, towns_founding, values, np.uint64(9), horizon=2018)

    before = run(towns_space.defaults())
    run(towns_space.draw(3, 5))
    assert_same(before, run(towns_space.defaults()))
