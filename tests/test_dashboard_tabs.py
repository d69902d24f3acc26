"""Tabs: a bounded number, a child ready before the next one; previews that run again only what has changed."""

from __future__ import annotations

import asyncio
import io
import json
import os
import sys
import time
from pathlib import Path
from queue import Queue
from typing import Any

import pytest

from calibration.cohort_twin import CohortTwin
from experiments.dashboard import tabs as tabs_module
from experiments.dashboard.child import Child
from experiments.dashboard.compile_watch import FEW, KERNELS, CompileWatch
from experiments.dashboard.live_comparison import LiveComparison, Wish
from experiments.dashboard.server import DashboardOptions, run_dashboard, worlds_shown
from experiments.dashboard.session import Progress, Session
from experiments.dashboard.tabs import COMPILING, Compilation, Tabs
from experiments.dashboard.worker_process import PREVIEW, Worker
from experiments.failures import BadInput
from experiments.language import language
from tests.live_results import HORIZON, live_towns, wish
from tests.own_world import copy_of_template


class QuietChild:
    """A child that only notes what it is asked."""

    made: list[QuietChild]
    at_once = True  # it is ready as soon as it is made

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.closed = False
        self.prepared = asyncio.Event()
        if self.at_once:
            self.prepared.set()
        self.take: Any = None
        type(self).made.append(self)

    def listen(self, take: Any) -> None:
        self.take = take

    def tell_stages(self, hear: Any) -> None:
        self.hear = hear

    async def ask(self, do: str, **content: Any) -> int:
        self.asked.append(f"{do} {content['world']}")
        self.content = content
        return 1

    async def close(self) -> None:
        self.closed = True


async def entered(tabs: Tabs, tab: str) -> Any:
    """The child that a tab is given."""
    return await tabs.enter(tab)


@pytest.fixture
def children(monkeypatch: pytest.MonkeyPatch) -> list[QuietChild]:
    QuietChild.made, QuietChild.at_once = [], True
    monkeypatch.setattr(tabs_module, "Child", QuietChild)
    monkeypatch.setattr(tabs_module, "SECONDS_BETWEEN", 0.0)
    return QuietChild.made


def test_a_child_is_ready_before_the_first_tab_and_another_before_the_next(
    children: list[QuietChild],
) -> None:
    async def play() -> None:
        tabs = Tabs(3, ("towns",))
        await tabs.open()
        assert [child.asked for child in children] == [["prepare towns", "preview towns"]]
        assert children.index(await entered(tabs, "one")) == 0
        await asyncio.sleep(0.05)
        assert [child.asked for child in children[1:]] == [["prepare towns", "preview towns"]]
        assert children.index(await entered(tabs, "two")) == 1
        await asyncio.sleep(0.05)
        await tabs.close()
        assert [child.closed for child in children] == [False, False, True]

    asyncio.run(play())


def test_the_next_child_waits_until_the_one_before_has_compiled(children: list[QuietChild]) -> None:
    async def play() -> None:
        QuietChild.at_once = False
        tabs = Tabs(3, ("towns",))
        await tabs.open()
        await entered(tabs, "one")
        await asyncio.sleep(0.05)
        assert len(children) == 1  # or both would compile the same
        children[0].prepared.set()
        await asyncio.sleep(0.05)
        assert [child.asked[0] for child in children] == ["prepare towns", "prepare towns"]
        await tabs.close()

    asyncio.run(play())


def test_a_child_is_prepared_when_it_says_so_or_is_gone() -> None:
    async def said(*lines: dict[str, Any]) -> tuple[bool, list[str]]:
        child, stages = Child(), list[str]()
        child.tell_stages(lambda message: stages.append(message["stage"]))
        code = f"for line in {[json.dumps(line) for line in lines]!r}: print(line, flush=True)\ninput()"
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", code, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
        )
        child._process = process
        child._reader = asyncio.create_task(child._read(process))
        for _ in range(500):
            if child.prepared.is_set() or len(stages) == len(lines):
                break
            await asyncio.sleep(0.02)
        before = child.prepared.is_set()
        await child.close()
        assert child.prepared.is_set()
        return before, stages

    compiling = {"event": "stage", "stage": "compiling", "done": 5, "total": 330}
    assert asyncio.run(said({"event": "stage", "stage": "world"}, compiling)) == (
        False,
        ["world", "compiling"],
    )
    assert asyncio.run(said({"event": "stage", "stage": "ready"})) == (True, ["ready"])
    assert asyncio.run(said({"event": "failed", "message": "no"}))[0] is True


def test_the_terminal_is_told_what_a_first_start_waits_for() -> None:
    said: list[str] = []
    compilation = Compilation(said.append, seconds=0.0)
    compilation.hear({"stage": "world"})
    compilation.hear({"stage": "ready"})
    assert said == []  # nothing was compiled
    for done in (5, 60):
        compilation.hear({"stage": "compiling", "done": done, "total": KERNELS})
    compilation.hear({"stage": "ready"})
    assert said[0] == COMPILING
    assert said[1] == f"compiling: 60 of about {KERNELS} parts"
    assert "compiled in 0 s" in said[2]
    slow = Compilation(said.append, seconds=1000.0)
    for done in (5, 60):
        slow.hear({"stage": "compiling", "done": done, "total": KERNELS})
    assert said[3:] == [COMPILING]


def test_no_more_tabs_than_allowed_are_let_in(children: list[QuietChild]) -> None:
    async def play() -> None:
        tabs = Tabs(2, ("towns",))
        first, second, third = object(), object(), object()
        assert await tabs.enter(first) is not None
        assert await tabs.enter(second) is not None
        assert tabs.full
        assert await tabs.enter(third) is None
        await asyncio.sleep(0.05)
        assert len(children) == 2  # none waits for a tab that would not be let in
        tabs.leave(third)
        assert tabs.full
        tabs.leave(first)
        assert await tabs.enter(third) is not None
        await tabs.close()

    asyncio.run(play())


def test_a_waiting_child_that_has_died_is_not_handed_out(children: list[QuietChild]) -> None:
    async def play() -> None:
        tabs = Tabs(3, ("towns",))
        await tabs.open()
        children[0].take({"event": "ended", "code": 1})
        assert children.index(await entered(tabs, "one")) == 1
        await tabs.close()

    asyncio.run(play())


def test_what_cannot_be_shown_is_refused_before_anything_is_served(tmp_path: Path) -> None:
    own = copy_of_template(tmp_path)
    assert worlds_shown(str(own)) == (str(own), "towns", "region")
    assert worlds_shown("region") == ("region", "towns")
    with pytest.raises(BadInput, match="--world townz: unknown world 'townz'"):
        worlds_shown("townz")
    with pytest.raises(BadInput, match="too many for this page"):
        worlds_shown("villages")
    with pytest.raises(BadInput, match="--tabs 0: expected 1 to 100"):
        run_dashboard(DashboardOptions(tabs=0))


def test_stages_are_told_and_a_run_that_waits_goes_on() -> None:
    session = Session(language("en"))
    session._take({"id": 0, "event": "stage", "stage": "world"})
    assert session.progress == Progress("world")
    session._take({"id": 0, "event": "stage", "stage": "compiling", "done": 12, "total": 330})
    assert session.progress == Progress("compiling", 12, 330)
    session._run = 5
    session._take({"id": 0, "event": "stage", "stage": "ready"})
    assert session.progress == Progress("running", 0, session.runs)


def test_ready_is_said_once_when_previews_and_runs_are() -> None:
    session = Session(language("en"))
    said: list[str] = []
    session.on_change = lambda what: said.append(session.progress.stage)
    compiling = {"id": 0, "event": "stage", "stage": "compiling", "total": 330}
    session._take(compiling | {"done": 213})
    session._take({"id": 0, "event": "summary", "summary": {"stage": "preview"}})
    session._take(compiling | {"done": 240})
    assert "ready" not in said  # the preview stands, the engine is still being compiled
    session._take({"id": 0, "event": "stage", "stage": "ready"})
    session.child.prepared.set()
    session._take({"id": 0, "event": "summary", "summary": {"stage": "preview"}})
    assert said[-1] == "ready"
    assert said == sorted(said)  # never back from ready to compiling


def test_compiled_kernels_are_counted_from_the_beginning(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    old = tmp_path / "deep" / "old.nbc"
    old.touch()
    old_time = old.stat().st_mtime - 100
    os.utime(old, (old_time, old_time))
    seen: list[tuple[int, int]] = []
    with CompileWatch(tmp_path, lambda done, of: seen.append((done, of)), 0.02):
        for number in range(FEW - 1):
            (tmp_path / "deep" / f"{number}.nbc").touch()
        time.sleep(0.2)
        assert seen == []  # too few to speak of
        (tmp_path / "deep" / "last.nbc").touch()
        deadline = time.monotonic() + 30
        while not seen and time.monotonic() < deadline:
            time.sleep(0.02)
    assert set(seen) == {(FEW, KERNELS)}
    later: list[tuple[int, int]] = []
    with CompileWatch(tmp_path, lambda done, of: later.append((done, of)), 0.02, since=old_time + 50):
        time.sleep(0.2)
        assert later == []  # nothing new
        (tmp_path / "deep" / "one more.nbc").touch()
        time.sleep(0.2)
        assert later == []  # one more is nothing to speak of: it would look like a tenth of all after "Ready"
        for number in range(FEW - 1):
            (tmp_path / "deep" / f"more {number}.nbc").touch()
        deadline = time.monotonic() + 30
        while not later and time.monotonic() < deadline:
            time.sleep(0.02)
    assert set(later) == {(2 * FEW, KERNELS)}  # goes on where the first watch ended, not from nothing


def test_a_moved_slider_runs_again_only_its_own_scenario(monkeypatch: pytest.MonkeyPatch) -> None:
    live = LiveComparison("towns")
    before = wish(("settlers", "housing"))
    live.preview(before)
    asked: list[Any] = []
    original = CohortTwin.run

    def counted(
        self: CohortTwin, values: Any, levers: Any = None, horizon: int = 2045, seed: Any = None
    ) -> Any:
        asked.append(levers)
        return original(self, values, levers, horizon, seed)

    monkeypatch.setattr(CohortTwin, "run", counted)
    monkeypatch.setattr("experiments.dashboard.live_comparison.MOST_PREVIEW_DRAWS", 2)
    slot, text, future = before.scenarios[0]
    moved = Wish(
        "towns", HORIZON, 1, 3,
        ((slot, text.replace("families_a_year = 10", "families_a_year = 11"), future), before.scenarios[1]),
    )  # fmt: skip
    assert moved != before
    again = live.preview(moved)
    assert len(asked) == 2  # two draws of one scenario; the baseline and the other are known
    fresh = LiveComparison("towns").preview(moved)
    assert again["levels"] == fresh["levels"]
    assert live_towns().world.ids == live.world.ids


def test_what_is_foreseen_is_found_and_gives_way_to_the_reader(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("experiments.dashboard.live_comparison.MOST_PREVIEW_DRAWS", 2)
    asked = wish(("settlers", "housing", "networks_renewal"))
    live = LiveComparison("towns")
    runs: list[int] = []
    original = CohortTwin.run

    def counted(self: CohortTwin, *arguments: Any) -> Any:
        runs.append(1)
        return original(self, *arguments)

    monkeypatch.setattr(CohortTwin, "run", counted)
    live.foresee(asked, lambda: True)
    assert runs == []
    live.foresee(asked, lambda: len(runs) > 0)
    assert 1 <= len(runs) < 8  # it stops between paths
    live.foresee(asked, lambda: False)
    assert len(runs) == 8  # the baseline and three policies, two draws each
    seen = live.preview(asked)
    assert len(runs) == 8
    assert seen["levels"] == LiveComparison("towns").preview(asked)["levels"]


def test_a_child_answers_previews_before_what_it_foresees() -> None:
    told = io.StringIO()
    worker = Worker(told)
    queue: Queue[dict[str, Any]] = Queue()
    worker._queues[PREVIEW] = queue
    ahead, look, later = ({"do": do, "id": k} for k, do in enumerate(("foresee", "preview", "preview")))
    for message in (ahead, later):
        queue.put(message)
    assert worker._newest(PREVIEW, look) == later
    queue.put(look)
    assert worker._newest(PREVIEW, ahead) == look
    queue.put(ahead)
    assert worker._newest(PREVIEW, look) == look
    broken = {
        "do": "foresee",
        "id": 3,
        "world": "towns",
        "horizon": 2031,
        "seed": 1,
        "runs": 0,
        "scenarios": [],
    }
    worker._worlds["towns"] = live_towns()
    worker._answer(PREVIEW, broken)
    assert told.getvalue() == ""  # nobody has asked: what is wrong there is told when the reader comes there
    worker._answer(PREVIEW, {**broken, "do": "preview"})
    assert "0 scenarios: expected 1 to 4" in told.getvalue()


def test_a_tab_foresees_the_other_worlds_with_policies_that_fit_them(children: list[QuietChild]) -> None:
    async def play() -> list[str]:
        session = Session(language("en"), worlds=("towns", "region"))
        while len(session.slots) < 4:
            session.add_slot()
        child = QuietChild()
        session.adopt(child)  # type: ignore[arg-type]
        before = [slot.draft for slot in session.slots]
        await session.foresee()
        assert [slot.draft for slot in session.slots] == before
        wished = {**child.content}
        session.choose_world("region")
        assert wished == session._wish()  # just what a click on the region will ask for
        return child.asked

    assert asyncio.run(play()) == ["foresee region"]


def test_first_previews_are_worked_out_ahead_and_shown_to_who_asks_for_just_them(
    children: list[QuietChild], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tabs_module, "LOOKS_AHEAD", 2)

    async def play() -> None:
        tabs = Tabs(3, ("towns", "region"))
        await tabs.open()
        for number, name in enumerate(("coarse", "fine", "of the region", "of the region, fine")):
            assert len(children[0].asked) == 2 * (number + 1)  # one is answered before the next is asked for
            children[0].take({"id": 1, "event": "summary", "summary": {"name": name}})
            await asyncio.sleep(0.02)
        assert children[0].asked[-1] == "preview region"
        session = Session(language("kk"))
        assert session.show_look(tabs.looks)
        assert session.summary == {"name": "fine"}
        assert session.shown_slots[0].case == "A@reference"
        session.choose_world("region")
        assert session.summary is None
        assert session.show_look(tabs.looks)
        assert session.summary == {"name": "of the region, fine"}
        session.seed = 2
        assert not session.show_look(tabs.looks)
        session.seed = 1
        session.add_slot()
        assert not session.show_look(tabs.looks)  # nobody has worked out two scenarios
        await tabs.close()

    asyncio.run(play())
