"""The engine of a world of villages: the same year as everywhere, with what befalls villages in its phases."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model.accounts import Ledger
from model.choice import Places
from model.engine import Engine
from model.founding import Founding
from model.infrastructure import HEALTH, SCHOOL
from model.levers import Levers
from model.parameters import ParameterValues
from model.population import SECTORS
from model.record import Record, write_flows
from model.settlements import Settlements
from model.village_year import (
    VillageSettings,
    VillageState,
    advance_villages,
    arrivals_factor,
    close_farms,
    lay_off,
    note_losses,
    open_shocks,
    show_village_services,
)
from model.world import World


@dataclass
class VillageLevers:
    """What policies change for villages beyond `Levers`: arrays over years from the start and places.

    Attributes:
        farm_kept: bool[years, n_sim] the farm does not close. farm_closes: bool[years, n_sim] it closes in that year
            whatever chance says. school_closes: the same for the school.
        road_mended: bool[years, n_sim] the road is good.
    """

    farm_kept: NDArray[np.bool_]
    farm_closes: NDArray[np.bool_]
    school_closes: NDArray[np.bool_]
    road_mended: NDArray[np.bool_]


def neutral_village_levers(world: World, horizon: int) -> VillageLevers:
    """Village levers that change nothing."""
    shape = (horizon - world.start, world.n_sim)
    return VillageLevers(*(np.zeros(shape, np.bool_) for _ in range(4)))


class VillageRecord(Record):
    """What a run of a world of villages records: the columns of every place, moves only as sums over places.

    Attributes:
        farm, school, medical: bool[years + 1, n_sim] stands or is kept on every 1 January.
    """

    def __init__(self, start: int, horizon: int, n_sim: int, n_all: int) -> None:
        super().__init__(start, horizon, n_sim, n_all)
        # Moves by pair of places would be 100 MB a run; they are kept by destination outside and by hub
        self.flows = np.zeros((horizon - start, 1, n_all), np.int64)
        self.arrivals_from = np.zeros((horizon - start, 1, n_all), np.int64)
        years = len(self.years)
        self.farm: NDArray[np.bool_] = np.zeros((years, n_sim), np.bool_)
        self.school: NDArray[np.bool_] = np.zeros((years, n_sim), np.bool_)
        self.medical: NDArray[np.bool_] = np.zeros((years, n_sim), np.bool_)

    def note_flows(
        self, t: int, ledger: Ledger, state: Settlements, places: Places, trends: NDArray[np.float64]
    ) -> None:
        """Record what happened during year number `t`."""
        write_flows(self.values, t, ledger, state, places)
        self.flows[t, 0] = ledger.flows.sum(axis=0)
        self.arrivals_from[t, 0] = ledger.arrivals_from.sum(axis=0)

    def note_villages(self, t: int, state: Settlements, village: VillageState) -> None:
        """Record what stands on 1 January of year number `t`."""
        self.farm[t] = village.farm
        self.school[t] = state.level[:, SCHOOL] > 0
        self.medical[t] = state.level[:, HEALTH] > 0


class VillageEngine(Engine):
    """One run of a world of villages (arguments: `EngineState`; `village_levers` None changes nothing).

    Raises:
        ValueError: the world has no villages.
    """

    record: VillageRecord

    def __init__(
        self,
        world: World,
        founding: Founding,
        values: ParameterValues,
        seed: np.uint64,
        levers: Levers | None = None,
        horizon: int = 2045,
        village_levers: VillageLevers | None = None,
    ) -> None:
        villages = world.villages
        if villages is None:
            raise ValueError(f"world '{world.name}' has no villages")
        self.villages = villages
        self.village_settings = VillageSettings(
            *(float(values[f"village_{name}"]) for name in VillageSettings._fields)
        )
        self.village_levers = village_levers or neutral_village_levers(world, horizon)
        n = world.n_sim
        self.village = VillageState(
            np.zeros(n), np.zeros(n), np.zeros(n), villages.farm_2015.copy(),
            np.zeros(n, np.int64), np.zeros(n, np.int64), np.zeros(n, np.int64), np.zeros(n, np.int64),
            np.zeros(n, np.bool_), np.zeros(n, np.bool_),
        )  # fmt: skip
        self.mean_log = _mean_logs(world)
        super().__init__(world, founding, values, seed, levers, horizon)
        self.village.had_school[:] = self.state.level[:, SCHOOL] > 0
        self.village.had_medical[:] = self.state.level[:, HEALTH] > 0
        self.arrival_base_2015 = self.arrival_base.copy()
        open_shocks(villages.is_village, self.seed, world.start - 1, self.keys, self.village)
        self.record.note_villages(0, self.state, self.village)

    # What villages do their own way -----------------------------------------------------------------

    def new_record(self) -> Record:
        """Room for what the run records."""
        return VillageRecord(self.start, self.horizon, self.world.n_sim, self.world.n_all)

    def job_shares(self) -> NDArray[np.float64]:
        """Shares of jobs by place and sector: a farm's in villages that have one, none of it in others."""
        settings, villages = self.settings, self.villages
        usual = np.array([settings.share_A, settings.share_I, settings.share_G, 0.0])
        usual[3] = max(0.0, 1.0 - float(usual.sum()))
        shares = np.tile(usual, (self.world.n_sim, 1))
        others = usual[1:] / usual[1:].sum()
        farm = self.village_settings.farm_share
        for place in np.flatnonzero(villages.is_village):
            own = farm if villages.farm_2015[place] else 0.0
            shares[place, 0] = own
            shares[place, 1:] = (1.0 - own) * others
        assert shares.shape[1] == SECTORS
        return shares

    def show_services(self) -> None:
        """Services that people of villages can use (V3)."""
        villages, t = self.villages, self.t
        rough = villages.rough_road
        if t < len(self.village_levers.road_mended):
            rough = rough & ~self.village_levers.road_mended[t]
        show_village_services(
            villages.is_village,
            villages.centre,
            villages.centre_km,
            rough,
            self.table,
            self.village_settings,
            self.state,
            self.places,
        )

    # The phases -----------------------------------------------------------------------------------------

    def read_drivers(self) -> None:
        """Phase 1, then what befalls every village (V1), (V4)."""
        super().read_drivers()
        advance_villages(
            self.villages.is_village,
            self.state.population,
            self.mean_log,
            self.seed,
            self.year,
            self.keys,
            self.village_settings,
            self.state,
            self.village,
            self.readiness.hazard,
            self.readiness.return_chance,
        )

    def run_zones_and_networks(self) -> None:
        """Phase 2, then schools that an experiment closes, and what services people of villages can use (V3)."""
        super().run_zones_and_networks()
        closing = self.village_levers.school_closes[: self.t + 1].any(axis=0)
        self.state.level[closing, SCHOOL] = 0
        note_losses(self.villages.is_village, self.year, self.state, self.village)
        self.show_services()

    def set_labour_demand(self) -> None:
        """Farms that close (V2), then phase 3."""
        closing = np.zeros(self.world.n_sim, np.bool_)
        levers, t = self.village_levers, self.t
        n = close_farms(
            self.villages.is_village,
            levers.farm_kept[t],
            levers.farm_closes[t],
            self.state.population,
            self.seed,
            self.year,
            self.keys,
            self.village_settings,
            self.state,
            self.village,
            closing,
        )
        if n:
            lay_off(self.people, self.n_people, self.residence, closing, self.state)
        super().set_labour_demand()

    def admit_arrivals(self) -> None:
        """Phase 9 with the arrivals that villages of today's size draw."""
        arrivals_factor(
            self.villages.is_village,
            self.state.population,
            self.population_2015,
            float(self.settings.hinterland_weight),
            self.village,
            self.arrival_base_2015,
            self.arrival_base,
        )
        super().admit_arrivals()

    def take_record(self) -> None:
        """Phase 12, and what stands."""
        super().take_record()
        self.record.note_villages(self.t, self.state, self.village)


def _mean_logs(world: World) -> NDArray[np.float64]:
    """Person-weighted mean of ln people over the villages of each place's district, float64[n_sim]."""
    villages = world.villages
    assert villages is not None
    people = world.founding_population
    logs = np.array([math.log(n) for n in people.tolist()])
    out = np.zeros(world.n_sim)
    for district in np.unique(villages.district):
        own = (villages.district == district) & villages.is_village
        if own.any():
            out[own] = float((logs[own] * people[own]).sum()) / float(people[own].sum())
    return out


def engine_for(
    world: World,
    founding: Founding,
    values: ParameterValues,
    seed: np.uint64,
    levers: Levers | None = None,
    horizon: int = 2045,
) -> Engine:
    """The engine that a world needs."""
    kind: type[Engine] = Engine if world.villages is None else VillageEngine
    return kind(world, founding, values, seed, levers, horizon)
