"""Worker processes: the same results as threads, Ctrl-C, a worker that is killed, a command that is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

import experiments.crew
from experiments.crew import Crew, crew_for, dismiss, over_the_crew
from experiments.design import forecast_design
from experiments.ensemble import Study, run_ensemble
from experiments.failures import Interrupted, RunFailure
from experiments.parts import Part
from model.world import World, load_world
from tests.test_ensemble import assert_equal, nothing, ordered

PROJECT = Path(__file__).parents[1]


@pytest.fixture
def eager(threads_alone: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Any work is worth a crew."""
    monkeypatch.setattr(experiments.crew, "RUNS_WORTH_A_CREW", 1)


@pytest.fixture(scope="module")
def world() -> World:
    return load_world("towns")


def squared(number: int) -> int:
    return number * number


def cubed(number: int) -> int:
    return number**3


def fourth(number: int) -> int:
    return number**4


def who(_: int) -> int:
    time.sleep(0.1)
    return os.getpid()


def slow(_: int) -> int:
    time.sleep(60.0)
    return 0


def wrong(number: int) -> int:
    raise RunFailure(f"year {number}: the accounts do not close")


def living(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"


def wait_until_gone(processes: set[int]) -> None:
    for _ in range(100):
        if not any(living(one) for one in processes):
            return
        time.sleep(0.1)
    raise AssertionError(f"still there: {[one for one in processes if living(one)]}")


def test_workers_are_other_processes_and_know_what_they_were_taught() -> None:
    crew = Crew(2)
    try:
        functions = [squared, cubed, fourth, squared]  # more than are held: the first is taught again
        for function in functions:
            found = [crew.submit(function, k).result() for k in range(5)]
            assert found == [function(k) for k in range(5)]
        mine = {future.result() for future in [crew.submit(who, k) for k in range(8)]}
        assert len(mine) == 2
        assert os.getpid() not in mine
        with pytest.raises(RunFailure, match="year 2016"):
            crew.submit(wrong, 2016).result()
    finally:
        crew.dismiss()
    wait_until_gone(mine)


@pytest.mark.usefixtures("eager")
def test_a_crew_is_called_up_for_long_work_in_small_worlds_only(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert over_the_crew(who, [1, 2]) == [os.getpid()] * 2  # none stands
    monkeypatch.setattr(experiments.crew, "RUNS_WORTH_A_CREW", 800)
    assert crew_for(world, 799, 2) is None
    assert crew_for(world, 800, 1) is None
    assert crew_for(load_world("region"), 10_000, 2) is None
    crew = crew_for(world, 800, 2)
    assert crew is not None
    assert crew_for(world, 3, 2) is crew  # it stands ready
    assert set(over_the_crew(who, [1, 2, 3, 4])).isdisjoint({os.getpid()})


@pytest.mark.usefixtures("eager")
def test_a_crew_makes_the_parts_of_threads(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    design = forecast_design(world, 2018, 3, {})
    lock, counted = threading.Lock(), []

    def on_run() -> None:
        with lock:
            counted.append(1)

    def made(threads: int) -> list[Part]:
        parts: list[Part] = []
        study = Study(design, world)
        run_ensemble(study, design.batches(13), parts.append, threads, on_run)
        return ordered(parts)

    by_crew = made(2)
    assert experiments.crew._crew is not None
    assert len(counted) == 13
    monkeypatch.setattr(experiments.crew, "RUNS_WORTH_A_CREW", 10**9)
    dismiss()
    by_threads = made(2)
    assert experiments.crew._crew is None
    assert_equal(by_crew, by_threads)


def run_long(world: World) -> None:
    """An ensemble that does not end before something happens to it."""
    design = forecast_design(world, 2045, 3, {})
    run_ensemble(Study(design, world), design.batches(400), lambda part: None, 2, nothing)


@pytest.mark.usefixtures("eager")
def test_a_worker_that_is_killed_is_told(world: World) -> None:
    crew = crew_for(world, 10, 2)
    assert crew is not None
    victims = {crew.submit(who, k).result() for k in range(4)}
    threading.Timer(1.0, lambda: os.kill(min(victims), signal.SIGKILL)).start()
    with pytest.raises(RunFailure, match="a worker process ended before its run did"):
        run_long(world)
    assert experiments.crew._crew is None
    wait_until_gone(victims)


@pytest.mark.usefixtures("eager")
def test_a_worker_that_is_killed_at_work_of_another_kind_is_told(world: World) -> None:
    """Ratings go to the same workers as runs, and a user is told the same."""
    crew = crew_for(world, 10, 2)
    assert crew is not None
    victims = {crew.submit(who, k).result() for k in range(4)}
    threading.Timer(0.5, lambda: os.kill(min(victims), signal.SIGKILL)).start()
    with pytest.raises(RunFailure, match="a worker process ended before its run did"):
        over_the_crew(slow, [30, 30, 30])
    assert experiments.crew._crew is None
    wait_until_gone(victims)


@pytest.mark.usefixtures("eager")
def test_ctrl_c_is_the_command_s_to_answer(world: World) -> None:
    crew = crew_for(world, 10, 2)
    assert crew is not None
    workers = {crew.submit(who, k).result() for k in range(8)}

    def interrupt() -> None:
        for process in (*workers, os.getpid()):
            os.kill(process, signal.SIGINT)  # a terminal sends it to all of them

    threading.Timer(1.0, interrupt).start()
    with pytest.raises(Interrupted):
        run_long(world)
    wait_until_gone(workers)


def test_workers_do_not_outlive_a_command_that_is_killed() -> None:
    code = (
        "from experiments.crew import Crew\n"
        "from tests.test_crew import slow, who\n"
        "crew = Crew(2)\n"
        "print(*{crew.submit(who, k).result() for k in range(8)}, flush=True)\n"
        "crew.submit(slow, 1).result()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], cwd=PROJECT, stdout=subprocess.PIPE, text=True
    ) as command:
        assert command.stdout is not None
        workers = {int(one) for one in command.stdout.readline().split()}
        assert workers
        assert all(living(one) for one in workers)
        command.kill()
    wait_until_gone(workers)
