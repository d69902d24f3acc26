"""The kinds of value that scenario files hold, and what all their levers share."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from model.problems import nearest

FIRST_YEAR, LAST_YEAR = 2015, 2100
GROUPS = {
    "@all": "every simulated place",
    "@towns": "every simulated town",
    "@rural_districts": "every simulated rural district",
    "@centres": "every simulated regional centre",
}


@dataclass(frozen=True)
class Scaling:
    """How a figure of a lever goes with the amount of the lever: 0 is neutral, 1 as the file says, 2 twice as much.

    Attributes:
        odds: a factor for which 1 is neutral, raised to the amount; else the figure is multiplied by it.
        low, high: where the declared range of the figure ends. whole: rounded half up to a whole number.
    """

    odds: bool = False
    low: float = 0.0
    high: float = 1e7
    whole: bool = False

    def of(self, figure: float, amount: float) -> float | int:
        """The figure at an amount, kept inside its declared range."""
        value = figure**amount if self.odds else figure * amount
        held = min(self.high, max(self.low, value))
        return math.floor(held + 0.5) if self.whole else held


def _known_group(name: str) -> str:
    if name.startswith("@") and name not in GROUPS:
        raise ValueError(f"unknown group of places '{name}'" + nearest(name, GROUPS))
    return name


Year = Annotated[int, Field(ge=FIRST_YEAR, le=LAST_YEAR)]
Share = Annotated[float, Field(ge=0, le=1)]
Money = Annotated[float, Field(ge=0, le=1e7)]
Count = Annotated[float, Field(ge=0, le=1e5)]
Text = Annotated[str, Field(min_length=1, max_length=2000)]
PlaceId = Annotated[str, Field(min_length=1, max_length=100)]
ItemName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,60}$")]
Selector = Annotated[PlaceId, AfterValidator(_known_group)]
Selectors = Annotated[tuple[Selector, ...], Field(min_length=1, max_length=500, strict=False)]


class Strict(BaseModel):
    """No unknown keys, no text where a number is expected, no NaN, nothing changed once read."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


class Lever(Strict):
    """One named lever of a scenario file: `[lever.NAME]`.

    Class attributes say how it acts: `equation` of the specification, section 4, `acts_on` in words, and whether two of
    them in one place and year add up (`additive`) or contradict each other. `amounts` names the figures that make it
    larger or smaller; a lever without any is in force or not.
    """

    equation: ClassVar[str] = ""
    acts_on: ClassVar[str] = ""
    additive: ClassVar[bool] = True
    amounts: ClassVar[Mapping[str, Scaling]] = {}

    def touches(self) -> frozenset[str]:
        """What of a place it sets, where two levers of a kind can set different things without contradiction."""
        return frozenset(("",))

    def settings(self) -> dict[str, Any]:
        """What sets this lever apart from neutral, by key, without dates and places."""
        return {
            name: value
            for name, value in self.model_dump(exclude_none=True).items()
            if name not in ("first", "last", "places")
        }


class Dated(Lever):
    """A lever in force from 1 January of a year to 31 December of a year."""

    first: Year = Field(alias="from", description="first year in force")
    last: Year | None = Field(None, alias="to", description="last year in force; left out: for good")

    @field_validator("last")
    @classmethod
    def _not_before_first(cls, last: int | None, info: ValidationInfo) -> int | None:
        first = info.data.get("first")
        if last is not None and first is not None and last < first:
            raise ValueError(f"{last} lies before 'from', {first}")
        return last

    def years(self, horizon: int) -> range:
        """Calendar years in force before `horizon`."""
        return range(self.first, min(horizon, LAST_YEAR if self.last is None else self.last + 1))


class Placed(Dated):
    """A dated lever in one or more places."""

    places: Selectors = Field(description="ids of places, or groups: " + ", ".join(GROUPS))
