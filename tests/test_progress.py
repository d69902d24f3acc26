"""What the terminal says before and while an ensemble runs."""

from __future__ import annotations

import pytest

from experiments.progress import COMPILING, announce_compiling, run_progress


@pytest.fixture(autouse=True)
def _nothing_said_yet() -> None:
    announce_compiling.cache_clear()


@pytest.mark.parametrize(
    ("cached", "done", "quiet", "said"),
    [(False, 0, False, 1), (True, 0, False, 0), (False, 5, False, 0), (False, 0, True, 0)],
    ids=["kernels missing", "kernels there", "nothing to run", "quiet"],
)
def test_waiting_for_the_compiler_is_announced_once(
    cached: bool, done: int, quiet: bool, said: int,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.setattr("model.compiled.KERNELS_ARE_CACHED", cached)
    for _ in range(2):
        with run_progress("towns", 5, done, quiet) as advance:
            advance()
    printed = capsys.readouterr()
    assert printed.err.count(COMPILING) == said
    assert printed.out == ""


def test_time_left_is_reckoned_without_the_time_of_compiling(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("model.compiled.KERNELS_ARE_CACHED", True)
    clock = iter([0.0, 90.0, 120.0, 150.0, 210.0])  # start, then the end of each run: the first compiles
    monkeypatch.setattr("experiments.progress.time.monotonic", lambda: next(clock))
    with run_progress("towns", 20, 0, quiet=False) as advance:
        for _ in range(4):
            advance()
    assert capsys.readouterr().err.splitlines() == [
        "towns: 1 of 20 runs",
        "towns: 3 of 20 runs, about 9 min left",  # 17 runs of 30 s each, not of 50 s
        "towns: 4 of 20 runs, about 11 min left",
    ]
