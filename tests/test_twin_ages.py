"""Ages of the cohort twin beside the engine's."""

from __future__ import annotations

import pytest

from calibration.twin_ages import AGE_GROUPS, measure_ages
from model.founding import build_founding
from model.parameters import ParameterSpace
from model.world import load_world


def test_age_groups_hold_everybody_once_and_start_alike() -> None:
    world = load_world("towns")
    assert [first for first, _ in AGE_GROUPS[1:]] == [last + 1 for _, last in AGE_GROUPS[:-1]]
    gaps = measure_ages(world, build_founding(world), ParameterSpace(world).defaults(), seeds=4, horizon=2016)
    assert sum(gap.mean for gap in gaps) == pytest.approx(33_600, rel=0.01)
    # A year on, nobody has aged far from the founders that both share
    assert all(abs(gap.relative) < 0.02 for gap in gaps), gaps
    assert all(gap.error > 0 for gap in gaps)
