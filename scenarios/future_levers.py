"""What nobody here sets: the levers of a future file, as departures from the reference future."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, ClassVar

from pydantic import Field, model_validator

from scenarios.fields import Dated, ItemName, Lever, PlaceId, Strict, Year

Growth = Annotated[float, Field(ge=-0.3, le=0.3)]
Level = Annotated[float, Field(ge=0.1, le=10)]


class Path(Dated):
    """A path relative to the reference: a factor at once, growth a year, or both.

    The factor holds while in force; what growth has added by the last year stays.
    """

    level_factor: Level = Field(1.0, description="factor while in force")
    growth: Growth = Field(0.0, description="log points a year above the reference; what it adds stays")

    @model_validator(mode="after")
    def _something(self) -> Path:
        if self.level_factor == 1.0 and self.growth == 0.0:
            raise ValueError("expected level_factor other than 1 or growth other than 0")
        return self


class RussianWages(Path):
    """Real wages in Russia."""

    equation: ClassVar[str] = "9"
    acts_on: ClassVar[str] = "perceived income in Russia"


class Rouble(Path):
    """Real value of the rouble in tenge."""

    equation: ClassVar[str] = "9"
    acts_on: ClassVar[str] = "perceived income in Russia, in tenge"


class BorderOpenness(Dated):
    """How open the border is for those who move: x .3 to x 2 on the odds (docs/specification.md section 4)."""

    equation: ClassVar[str] = "10"
    acts_on: ClassVar[str] = "odds of going to Russia (alpha_RU), distance D to Russia"

    odds_factor: Annotated[float, Field(ge=0.05, le=10)] = Field(1.0, description="factor on the odds")
    distance_factor: Annotated[float, Field(ge=0.2, le=5)] = Field(
        1.0, description="factor on distances to Russia"
    )


class Compatriots(Dated):
    """A programme in Russia that helps compatriots to resettle."""

    equation: ClassVar[str] = "10"
    acts_on: ClassVar[str] = "odds of going to Russia (alpha_RU)"

    odds_factor: Annotated[float, Field(ge=0.05, le=10)] = Field(description="factor on the odds")


class Centres(Path):
    """Wages of Kazakhstan's centres beyond the region's own."""

    equation: ClassVar[str] = "9"
    acts_on: ClassVar[str] = "perceived income in the centres"

    places: Annotated[tuple[PlaceId, ...], Field(max_length=100, strict=False)] = Field(
        (), description="ids of external places; left out: all with wage series other than the region's"
    )


class NationalGrowth(Path):
    """Real wages all over Kazakhstan."""

    equation: ClassVar[str] = "8, 9"
    acts_on: ClassVar[str] = "wages of the region and of the centres"


class Drought(Lever):
    """Years of drought."""

    equation: ClassVar[str] = "1, 2"
    acts_on: ClassVar[str] = "agricultural output, hence agricultural jobs with elasticity eta_A"

    years: Annotated[tuple[Year, ...], Field(min_length=1, max_length=86, strict=False)] = Field(
        description="years of drought"
    )
    output_loss: Annotated[float, Field(gt=0, lt=1)] = Field(
        description="share of agricultural output lost at once"
    )


class IndustrialOutput(Dated):
    """A level of industrial output other than its trend."""

    equation: ClassVar[str] = "1, 2"
    acts_on: ClassVar[str] = "industrial output, hence industrial jobs with elasticity eta_I"

    output_gain: Annotated[float, Field(gt=-1, le=1)] = Field(
        description="log points gained (lost below 0) in the long run while in force"
    )


class Shedding(Dated):
    """Agriculture sheds labour faster, or slower, than in the reference."""

    equation: ClassVar[str] = "2"
    acts_on: ClassVar[str] = "agricultural jobs, beside m_A"

    extra_loss: Annotated[float, Field(ge=-0.1, le=0.5)] = Field(description="log points a year")


class Hinterland(Dated):
    """The villages around the towns empty faster, or slower, than in the reference."""

    equation: ClassVar[str] = "13"
    acts_on: ClassVar[str] = "arrivals from external hinterlands (none are external in the world `region`)"

    extra_decline: Annotated[float, Field(ge=-0.1, le=0.5)] = Field(description="log points a year")


class FutureLevers(Strict):
    """All departures of a future from the reference, by the name each was given in the file."""

    russian_wages: dict[ItemName, RussianWages] = Field(default_factory=dict)
    rouble: dict[ItemName, Rouble] = Field(default_factory=dict)
    border_openness: dict[ItemName, BorderOpenness] = Field(default_factory=dict)
    compatriots: dict[ItemName, Compatriots] = Field(default_factory=dict)
    centres: dict[ItemName, Centres] = Field(default_factory=dict)
    national_growth: dict[ItemName, NationalGrowth] = Field(default_factory=dict)
    drought: dict[ItemName, Drought] = Field(default_factory=dict)
    industrial_output: dict[ItemName, IndustrialOutput] = Field(default_factory=dict)
    shedding: dict[ItemName, Shedding] = Field(default_factory=dict)
    hinterland: dict[ItemName, Hinterland] = Field(default_factory=dict)

    def items(self) -> Iterator[tuple[str, str, Any]]:
        """Every named lever as (kind, name, lever), in the order of the kinds above, then by name."""
        for kind in type(self).model_fields:
            held = getattr(self, kind)
            yield from ((kind, name, held[name]) for name in sorted(held))
