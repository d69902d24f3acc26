"""Live results for tests of the page: made once a process by the real model and the twin, with few runs."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from experiments.dashboard.draft import draft_of_library
from experiments.dashboard.live_comparison import LiveComparison, Wish
from experiments.dashboard.live_summary import Summary
from experiments.dashboard.session import Session, Slot
from experiments.language import language

HORIZON = 2031
POLICIES = ("settlers", "housing", "baseline", "networks_renewal")


@cache
def live_towns() -> LiveComparison:
    """The towns, ready to run."""
    return LiveComparison("towns")


def wish(policies: Sequence[str] = POLICIES, runs: int = 3, future: str = "reference", seed: int = 1) -> Wish:
    """A wish for shipped policies under a future."""
    scenarios = tuple(
        (letter, draft_of_library(name).toml(), future)
        for letter, name in zip("ABCD", policies, strict=False)
    )
    return Wish("towns", HORIZON, seed, runs, scenarios)


@cache
def live_run() -> Summary:
    """A finished run of all policies."""
    return live_towns().run(wish(), lambda done, total: None, lambda part: None, lambda: False, threads=2)


def session_with(summary: Summary, lang: str) -> Session:
    """A tab that shows results of the test's policies."""
    session = Session(
        language(lang),
        slots=[Slot(letter, draft_of_library(p)) for letter, p in zip("ABCD", POLICIES, strict=True)],
    )
    session.summary, session.shown_slots = summary, tuple(session.slots)
    return session
