"""Structural alternatives: choices about how the world works that 2015-2020 cannot decide, as switches.

Most are values of declared parameters, which the reference draws from their priors; which migration series is believed
is a posterior of its own. A run under an alternative has the seed, the founders and all other parameters of the
reference run of the same number: differences are paired.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from experiments.failures import BadInput
from experiments.parameter_source import RECORDED
from model.declarations import DECLARATIONS
from model.problems import nearest

BOUND_UNTIL: Final = "bound_until"


@dataclass(frozen=True)
class Alternative:
    """One value of a structure.

    Attributes:
        value: as the user gives it. text: what it assumes. fixed: parameters it fixes.
        parameters: source of the calibrated parameters it needs; None leaves the user's choice.
    """

    value: str
    text: str
    fixed: Mapping[str, float] = field(default_factory=dict)
    parameters: str | None = None

    @property
    def is_reference(self) -> bool:
        """Whether it is what a forecast assumes without any switch."""
        return not self.fixed and self.parameters is None


@dataclass(frozen=True)
class Structure:
    """A structural question and its answers; the first is the reference.

    Attributes:
        parameter: that takes any number in [0, 1] instead of a named answer; "" where there is none.
    """

    name: str
    question: str
    alternatives: tuple[Alternative, ...]
    parameter: str = ""


STRUCTURES: Final = (
    Structure(
        "migration",
        "which migration series is believed",
        (
            Alternative("accounts", "the net migration that the official accounts imply"),
            Alternative(
                "recorded",
                "the balances that the paper prints (from the last count on: runs meet it)",
                parameters=RECORDED,
            ),
        ),
    ),
    Structure(
        "regime",
        "level of net migration after 2020",
        (
            Alternative("mixture", "between 2015-2020 and 2009-2020, weight drawn"),
            Alternative("2015-2020", "as in 2015-2020", {"regime_weight": 0.0}),
            Alternative("2009-2020", "as in 2009-2020", {"regime_weight": 1.0}),
        ),
    ),
    Structure(
        "hinterland",
        "h, how far arrivals follow the shrinking hinterland",
        (
            Alternative("prior", "h drawn from its prior, 0.2 to 0.9"),
            Alternative("0.2", "h = 0.2: arrivals hardly follow it", {"hinterland_weight": 0.2}),
            Alternative("0.5", "h = 0.5", {"hinterland_weight": 0.5}),
            Alternative("0.9", "h = 0.9: arrivals shrink nearly as it does", {"hinterland_weight": 0.9}),
        ),
        "hinterland_weight",
    ),
    Structure(
        "rouble",
        "exchange rate at which Russian wages are seen",
        (
            Alternative("either", "market or purchasing power, drawn"),
            Alternative("market", "market rate", {"ppp": 0.0}),
            Alternative("ppp", "purchasing power parity", {"ppp": 1.0}),
        ),
    ),
    Structure(
        "walk",
        "random walk of the hazard of leaving",
        (
            Alternative("on", "yearly sd drawn from its prior, 0 to 0.15"),
            Alternative("off", "the hazard keeps its level", {"walk_sd": 0.0}),
        ),
    ),
    Structure(
        "counts",
        "official counts of the observed years",
        (
            Alternative("met", "runs meet them, and start the forecast from the last one"),
            Alternative("free", "runs are told none after that of the start", {BOUND_UNTIL: 0.0}),
        ),
    ),
)


def last_count_met(fixed: Mapping[str, float], horizon: int) -> int:
    """Return the last 1 January up to the horizon whose official count runs meet that have these parameters fixed."""
    default = next(one.default for one in DECLARATIONS if one.name == BOUND_UNTIL)
    return min(int(fixed.get(BOUND_UNTIL, default)), horizon)


def structure(name: str) -> Structure:
    """Return a structure by name.

    Raises:
        BadInput: no such structure; names the nearest.
    """
    by_name = {one.name: one for one in STRUCTURES}
    if name not in by_name:
        raise BadInput(
            f"--structure {name}: no such structure{nearest(name, by_name)}; has {', '.join(by_name)}"
        )
    return by_name[name]


def chosen_structures(texts: Sequence[str]) -> dict[str, Alternative]:
    """Read `name=value` texts (`--structure`) into alternatives by name of the structure.

    Raises:
        BadInput: lists every text that cannot be used.
    """
    chosen: dict[str, Alternative] = {}
    faults: list[str] = []
    for text in texts:
        name, equals, value = (part.strip() for part in text.partition("="))
        try:
            if not equals:
                raise BadInput(f"--structure {text}: expected name=value")
            held = structure(name)
            if name in chosen:
                raise BadInput(f"--structure {text}: '{name}' is given twice")
            chosen[name] = _alternative(held, value, text)
        except BadInput as error:
            faults.append(str(error))
    if faults:
        raise BadInput("\n".join(faults))
    return chosen


def _alternative(held: Structure, value: str, text: str) -> Alternative:
    by_value = {one.value: one for one in held.alternatives}
    if value in by_value:
        return by_value[value]
    expected = " or ".join(by_value)
    if held.parameter:
        try:
            number = float(value)
        except ValueError:
            number = -1.0
        if 0.0 <= number <= 1.0:
            return Alternative(value, f"{held.parameter} = {number:g}", {held.parameter: number})
        expected += " or a number from 0 to 1"
    raise BadInput(f"--structure {text}: expected {expected}" + nearest(value, by_value))


def with_structures(
    chosen: Mapping[str, Alternative], fixed: Mapping[str, float], parameters: str | None
) -> tuple[dict[str, float], str | None]:
    """Return the parameters to fix and their source under chosen alternatives.

    Raises:
        BadInput: a switch contradicts --set or --parameters.
    """
    together, source = dict(fixed), parameters
    for name, one in chosen.items():
        for parameter, value in one.fixed.items():
            if parameter in fixed:
                raise BadInput(
                    f"--structure {name}={one.value}: fixes {parameter}, which --set fixes at {fixed[parameter]:g}"
                )
            together[parameter] = value
        if one.parameters is not None:
            if parameters not in (None, one.parameters):
                raise BadInput(
                    f"--structure {name}={one.value}: takes --parameters {one.parameters}, not {parameters}"
                )
            source = one.parameters
    return together, source
