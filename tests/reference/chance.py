"""Chance: the keyed draws of `model/draws.py`, the only code of the model that the reference shares.

A draw is a pure function of (seed, year, key, purpose); whoever asks first, or last, gets the same answer.
"""

from __future__ import annotations

import numpy as np

from model import draws

Key = np.uint64
uniform = draws.uniform  # (key, salt) -> [0, 1)
normal = draws.normal  # (key, salt) -> standard normal


class Salts(dict[int, np.uint64]):
    """What all draws of one purpose share in one year of one run (year 0: traits for life)."""

    def __init__(self, seed: np.uint64, year: int) -> None:
        super().__init__()
        self.seed, self.year = seed, year

    def __missing__(self, purpose: int) -> np.uint64:
        self[purpose] = draws.salt_of(self.seed, self.year, purpose)
        return self[purpose]


def bits(key: Key, salt: np.uint64) -> Key:
    """64 random bits for one key."""
    return Key(draws.draw(key, salt))


def bits_of(key: Key, salt: np.uint64, alternative: Key | int) -> Key:
    """64 random bits for one key and one alternative."""
    return Key(draws.draw_alternative(key, salt, Key(alternative)))


def uniform_of(key: Key, salt: np.uint64, alternative: Key | int) -> float:
    """Uniform draw for one key and one alternative."""
    return draws.unit(bits_of(key, salt, alternative))
