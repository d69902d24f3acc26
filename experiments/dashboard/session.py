"""What one browser tab holds: its scenarios, its choices, its results. Nothing of it is shared with another tab."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from experiments.dashboard.child import Child
from experiments.dashboard.draft import Draft, draft_of_library
from experiments.language import Language, kept_together, language
from experiments.language_refusals import ENDED
from model.world import World, load_world
from scenarios.library import names
from scenarios.policy import Future
from scenarios.reading import load_future, load_policy
from scenarios.selection import places_of

SLOTS = ("A", "B", "C", "D")
FIRST_POLICIES = ("settlers", "housing", "networks_renewal", "zone_as_declared")
DEFAULT_RUNS = {"towns": 40, "region": 8}
OWN_RUNS = 20  # of a world of the user's own
HORIZON, MOST_RUNS = 2045, 1000
HORIZONS = tuple(range(2030, 2061, 5))  # beyond, the bands say nothing that would help anybody
Message = dict[str, Any]
Summary = dict[str, Any]


@lru_cache(maxsize=8)
def known_world(name: str) -> World:
    """A shipped world, or one's own by the path of its file, read once."""
    return load_world(name)


@lru_cache(maxsize=32)
def shipped_future(name: str) -> Future:
    """A shipped future, read once."""
    return load_future(name)


@dataclass
class Slot:
    """One of the scenarios that stand side by side."""

    letter: str
    draft: Draft
    future: str = "reference"

    @property
    def case(self) -> str:
        """Name of the scenario in the results."""
        return f"{self.letter}@{self.future}"

    @property
    def baseline(self) -> str:
        """Name of what it is compared with."""
        return f"baseline@{self.future}"


@dataclass
class Progress:
    """How far a run is: `done` of `total` runs, or of kernels while `stage` is compiling.

    `stage` is one of starting, world, compiling, ready, running.
    """

    stage: str = "starting"
    done: int = 0
    total: int = 0


@dataclass
class Session:
    """State of one tab.

    Attributes:
        on_change: called with what has changed: "results", "progress", "failure", "view".
        worlds: names that can be chosen; a world of the user's own by its path. horizon: last 1 January.
        failure: what was refused or failed, in English; `language_refusals.refusal` says it in another language.
        summary: what is shown; None before the first preview. shown_slots: the slots it was made for.
    """

    lang: Language
    on_change: Callable[[str], None] = lambda what: None
    worlds: Sequence[str] = tuple(DEFAULT_RUNS)
    world_name: str = "towns"
    horizon: int = HORIZON
    runs: int = DEFAULT_RUNS["towns"]
    seed: int = 1
    slots: list[Slot] = field(default_factory=lambda: [Slot("A", draft_of_library(FIRST_POLICIES[0]))])
    active: int = 0
    place: str = "all"
    figure: str = "population"
    map_year: int = 2026
    map_case: str = ""
    summary: Summary | None = None
    shown_slots: tuple[Slot, ...] = ()
    progress: Progress = field(default_factory=Progress)
    failure: str = ""
    view: Message | None = None

    def __post_init__(self) -> None:
        """Prepare the child; nothing runs yet."""
        self.adopt(Child())
        self._latest = 0  # answers to older questions about results are out of date
        self._run = 0
        self._asked: tuple[Slot, ...] = ()

    def adopt(self, child: Child) -> None:
        """Take a child process, which may be ready already."""
        self.child = child
        child.listen(self._take)

    # ---- choices ----

    @property
    def world(self) -> World:
        """The world of this tab."""
        return known_world(self.world_name)

    @property
    def slot(self) -> Slot:
        """The scenario being edited."""
        return self.slots[self.active]

    def speak(self, code: str) -> None:
        """Change the language."""
        self.lang = language(code)

    def _first_policy(self) -> str:
        """A policy not yet shown that fits the world; the baseline where none does."""
        shown = {slot.draft.base for slot in self.slots}
        fitting = [
            name for name in (*FIRST_POLICIES, *policy_names()) if not missing_places(name, self.world)
        ]
        return next((name for name in fitting if name not in shown), fitting[0] if fitting else "baseline")

    def add_slot(self) -> None:
        """One more scenario, started from a policy not yet shown; at most four."""
        if len(self.slots) < len(SLOTS):
            letter = next(letter for letter in SLOTS if letter not in {slot.letter for slot in self.slots})
            self.slots.append(Slot(letter, draft_of_library(self._first_policy())))
            self.active = len(self.slots) - 1

    def remove_slot(self) -> None:
        """Take the scenario being edited away; one always stays."""
        if len(self.slots) > 1:
            del self.slots[self.active]
            self.active = min(self.active, len(self.slots) - 1)

    def choose_world(self, name: str) -> None:
        """Another world: results of the former one are dropped, shipped policies that do not fit it are replaced."""
        self.world_name, self.runs = name, DEFAULT_RUNS.get(name, OWN_RUNS)
        self.place, self.summary, self.view, self.map_case = "all", None, None, ""
        for slot in self.slots:
            base = slot.draft.base
            if base and not slot.draft.changed and missing_places(base, self.world):
                slot.draft = draft_of_library(self._first_policy())

    def world_title(self, name: str) -> str:
        """Title of a world in the reader's language."""
        titles = known_world(name).title
        return titles.get(self.lang.code) or titles["en"]

    def title(self, slot: Slot) -> str:
        """Letter, policy and future of a scenario in the reader's language."""
        titles = slot.draft.titles
        words = titles.get(self.lang.code) or titles["en"]
        changed = f" ({self.lang.text('changed')})" if slot.draft.changed else ""
        under = (
            "" if slot.future == "reference" else f" · {shipped_future(slot.future).title(self.lang.code)}"
        )
        return kept_together(f"{slot.letter}: {words}{changed}{under}")

    # ---- the child ----

    def _wish(self) -> Message:
        return {
            "world": self.world_name,
            "horizon": self.horizon,
            "seed": self.seed,
            "runs": self.runs,
            "scenarios": [
                {"slot": slot.letter, "policy": slot.draft.toml(), "future": slot.future}
                for slot in self.slots
            ],
        }

    async def warm(self, child: Child) -> int:
        """Let a child that waits for a tab work out the first preview of such a session: its paths are kept.

        Returns:
            Number of the question, which the answer carries.
        """
        await child.ask("prepare", world=self.world_name)
        return await child.ask("preview", **self._wish())

    @property
    def wished(self) -> str:
        """What a preview depends on: two sessions with the same text see the same preview."""
        return json.dumps({key: value for key, value in self._wish().items() if key != "runs"})

    def show_look(self, looks: Mapping[str, Summary]) -> bool:
        """Show a preview that has been worked out ahead, where there is one of just these scenarios."""
        look = looks.get(self.wished)
        if look is not None:
            self.summary, self.shown_slots, self.failure = look, self._copies(), ""
        return look is not None

    async def prepare(self, looks: Mapping[str, Summary] = MappingProxyType({})) -> None:
        """Start the child and let it make the world ready.

        Args:
            looks: first previews worked out ahead, by what they depend on (`wished`).
        """
        await self._stop_run()
        self.progress = Progress("starting")
        self._latest = 0
        before = self.summary
        known = self.show_look(looks)
        if self.summary is not before:
            self.on_change("results")
        await self.child.ask("prepare", world=self.world_name)
        if not known:
            await self.preview()
        elif self.child.prepared.is_set():
            self.progress = Progress("ready")
            self.on_change("progress")

    async def preview(self) -> None:
        """Ask for a first look; a run under way is stopped, as it is of other scenarios."""
        await self._stop_run()
        self._asked = self._copies()
        self._latest = await self.child.ask("preview", **self._wish())

    async def foresee(self) -> None:
        """Let the child work out, while the reader looks, what the other worlds would show of these scenarios."""
        for name in self.worlds:
            if name != self.world_name and not self.is_running:
                there = Session(self.lang, worlds=self.worlds, horizon=self.horizon, seed=self.seed)
                there.slots = [replace(slot) for slot in self.slots]
                there.choose_world(name)
                await self.child.ask("foresee", **there._wish())

    async def run(self) -> None:
        """Run the ensemble on the real model."""
        self.failure = ""
        self._asked = self._copies()
        self.progress = Progress("running", 0, self.runs)
        self.on_change("progress")
        self._latest = self._run = await self.child.ask("compare", **self._wish())

    async def cancel(self) -> None:
        """Stop the run; what it has shown so far stays."""
        await self._stop_run()
        self.progress = Progress("ready")
        self.on_change("progress")

    async def _stop_run(self) -> None:
        if self._run:
            if self._latest == self._run:
                self._latest = 0  # a look at the runs that is still under way is not shown after the stop
            self._run = 0
            await self.child.ask("cancel")

    async def open_run(self, number: int) -> None:
        """Open a run for the inspect page."""
        slot = self.slot
        wish = {
            **self._wish(),
            "scenarios": [{"slot": slot.letter, "policy": slot.draft.toml(), "future": slot.future}],
        }
        await self.child.ask("open", run=number, **wish)

    async def close(self) -> None:
        """The tab is closed: end what it runs."""
        await self.child.close()

    def _copies(self) -> tuple[Slot, ...]:
        """The scenarios as they are asked for now; later changes do not rename older results."""
        return tuple(
            Slot(
                s.letter,
                Draft(s.draft.name, s.draft.base, dict(s.draft.titles), changed=s.draft.changed),
                s.future,
            )
            for s in self.slots
        )

    def _take(self, message: Message) -> None:
        """An answer of the child."""
        event, number = message["event"], message.get("id", 0)
        if event == "summary" and number == self._latest:
            self.summary, self.shown_slots, self.failure = message["summary"], self._asked, ""
            # A preview stands before the engine is compiled: "ready" is said once, when both are
            if not self._run and self.child.prepared.is_set():
                self.progress = Progress("ready")
            self.on_change("results")
        elif event == "progress" and number == self._run:
            self.progress = Progress("running", message["done"], message["total"])
        elif event in ("done", "cancelled") and number == self._run and self._run:
            self._run = 0
            self.progress = Progress("ready")
        elif event == "stage":
            self._take_stage(message)
        elif event == "view":
            self.view = message["view"]
            self.on_change("view")
        elif event in ("failed", "ended"):
            self.failure = message.get("message") or ENDED
            self._run = 0
            self.progress = Progress("ready")
            self.on_change("failure")
        self.on_change("progress")

    def _take_stage(self, message: Message) -> None:
        """How far the child has come in making itself ready; a run that waits for it goes on by itself."""
        if message["stage"] == "compiling":
            self.progress = Progress("compiling", message["done"], message["total"])
        elif message["stage"] == "world" and self.summary is None:
            self.progress = Progress("world")
        elif message["stage"] == "ready" and self._run and self.progress.stage == "compiling":
            self.progress = Progress("running", 0, self.runs)
        elif message["stage"] == "ready" and not self._run and self.summary is not None:
            self.progress = Progress("ready")

    @property
    def is_running(self) -> bool:
        """Whether a run is under way."""
        return self._run != 0


def missing_places(policy: str, world: World) -> tuple[str, ...]:
    """Places and groups of places that a shipped policy names and a world does not have."""
    missing: dict[str, None] = {}
    for _, _, lever in load_policy(policy).levers.items():
        named = (*(getattr(lever, "places", None) or ()), *filter(None, [getattr(lever, "place", None)]))
        missing |= {one: None for one in named if one not in world.ids and not places_of((one,), world)}
    return tuple(missing)


def policy_names() -> tuple[str, ...]:
    """Shipped policies that can be compared with the baseline."""
    return tuple(name for name in names("policy") if name != "baseline")
