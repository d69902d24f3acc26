"""Mesa's DataCollector with the settlements' series beside it: a few microseconds a year."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import mesa
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from model.place_agents import Settlement, place_attributes
from model.record import COLUMNS, Record

if TYPE_CHECKING:
    from model.border_model import BorderModel

Reporters = dict[str, Any]
Row = tuple[NDArray[np.float64], ...]
SERIES: tuple[str, ...] = tuple(place_attributes(Settlement))
_READERS: tuple[Callable[..., NDArray[Any]], ...] = tuple(getattr(Settlement, name).column for name in SERIES)
_IS_FLOW = {column.name: column.is_flow for column in COLUMNS}
_UNRECORDED = tuple(k for k, name in enumerate(SERIES) if name not in _IS_FLOW)
# The record holds flows in the row of the year they belong to, which ended on this 1 January.
_LAG = tuple(int(_IS_FLOW.get(name, False)) for name in SERIES)


class RecordedRow(NamedTuple):
    """A collected row that the engine's record holds: its number there, and the series it lacks."""

    t: int
    unrecorded: dict[int, NDArray[np.float64]]


class Named:
    """Reporter of an attribute: what Mesa makes of a name, but it can be pickled."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __call__(self, agent: Any) -> Any:
        """Value of the attribute of the agent."""
        return getattr(agent, self.name)


def _picklable(reporters: Reporters | None) -> Reporters | None:
    if reporters is None:
        return None
    return {name: Named(wanted) if isinstance(wanted, str) else wanted for name, wanted in reporters.items()}


class SettlementCollector(mesa.DataCollector):
    """A DataCollector that always has the settlements' series (`SERIES`) beside a user's own reporters.

    Args:
        model_reporters, agent_reporters, agenttype_reporters, tables: as in Mesa; year and population are
            added to the model's. `agent_reporters` are asked of settlements, zones and every household.
    """

    def __init__(
        self,
        model_reporters: Reporters | None = None,
        agent_reporters: Reporters | None = None,
        agenttype_reporters: dict[type, Reporters] | None = None,
        tables: dict[str, Any] | None = None,
    ) -> None:
        own: Reporters = {"year": "year", "population": "population"}
        by_type = {kind: _picklable(reporters) for kind, reporters in (agenttype_reporters or {}).items()}
        super().__init__(
            {**own, **(model_reporters or {})}, _picklable(agent_reporters), by_type or None, tables
        )
        self._settlement_ids: list[int] = []
        self._rows: dict[int, Row | RecordedRow] = {}
        self._record: Record | None = None

    def collect(self, model: BorderModel) -> None:
        """Collect the state as it stands, edits included."""
        super().collect(model)
        self._note(
            model, tuple(read(model.engine)[: model.world.n_sim].astype(np.float64) for read in _READERS)
        )

    def collect_year(self, model: BorderModel) -> None:
        """Collect what a step has just recorded: the series are looked up when they are asked for."""
        super().collect(model)
        unrecorded = {k: _READERS[k](model.engine)[: model.world.n_sim].copy() for k in _UNRECORDED}
        self._note(model, RecordedRow(model.engine.t, unrecorded))

    def _note(self, model: BorderModel, row: Row | RecordedRow) -> None:
        self._record = model.record
        self._settlement_ids = [settlement.unique_id for settlement in model.settlements]
        self._rows[model.steps] = row

    def _values(self, number: int, row: Row | RecordedRow) -> NDArray[np.float64]:
        """Series `number` of one collected row, float64[n_sim]."""
        if not isinstance(row, RecordedRow):
            return row[number]
        if number in row.unrecorded:
            return row.unrecorded[number]
        assert self._record is not None
        values: NDArray[np.float64] = self._record.column(SERIES[number])[row.t - _LAG[number]]
        return values

    def get_agenttype_vars_dataframe(self, agent_type: type) -> pd.DataFrame:
        """Series by step and agent, as in Mesa; for `Settlement` the declared series, then a user's own."""
        if agent_type is not Settlement:
            frame: pd.DataFrame = super().get_agenttype_vars_dataframe(agent_type)
            return frame
        index = pd.MultiIndex.from_product(
            [list(self._rows), self._settlement_ids], names=["Step", "AgentID"]
        )
        series = {
            name: np.concatenate([self._values(k, row) for row in self._rows.values()] or [np.empty(0)])
            for k, name in enumerate(SERIES)
        }
        frame = pd.DataFrame(series, index=index)
        if Settlement in self.agenttype_reporters:
            own = super().get_agenttype_vars_dataframe(Settlement)
            for name in own.columns:
                frame[name] = own[name].to_numpy()
        return frame
