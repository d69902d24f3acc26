"""Series of a figure stay apart for the colour-blind: simulated after Machado, Oliveira & Fernandes (2009)."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from numpy.typing import NDArray

from experiments.dashboard.drawing import COLOURS, DASHES

Floats = NDArray[np.float64]
# doi:10.1109/TVCG.2009.113, table of severity 1.0; on linear RGB
SIGHTS = {
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritanopia": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}
# sRGB to CIE XYZ under D65 (IEC 61966-2-1)
TO_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)
LEAST = 10.0  # in CIELAB; a difference of 2.3 is just noticeable side by side


def linear(colour: str) -> Floats:
    """Linear RGB of a colour as #rrggbb."""
    parts = np.array([int(colour[at : at + 2], 16) for at in (1, 3, 5)]) / 255
    return np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)


def lab(rgb: Floats) -> Floats:
    """CIELAB of linear RGB."""
    share = TO_XYZ @ np.clip(rgb, 0, 1) / TO_XYZ.sum(axis=1)
    bent = np.where(share > (6 / 29) ** 3, np.cbrt(share), share / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.array([116 * bent[1] - 16, 500 * (bent[0] - bent[1]), 200 * (bent[1] - bent[2])])


def apart(one: str, two: str, sight: str | None = None) -> float:
    """How far two colours are apart for a sight (None: full), CIE 1976."""
    seen = np.eye(3) if sight is None else np.array(SIGHTS[sight])
    return float(np.linalg.norm(lab(seen @ linear(one)) - lab(seen @ linear(two))))


@pytest.mark.parametrize("sight", SIGHTS)
def test_colours_of_the_series_stay_apart(sight: str) -> None:
    close = {
        (one, two): round(apart(one, two, sight), 1)
        for one, two in combinations(COLOURS, 2)
        if apart(one, two, sight) < LEAST
    }
    assert close == {}


def test_the_simulation_confuses_what_the_colour_blind_confuse() -> None:
    assert lab(linear("#ffffff")) == pytest.approx([100, 0, 0], abs=0.01)
    for sight in SIGHTS:  # white stays white
        assert np.array(SIGHTS[sight]).sum(axis=1) == pytest.approx([1, 1, 1], abs=1e-5)
    red, green = "#b45a32", "#6e782d"
    assert apart(red, green, "deuteranopia") < LEAST < apart(red, green) / 3
    blue, teal = "#0070c0", "#007878"
    assert apart(blue, teal, "tritanopia") < apart(blue, teal) / 3


def test_series_differ_by_more_than_their_colour() -> None:
    policies = DASHES[1 : len(COLOURS)]  # the baseline, grey, is solid like the first
    assert len(set(policies)) == len(policies) == len(COLOURS) - 1
