"""Values of the declared parameters for one world: defaults, prior draws, overrides from the command line.

Names are those of `declarations.py`; a parameter with one value per place is written `omega.bulaevo`,
and `omega=0.9` sets it for all places at once.
"""

from __future__ import annotations

import difflib
import math
from collections import namedtuple
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model import draws
from model.declarations import DECLARATIONS, Declaration, village_declarations
from model.priors import LogNormal, Normal, Prior, TruncatedNormal
from model.world import World

# Wage relative to the region by kind of place (docs/specification.md section 5); other kinds follow their own series.
OMEGA_BY_KIND = {"town": (0.83, 0.06), "regional_centre": (1.08, 0.06), "rural_district": (0.80, 0.08)}
OMEGA_ELSEWHERE = (1.0, 0.08)
# Spread of the in/out ratio where it is centred on a place's own accounts instead of the towns' prior.
IN_OUT_SPREAD_FROM_ACCOUNTS = 0.10
LEAST_LEAVING = 1e-9  # a world may say that nobody leaves a place


class ParameterError(ValueError):
    """A parameter that does not exist, or a value outside its range: a line a fault, with the nearest valid name.

    Example:
        >>> from model.parameters import ParameterError, ParameterSpace
        >>> from model.world import load_world
        >>> try:
        ...     ParameterSpace(load_world("towns")).parse(["tua=0.5", "chi=7"])
        ... except ParameterError as faults:
        ...     print(str(faults).splitlines()[0])
        --set tua=0.5: unknown parameter 'tua'; did you mean 'tau'? (forecast --list-parameters prints all)
    """


@dataclass(frozen=True)
class Parameter:
    """One value of the model in one world: its declaration, its place (or "") and its own default and prior."""

    declaration: Declaration
    place: str
    default: float
    prior: Prior | None

    @property
    def name(self) -> str:
        """Full name, `omega.bulaevo` for a parameter of a place."""
        return f"{self.declaration.name}.{self.place}" if self.place else self.declaration.name


def places_of(declaration: Declaration, world: World) -> tuple[str, ...]:
    """Ids of the places for which a declaration holds one value each (empty for a single value)."""
    if declaration.per == "simulated":
        return world.ids[: world.n_sim]
    if declaration.per == "waged":
        return tuple(world.ids[i] for i in waged_places(world))
    if declaration.per == "hinterland":
        return tuple(place for place, role in zip(world.ids, world.role, strict=True) if role == "hinterland")
    return ()


def waged_places(world: World) -> list[int]:
    """Indices of places whose wage is a ratio to a regional series: the simulated, and external ones beside them."""
    home_series = {world.driver_series[i] for i in range(world.n_sim)}
    beside = [
        i
        for i in range(world.n_sim, world.n_all)
        if world.is_destination[i] and world.driver_series[i] in home_series
    ]
    return list(range(world.n_sim)) + beside


def _place_parameter(declaration: Declaration, place: str, world: World) -> Parameter:
    """Default and prior of a per-place parameter: the declaration's own, or the place's where its kind differs."""
    index = world.ids.index(place)
    kind = world.kind[index]
    if declaration.name == "omega":
        median, sd = OMEGA_BY_KIND.get(kind, OMEGA_ELSEWHERE)
        return Parameter(declaration, place, median, LogNormal(median, sd))
    if declaration.name == "hinterland_decline":
        decline = float(world.hinterland_decline[index])
        return Parameter(declaration, place, decline, Normal(decline, 0.006))
    if declaration.name == "in_out" and kind != "town":
        leaving = max(LEAST_LEAVING, 0.025 * float(world.leaving_rate_ratio[index]))
        centre = min(1.6, max(0.05, 1.0 + float(world.net_rate_2015_2020[index]) / leaving))
        return Parameter(
            declaration, place, centre, TruncatedNormal(centre, IN_OUT_SPREAD_FROM_ACCOUNTS, 0.0, 3.0)
        )
    return Parameter(declaration, place, declaration.default, declaration.prior)


class ParameterSpace:
    """All parameters of one world, in a fixed order, with drawing and validation.

    Unit, prior, range and source of each stand in its `declaration` (`model/data/parameters.csv`).

    Attributes:
        world: the world. parameters: all of them, in the declared order. by_name: the same by full name.

    Example:
        >>> from model.parameters import ParameterSpace
        >>> from model.world import load_world
        >>> space = ParameterSpace(load_world("towns"))
        >>> space.by_name["tau"].declaration.unit, space.defaults()["tau"]
        ('1', 0.6)
        >>> one = space.draw(seed=1, number=0)
        >>> other = space.draw(seed=1, number=0, fixed={"chi": 0.3})
        >>> [name for name, value in one.as_rows() if other[name] != value]
        ['chi']
    """

    def __init__(self, world: World) -> None:
        self.world = world
        parameters: list[Parameter] = []
        # Villages have no figures of their own: they share those of their district
        holder = world if world.villages is None else world.villages.base
        own = () if world.villages is None else village_declarations()
        for declaration in (*DECLARATIONS, *own):
            if declaration.per:
                parameters.extend(
                    _place_parameter(declaration, place, holder) for place in places_of(declaration, holder)
                )
            else:
                parameters.append(Parameter(declaration, "", declaration.default, declaration.prior))
        self.parameters: tuple[Parameter, ...] = tuple(parameters)
        self.by_name: dict[str, Parameter] = {parameter.name: parameter for parameter in parameters}

    @cached_property
    def _keys(self) -> tuple[np.uint64, ...]:
        return tuple(draws.text_key(parameter.name) for parameter in self.parameters)

    def defaults(self) -> ParameterValues:
        """Every parameter at its declared default."""
        return ParameterValues(self, {parameter.name: parameter.default for parameter in self.parameters})

    def draw(self, seed: int, number: int, fixed: Mapping[str, float] | None = None) -> ParameterValues:
        """Draw `number` from the joint prior (independent across parameters, one keyed uniform each).

        A parameter's draw depends on its own name only, so that a new parameter, or a fixed one,
        leaves the draws of all others as they were. `fixed` replaces drawn values by full name and is taken as it
        is: check it before (`parse`, `check`).
        """
        salted = draws.run_seed(seed, number, draws.PARAMETER)
        values: dict[str, float] = {}
        for parameter, key in zip(self.parameters, self._keys, strict=True):
            if parameter.prior is None:
                value = parameter.default
            else:
                bits = int(draws.draw(key, salted)) >> 12
                value = parameter.prior.quantile((bits + 0.5) * 2.0**-52)
                value = min(parameter.declaration.high, max(parameter.declaration.low, value))
            values[parameter.name] = value
        values.update(fixed or {})
        return ParameterValues(self, values)

    def check(self, name: str, value: float, where: str) -> None:
        """Refuse an unknown name or a value out of range (`where` says who gave it).

        Raises:
            ParameterError: names the parameter, its range, unit and meaning, or the nearest valid name.
        """
        if name not in self.by_name:
            raise ParameterError(self._unknown(name, where))
        declaration = self.by_name[name].declaration
        if not math.isfinite(value) or not declaration.low <= value <= declaration.high:
            raise ParameterError(
                f"{where}: {name} = {value:g} is outside its range {declaration.low:g} to {declaration.high:g} "
                f"({declaration.unit}; {declaration.meaning})"
            )

    def _unknown(self, name: str, where: str) -> str:
        bases = [d.name for d in DECLARATIONS]
        near = difflib.get_close_matches(name, [*self.by_name, *bases], n=1, cutoff=0.5)
        hint = f"; did you mean '{near[0]}'?" if near else ""
        return f"{where}: unknown parameter '{name}'{hint} (forecast --list-parameters prints all)"

    def parse(self, assignments: Sequence[str]) -> dict[str, float]:
        """Read `name=value` texts (`--set`) into full names and checked values.

        Raises:
            ParameterError: lists every fault at once.

        Example:
            >>> from model.parameters import ParameterSpace
            >>> from model.world import load_world
            >>> ParameterSpace(load_world("towns")).parse(["chi=0.3", "omega.mamlyutka=0.9"])
            {'chi': 0.3, 'omega.mamlyutka': 0.9}
        """
        chosen: dict[str, float] = {}
        faults: list[str] = []
        for text in assignments:
            name, equals, number = text.partition("=")
            name = name.strip()
            where = f"--set {text}"
            try:
                if not equals:
                    raise ParameterError(f"{where}: expected name=value")
                try:
                    value = float(number)
                except ValueError:
                    raise ParameterError(f"{where}: '{number.strip()}' is not a number") from None
                for full in self.expand(name, where):
                    self.check(full, value, where)
                    chosen[full] = value
            except ParameterError as fault:
                faults.append(str(fault))
        if faults:
            raise ParameterError("\n".join(faults))
        return chosen

    def expand(self, name: str, where: str) -> list[str]:
        """Full names behind a name: itself, or one per place when only the parameter is named.

        Raises:
            ParameterError: no such name.
        """
        if name in self.by_name:
            return [name]
        full = [parameter.name for parameter in self.parameters if parameter.declaration.name == name]
        if not full:
            raise ParameterError(self._unknown(name, where))
        return full


SCALAR_NAMES: tuple[str, ...] = tuple(d.name for d in DECLARATIONS if not d.per)
# Every single-valued parameter as a field: by name for Python, and as the one-row table that kernels take
# (numba hands over a structured array in half a microsecond, a named tuple of eighty floats in twelve).
Settings: Any = namedtuple("Settings", SCALAR_NAMES)  # type: ignore[misc]
SETTINGS_TYPE = np.dtype([(name, np.float64) for name in SCALAR_NAMES])


@dataclass(frozen=True)
class ParameterValues:
    """One complete set of parameter values, in the declared units.

    Example:
        >>> from model.parameters import ParameterSpace
        >>> from model.world import load_world
        >>> values = ParameterSpace(load_world("towns")).defaults()
        >>> values["omega.mamlyutka"], values.by_place("omega").shape
        (0.83, (15,))
        >>> values.with_values({"omega.mamlyutka": 0.9})["omega.mamlyutka"]
        0.9
    """

    space: ParameterSpace
    values: Mapping[str, float]

    def __getitem__(self, name: str) -> float:
        return self.values[name]

    def settings(self) -> Any:
        """Single-valued parameters as a named tuple of floats."""
        return Settings(*(float(self.values[name]) for name in SCALAR_NAMES))

    def table(self) -> NDArray[Any]:
        """Single-valued parameters as the one-row structured array that kernels take."""
        return np.array([tuple(float(self.values[name]) for name in SCALAR_NAMES)], SETTINGS_TYPE)

    def by_place(self, name: str, fill: float = 0.0) -> NDArray[np.float64]:
        """Per-place parameter as float64[n_all]; places without a value hold `fill`."""
        world = self.space.world
        values = (self.values.get(f"{name}.{place}", fill) for place in world.holders)
        return np.fromiter(values, dtype=np.float64, count=world.n_all)

    def with_values(self, changes: Mapping[str, float]) -> ParameterValues:
        """Copy with some values changed, by full name.

        Raises:
            ParameterError: an unknown name, or a value out of its range.
        """
        for name, value in changes.items():
            self.space.check(name, value, "parameters")
        return replace(self, values={**self.values, **changes})

    def as_rows(self) -> Iterable[tuple[str, float]]:
        """Name and value of every parameter, in the declared order."""
        return ((parameter.name, self.values[parameter.name]) for parameter in self.space.parameters)
