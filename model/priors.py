"""Prior distributions of the declared parameters, drawn by inverse CDF from one keyed uniform each."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

from scipy.special import betaincinv, ndtr, ndtri


class Prior(Protocol):
    """A one-dimensional prior."""

    def quantile(self, u: float) -> float:
        """Value below which the share `u` in (0, 1) of the prior lies."""
        ...

    def describe(self) -> str:
        """Short text for `--list-parameters`."""
        ...


@dataclass(frozen=True)
class Normal:
    """Normal prior."""

    mean: float
    sd: float

    def quantile(self, u: float) -> float:
        """Normal quantile."""
        return float(self.mean + self.sd * ndtri(u))

    def describe(self) -> str:
        """Mean and standard deviation."""
        return f"N({self.mean:g}, {self.sd:g})"


@dataclass(frozen=True)
class TruncatedNormal:
    """Normal prior cut to (low, high)."""

    mean: float
    sd: float
    low: float
    high: float

    def quantile(self, u: float) -> float:
        """Quantile of the truncated normal."""
        below, above = ndtr((self.low - self.mean) / self.sd), ndtr((self.high - self.mean) / self.sd)
        return float(self.mean + self.sd * ndtri(below + u * (above - below)))

    def describe(self) -> str:
        """Mean, standard deviation and cuts."""
        return f"N({self.mean:g}, {self.sd:g}) in ({self.low:g}, {self.high:g})"


@dataclass(frozen=True)
class LogNormal:
    """Log-normal prior, given by its median and the standard deviation of the logarithm."""

    median: float
    sd: float

    def quantile(self, u: float) -> float:
        """Log-normal quantile."""
        return float(self.median * math.exp(self.sd * ndtri(u)))

    def describe(self) -> str:
        """Median and log standard deviation."""
        return f"LogN(ln {self.median:g}, {self.sd:g})"


@dataclass(frozen=True)
class Uniform:
    """Uniform prior."""

    low: float
    high: float

    def quantile(self, u: float) -> float:
        """Linear in `u`."""
        return self.low + u * (self.high - self.low)

    def describe(self) -> str:
        """Range."""
        return f"U({self.low:g}, {self.high:g})"


@dataclass(frozen=True)
class Triangular:
    """Triangular prior: a best guess inside a plausible range (how the literature's ranges are read)."""

    low: float
    mode: float
    high: float

    def quantile(self, u: float) -> float:
        """Triangular quantile."""
        width = self.high - self.low
        cut = (self.mode - self.low) / width
        if u < cut:
            return self.low + math.sqrt(u * width * (self.mode - self.low))
        return self.high - math.sqrt((1.0 - u) * width * (self.high - self.mode))

    def describe(self) -> str:
        """Low, mode, high."""
        return f"Tri({self.low:g}, {self.mode:g}, {self.high:g})"


@dataclass(frozen=True)
class Beta:
    """Beta prior on [0, 1]."""

    a: float
    b: float

    def quantile(self, u: float) -> float:
        """Beta quantile."""
        return float(betaincinv(self.a, self.b, u))

    def describe(self) -> str:
        """Shape parameters."""
        return f"Beta({self.a:g}, {self.b:g})"


@dataclass(frozen=True)
class SpikeHalfNormal:
    """Half-normal prior with a lump of mass at zero (the effect may not exist at all)."""

    mass_at_zero: float
    sd: float

    def quantile(self, u: float) -> float:
        """Zero up to the lump, half-normal quantile above it."""
        if u <= self.mass_at_zero:
            return 0.0
        inside = (u - self.mass_at_zero) / (1.0 - self.mass_at_zero)
        return float(self.sd * ndtri(0.5 + 0.5 * inside))

    def describe(self) -> str:
        """Lump and scale."""
        return f"{self.mass_at_zero:.0%} at 0, else half-N({self.sd:g})"


@dataclass(frozen=True)
class Choice:
    """Equally likely levels of a structural switch."""

    levels: tuple[float, ...]

    def quantile(self, u: float) -> float:
        """Level of the share `u`."""
        return self.levels[min(len(self.levels) - 1, int(u * len(self.levels)))]

    def describe(self) -> str:
        """Levels."""
        return "one of " + ", ".join(f"{level:g}" for level in self.levels)
