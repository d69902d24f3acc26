"""BorderModel: the engine as a Mesa model, to be stepped, inspected and changed from a prompt.

model = BorderModel(seed=1)
model.run_for(10)
model.settlements[0].omega = 0.95
model.agents.select(agent_type=Household).groupby("place").count()
model.datacollector.get_agenttype_vars_dataframe(Settlement)
"""

from __future__ import annotations

import copy
import functools
from collections.abc import Iterator, Mapping
from typing import Any

import mesa
import numpy as np
from numpy.typing import NDArray

from model import agent_rows, mesa_seam
from model.agent_rows import AgentRows
from model.agents import Destination, Household, Settlement, Zone
from model.census import Census
from model.collector import Reporters, SettlementCollector
from model.engine import Engine
from model.founding import Founding, build_founding
from model.levers import Levers
from model.parameters import ParameterSpace, ParameterValues
from model.record import Record
from model.village_engine import engine_for
from model.world import World, load_world
from model.zone_agent import zones_of
from model.zones import qyzyljar_projects

KEPT_FOUNDINGS = 4


@functools.lru_cache(maxsize=KEPT_FOUNDINGS)
def _named_world(name: str) -> World:
    return load_world(name)


@functools.lru_cache(maxsize=KEPT_FOUNDINGS)
def _shared_founding(world: World, household_size: float) -> Founding:
    """Founding population shared read-only by the models of a world in this process."""
    return build_founding(world, household_size=household_size)


class BorderModel(mesa.Model):
    """One run of one world, a genuine Mesa model. One step is a calendar year; the state is dated 1 January.

    Args:
        world: name of a shipped world, path of a .toml file, or a World.
        seed: the run's seed, `draws.run_seed(...)` for a row of an ensemble; `rng` is Mesa's name for it.
            None: a fresh one, kept in `model.seed`.
        values: a complete set of parameter values; or a mapping of those that differ from the defaults.
        founding: founding population; None: the world's, of the declared household size.
        levers: what policies and futures change. horizon: last 1 January that is reached.
        model_reporters, agent_reporters, agenttype_reporters: a user's own, beside the settlements' series.

    Attributes:
        engine: the plain engine that runs the year. datacollector: collects on every 1 January.
        seed: uint64, with which the run can be repeated.

    Raises:
        WorldError, ParameterError: a world or parameter that cannot be used.
        ValueError: seed and rng both given, or a horizon before the start.
        LeversError: levers of another world, or that end before the horizon.

    Example:
        >>> from model.border_model import BorderModel
        >>> model = BorderModel("towns", seed=1, horizon=2017)
        >>> print(model.year, model.population, [town.id for town in model.settlements])
        2015 33645 ['bulaevo', 'mamlyutka', 'sergeevka', 'tayynsha']
        >>> model.run_for(5)  # stops at the horizon
        >>> model.year, model.running
        (2017, False)
    """

    def __init__(
        self,
        world: str | World = "towns",
        seed: int | np.integer[Any] | None = None,
        values: ParameterValues | Mapping[str, float] | None = None,
        founding: Founding | None = None,
        levers: Levers | None = None,
        horizon: int = 2045,
        *,
        rng: int | np.integer[Any] | np.random.Generator | None = None,
        model_reporters: Reporters | None = None,
        agent_reporters: Reporters | None = None,
        agenttype_reporters: dict[type, Reporters] | None = None,
    ) -> None:
        if seed is not None and rng is not None:
            raise ValueError("give seed or rng, not both: they are two names of the seed of the run")
        self.seed = _as_seed(seed if rng is None else rng)
        super().__init__(rng=int(self.seed))
        self.last_agent_id = 0
        place = _named_world(world) if isinstance(world, str) else world
        if not isinstance(values, ParameterValues):
            values = ParameterSpace(place).defaults().with_values(values or {})
        if founding is None:
            founding = _shared_founding(place, values["household_size"])
        self.engine = engine_for(place, founding, values, self.seed, levers, horizon)
        self.census = Census(self.engine)
        self.settlements: list[Settlement] = [Settlement(self, index) for index in range(place.n_sim)]
        self.destinations: list[Destination] = [
            Destination(self, index)
            for index in range(place.n_sim, place.n_all)
            if place.is_destination[index]
        ]
        projects = (qyzyljar_projects(place) if self.levers.qyzyljar else ()) + self.levers.projects
        self.zones: list[Zone] = [Zone(self, name, rows) for name, rows in zones_of(projects).items()]
        self.datacollector: mesa.DataCollector = SettlementCollector(
            model_reporters, agent_reporters, agenttype_reporters
        )
        self.datacollector.collect(self)

    # ---- the year ----

    def step(self) -> None:
        """One calendar year.

        Raises:
            RuntimeError: the horizon is reached.
            AccountsError: the accounts of the year do not close.
        """
        self.engine.step()
        self.running = self.engine.year < self.engine.horizon
        if isinstance(self.datacollector, SettlementCollector):
            self.datacollector.collect_year(self)
        else:  # a user's own
            self.datacollector.collect(self)

    def run_for(self, duration: int) -> None:
        """Step that many years, or until the horizon if it comes first.

        Raises:
            ValueError: not a whole number of years from 0.
        """
        if isinstance(duration, bool) or int(duration) != duration or duration < 0:
            raise ValueError(f"run_for({duration!r}): expected a whole number of years")
        for _ in range(int(duration)):
            if not self.running:
                return
            self.step()

    register_agent = mesa_seam.register

    # ---- what there is to see ----

    @property
    def agents(self) -> AgentRows:
        """Settlements, destinations, zones and all households."""
        return agent_rows.everyone(self)

    @property
    def agents_by_type(self) -> dict[type, AgentRows]:
        """The same by type of agent."""
        return agent_rows.by_type(self)

    @property
    def agent_types(self) -> list[type]:
        """Types of the agents, Household the last."""
        return list(self.agents_by_type)

    @property
    def people(self) -> AgentRows:
        """All members of all households."""
        return agent_rows.people(self)

    @property
    def household_agents(self) -> AgentRows:
        """All households."""
        return self.agents_by_type[Household]

    @property
    def world(self) -> World:
        """The world of the run."""
        return self.engine.world

    @property
    def values(self) -> ParameterValues:
        """Parameter values of the run."""
        return self.engine.values

    @property
    def levers(self) -> Levers:
        """Levers of the run; the arrays of years still to come may be changed between steps."""
        return self.engine.levers

    @property
    def record(self) -> Record:
        """What the statistician has recorded so far."""
        return self.engine.record

    @property
    def year(self) -> int:
        """The state is dated 1 January of this year."""
        return self.engine.year

    @property
    def horizon(self) -> int:
        """Last 1 January that is reached."""
        return self.engine.horizon

    @property
    def population(self) -> int:
        """Residents of all simulated places."""
        return self.engine.n_people

    def settlement(self, place: str) -> Settlement:
        """The settlement with this id.

        Raises:
            ValueError: no such simulated place; names the simulated ones.

        Example:
            >>> from model.border_model import BorderModel
            >>> BorderModel("towns", seed=1).settlement("mamlyutka").population
            7172
        """
        return self.settlements[self.census.place_index(place)]

    def __repr__(self) -> str:
        households = self.engine.n_households
        return (
            f"<BorderModel {self.world.name}, 1 January {self.year}: {self.population:,} people "
            f"in {households:,} households>"
        )

    # ---- copies ----

    def __getstate__(self) -> dict[str, Any]:
        """State for pickle: Mesa's, the engine's, and which arrays are shared and read-only."""
        return {**mesa_seam.take_state(self), "_shared": _shared_arrays(self.engine)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Continue as the original; shared arrays stay read-only, for which the kernels are compiled."""
        for array in state.pop("_shared"):
            array.setflags(write=False)
        mesa_seam.restore_state(self, state)

    def __deepcopy__(self, memo: dict[int, Any]) -> BorderModel:
        """A copy that continues as the original would; world and founding population are shared."""
        memo.update((id(array), array) for array in _shared_arrays(self.engine))
        memo[id(self.engine.founding)] = self.engine.founding
        memo[id(self.engine.values.space)] = self.engine.values.space
        twin = type(self).__new__(type(self))
        memo[id(self)] = twin
        twin.__setstate__(copy.deepcopy(self.__getstate__(), memo))
        return twin


def _as_seed(seed: object) -> np.uint64:
    if isinstance(seed, np.random.Generator) or seed is None:
        return np.uint64(np.random.default_rng(seed).integers(0, 2**63))
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or not 0 <= int(seed) < 2**64:
        raise ValueError(f"seed {seed!r}: expected a whole number from 0 to 2**64 - 1")
    return np.uint64(seed)


def _shared_arrays(engine: Engine) -> tuple[NDArray[Any], ...]:
    """Read-only arrays of the world and the founding population, which no run ever writes to."""

    def arrays(value: Any) -> Iterator[NDArray[Any]]:
        if isinstance(value, np.ndarray):
            if not value.flags.writeable:
                yield value
        elif isinstance(value, tuple):
            for part in value:
                yield from arrays(part)

    holders = (engine.world, engine.world.schedules, engine.founding)
    return tuple(array for holder in holders for value in vars(holder).values() for array in arrays(value))
