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
