"""What a government sets: the levers of a policy file, each with its equation and its units.

Money is million KZT at 2020 prices unless a name says otherwise, a share lies in [0, 1], a year runs from 1 January.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, model_validator

from scenarios.fields import (
    Count,
    Dated,
    ItemName,
    Lever,
    Money,
    Placed,
    PlaceId,
    Scaling,
    Share,
    Strict,
    Year,
)

Network = Literal["heat", "water", "sewer", "road", "all"]
Sector = Literal[
    "food", "building_materials", "furniture", "electronics", "mechanical_engineering", "logistics"
]
Facility = Literal["health", "school"]
Indicator = Literal["V1", "V2", "V3", "V4", "V5", "I4", "I5", "I7", "S10", "S11", "E7", "E8"]


class Qyzyljar(Lever):
    """The special economic zone QYZYLJAR in Petropavlovsk: as realised, never created, or as declared."""

    equation: ClassVar[str] = "20"
    acts_on: ClassVar[str] = "additional zone jobs: commuting (6), unemployment and wage of the zone's place"
    amounts: ClassVar[Mapping[str, Scaling]] = {"declared_jobs": Scaling(high=1e5)}

    status: Literal["as_realised", "never_created", "as_declared"] = Field(
        "as_realised",
        description="as_realised: recorded jobs, then the pipeline at its hazard; as_declared: all declared jobs come",
    )
    but_for: Share | None = Field(
        None, description="share of launched jobs that exist only thanks to the zone"
    )
    displacement: Share | None = Field(None, description="share of those taken from other local firms")
    declared_jobs: Annotated[float, Field(gt=0, le=1e5)] = Field(
        4000.0, description="as_declared: jobs in all, those already launched included"
    )
    declared_by: Year = Field(2030, description="as_declared: year in which they are complete")
    kept_until: Year = Field(2044, description="as_declared: declared as permanent, no project closes before")

    @model_validator(mode="after")
    def _nothing_about_a_zone_that_never_was(self) -> Qyzyljar:
        said = self.model_fields_set - {"status"}
        if self.status == "never_created" and said:
            raise ValueError(
                f"status 'never_created' contradicts {', '.join(sorted(said))}: a zone that never was has none"
            )
        declared = said & {"declared_jobs", "declared_by", "kept_until"}
        if self.status == "as_realised" and declared:
            raise ValueError(
                f"{', '.join(sorted(declared))} needs status = 'as_declared', the zone is 'as_realised'"
            )
        return self

    @property
    def neutral(self) -> bool:
        """Whether the zone is the one of the baseline."""
        return self.status == "as_realised" and self.but_for is None and self.displacement is None


class ZoneProject(Lever):
    """A project of a zone or sub-zone in any place. Its jobs are industry, whatever its sector is called."""

    equation: ClassVar[str] = "20, 2, 4"
    acts_on: ClassVar[str] = (
        "launched x but-for x (1 - displacement) jobs in the place, then matching and wages"
    )
    amounts: ClassVar[Mapping[str, Scaling]] = {
        "declared_jobs": Scaling(high=1e5),
        "private_investment": Scaling(),
        "public_investment": Scaling(),
    }

    place: PlaceId = Field(description="id of one place of the world, simulated or external")
    year: Year = Field(description="first year with jobs; with launch = 'hazard' the first it may launch")
    declared_jobs: Annotated[float, Field(gt=0, le=1e5)]
    zone: Annotated[str, Field(min_length=1, max_length=60)] = Field(
        "subzone", description="name of the zone"
    )
    sector: Sector = Field("food", description="for the reader: all of them count as industry in (4)")
    full_year: Year | None = Field(
        None, description="year with all jobs (linear until then); default: `year`"
    )
    last_year: Year | None = Field(None, description="with launch = 'hazard': last year it may launch")
    launch: Literal["certain", "hazard"] = Field(
        "certain", description="hazard: h_L a year, raised by tax holidays"
    )
    realisation: Share = Field(1.0, description="share of the declared jobs that are really created")
    kept_until: Year | None = Field(None, description="no closing before; afterwards the exit rate x_z")
    but_for: Share | None = Field(None, description="default: the declared parameter b, drawn run by run")
    displacement: Share | None = Field(None, description="default: the declared parameter d_z")
    private_investment: Money | None = Field(None, description="million KZT, 2020 prices; default: by job")
    public_investment: Money | None = Field(None, description="million KZT, 2020 prices; default: by job")

    @model_validator(mode="after")
    def _years_fit(self) -> ZoneProject:
        if self.full_year is not None and self.full_year < self.year:
            raise ValueError(f"full_year {self.full_year} lies before year {self.year}")
        if self.launch == "certain" and self.last_year is not None:
            raise ValueError("last_year goes with launch = 'hazard'; a certain project starts in its year")
        if self.launch == "hazard" and self.full_year is not None:
            raise ValueError("full_year goes with launch = 'certain'; by hazard all jobs come at the launch")
        if self.last_year is not None and self.last_year < self.year:
            raise ValueError(f"last_year {self.last_year} lies before year {self.year}")
        return self


class TaxHoliday(Placed):
    """Years without tax for new projects: raises the hazard that declared projects launch."""

    equation: ClassVar[str] = "20"
    acts_on: ClassVar[str] = "hazard h_L of projects that launch by hazard"
    additive: ClassVar[bool] = False
    amounts: ClassVar[Mapping[str, Scaling]] = {"launch_factor": Scaling(odds=True, low=1.0, high=20.0)}

    launch_factor: Annotated[float, Field(ge=1, le=20)] = Field(description="factor on h_L")
    years_free: Annotated[int, Field(ge=0, le=50)] = Field(10, description="years a project pays no tax")
    forgone_per_job: Money | None = Field(None, description="million KZT a job and year; default: unit costs")


class Renewal(Placed):
    """Renewal of networks: exactly one of km, money or share, each a year and place."""

    equation: ClassVar[str] = "18"
    acts_on: ClassVar[str] = "wear of the network, hence Q in the utility (10)"
    amounts: ClassVar[Mapping[str, Scaling]] = {
        "km_a_year": Scaling(),
        "million_kzt_a_year": Scaling(),
        "share_a_year": Scaling(high=1.0),
    }

    network: Network = Field(description="'all' spreads by what renewing each would cost")
    km_a_year: Count | None = Field(None, description="km, at the unit cost of the network")
    million_kzt_a_year: Money | None = Field(None, description="million KZT at 2020 prices")
    share_a_year: Share | None = Field(None, description="share of the network's length")

    @model_validator(mode="after")
    def _one_size(self) -> Renewal:
        given = [
            name
            for name in ("km_a_year", "million_kzt_a_year", "share_a_year")
            if getattr(self, name) is not None
        ]
        if len(given) != 1:
            raise ValueError(
                "expected exactly one of km_a_year, million_kzt_a_year, share_a_year, got "
                + (" and ".join(given) or "none")
            )
        if self.km_a_year is not None and self.network == "all":
            raise ValueError("km_a_year needs one network (heat, water, sewer, road), got 'all'")
        return self


class Housing(Placed):
    """Flats built or given back to use, and support of rents."""

    equation: ClassVar[str] = "10"
    acts_on: ClassVar[str] = "rent of the place"
    amounts: ClassVar[Mapping[str, Scaling]] = {
        "flats_built_a_year": Scaling(),
        "flats_reused_a_year": Scaling(),
        "rent_discount": Scaling(high=0.95),
    }

    flats_built_a_year: Count = Field(0.0, description="new flats a year and place")
    flats_reused_a_year: Count = Field(
        0.0,
        description="abandoned flats given back to use a year and place, as long as that many stand empty",
    )
    rent_discount: Annotated[float, Field(ge=0, le=0.95)] = Field(
        0.0, description="share of rents paid by the budget"
    )

    @model_validator(mode="after")
    def _something(self) -> Housing:
        if not (self.flats_built_a_year or self.flats_reused_a_year or self.rent_discount):
            raise ValueError("expected flats_built_a_year, flats_reused_a_year or rent_discount above 0")
        return self


class CommuterLink(Placed):
    """A bus or train to the centre: people accept longer ways, and a lower fare."""

    equation: ClassVar[str] = "6"
    acts_on: ClassVar[str] = "distance accepted (D50) and travel cost of commuters"
    additive: ClassVar[bool] = False
    amounts: ClassVar[Mapping[str, Scaling]] = {
        "reach_km": Scaling(high=200.0),
        "fare_discount": Scaling(high=1.0),
        "running_cost": Scaling(),
        "opening_cost": Scaling(),
    }

    reach_km: Annotated[float, Field(ge=0, le=200)] = Field(description="km added to D50")
    fare_discount: Share = Field(0.0, description="share of the travel cost paid by the budget")
    running_cost: Money | None = Field(
        None, description="million KZT a year and place, 2020 prices; default: unit costs"
    )
    opening_cost: Money = Field(0.0, description="million KZT a place in the first year, 2020 prices")


class LocalBudget(Placed):
    """Money that the town itself decides on (subsidiarity), above its budget of the baseline."""

    equation: ClassVar[str] = "18, 19"
    acts_on: ClassVar[str] = "network renewal (its share i_n) and quality of services"
    amounts: ClassVar[Mapping[str, Scaling]] = {"thousand_kzt_a_head": Scaling(high=1e4)}

    thousand_kzt_a_head: Annotated[float, Field(ge=0, le=1e4)] = Field(
        description="thousand KZT a resident and year, 2020 prices"
    )


class ServicesKept(Placed):
    """Schools and health posts stay open below their norm."""

    equation: ClassVar[str] = "19"
    acts_on: ClassVar[str] = "losses of facilities suspended; their public jobs stay"
    additive: ClassVar[bool] = False

    facilities: Annotated[tuple[Facility, ...], Field(min_length=1, max_length=2, strict=False)]

    def touches(self) -> frozenset[str]:
        """The facilities kept: a school and a health post can be kept by two levers."""
        return frozenset(self.facilities)


class YouthRetention(Placed):
    """Study at home, and graduates drawn back."""

    equation: ClassVar[str] = "12"
    acts_on: ClassVar[str] = "odds of leaving to study, share of students who return"
    additive: ClassVar[bool] = False
    amounts: ClassVar[Mapping[str, Scaling]] = {
        "study_odds": Scaling(odds=True, low=0.0, high=10.0),
        "return_gain": Scaling(high=1.0),
        "cost_per_youth": Scaling(),
    }

    study_odds: Annotated[float, Field(gt=0, le=10)] = Field(
        1.0, description="factor on the odds of leaving to study"
    )
    return_gain: Share = Field(0.0, description="added to the share of students who return")
    cost_per_youth: Money | None = Field(
        None, description="million KZT a resident who turns 18, 2020 prices; default: unit costs"
    )


class Settlers(Placed):
    """Families settled by the programme, above the baseline."""

    equation: ClassVar[str] = "13"
    acts_on: ClassVar[str] = "arriving families of 4.6 persons, 45 % of the adults in work, 5.5 % return"
    amounts: ClassVar[Mapping[str, Scaling]] = {"families_a_year": Scaling(high=1e4, whole=True)}

    families_a_year: Annotated[int, Field(ge=0, le=10_000)] = Field(description="families a year and place")


class PublicWages(Placed):
    """A supplement to public wages."""

    equation: ClassVar[str] = "8"
    acts_on: ClassVar[str] = "mean wage, by the public share of jobs"
    additive: ClassVar[bool] = False
    amounts: ClassVar[Mapping[str, Scaling]] = {"supplement": Scaling(high=1.0)}

    supplement: Share = Field(description="share added to public wages")


class Border(Dated):
    """What the border institutions set: how far it is across the border."""

    equation: ClassVar[str] = "10"
    acts_on: ClassVar[str] = "distance D to Russia, odds of going there (alpha_RU)"
    additive: ClassVar[bool] = False
    amounts: ClassVar[Mapping[str, Scaling]] = {
        "distance_factor": Scaling(odds=True, low=0.2, high=5.0),
        "odds_factor": Scaling(odds=True, low=0.05, high=10.0),
    }

    distance_factor: Annotated[float, Field(ge=0.2, le=5)] = Field(
        1.0, description="factor on distances to Russia"
    )
    odds_factor: Annotated[float, Field(ge=0.05, le=10)] = Field(
        1.0, description="factor on the odds of going there"
    )


class Trade(Dated):
    """Trade openness: a higher level of industrial output, in the whole region."""

    equation: ClassVar[str] = "1, 2"
    acts_on: ClassVar[str] = "industrial output, hence industrial jobs with elasticity eta_I"
    amounts: ClassVar[Mapping[str, Scaling]] = {"output_gain": Scaling(low=-1.0, high=1.0), "cost": Scaling()}

    output_gain: Annotated[float, Field(gt=-1, le=1)] = Field(
        description="log points that industrial output gains in the long run while in force"
    )
    cost: Money = Field(0.0, description="million KZT a year, 2020 prices")


class RatingInput(Placed):
    """A change in an indicator of the rating that the model does not simulate. Moves the rating, nobody's life."""

    equation: ClassVar[str] = "-"
    acts_on: ClassVar[str] = "input of the rating only: no person fares differently"
    amounts: ClassVar[Mapping[str, Scaling]] = {"change": Scaling(low=-1.0, high=1.0), "cost": Scaling()}

    indicator: Indicator = Field(description="id of an external indicator of the rating")
    change: Annotated[float, Field(ge=-1, le=1)] = Field(
        description="in standardised units of the rating, better is +"
    )
    cost: Money = Field(0.0, description="million KZT a year and place, 2020 prices")


class PolicyLevers(Strict):
    """All levers of a policy, by the name each was given in the file."""

    qyzyljar: Qyzyljar = Field(default_factory=lambda: Qyzyljar.model_validate({}))
    zone_project: dict[ItemName, ZoneProject] = Field(default_factory=dict)
    tax_holiday: dict[ItemName, TaxHoliday] = Field(default_factory=dict)
    renewal: dict[ItemName, Renewal] = Field(default_factory=dict)
    housing: dict[ItemName, Housing] = Field(default_factory=dict)
    commuter_link: dict[ItemName, CommuterLink] = Field(default_factory=dict)
    local_budget: dict[ItemName, LocalBudget] = Field(default_factory=dict)
    services_kept: dict[ItemName, ServicesKept] = Field(default_factory=dict)
    youth_retention: dict[ItemName, YouthRetention] = Field(default_factory=dict)
    settlers: dict[ItemName, Settlers] = Field(default_factory=dict)
    public_wages: dict[ItemName, PublicWages] = Field(default_factory=dict)
    border: dict[ItemName, Border] = Field(default_factory=dict)
    trade: dict[ItemName, Trade] = Field(default_factory=dict)
    rating_input: dict[ItemName, RatingInput] = Field(default_factory=dict)

    def items(self) -> Iterator[tuple[str, str, Any]]:
        """Every named lever as (kind, name, lever), in the order of the kinds above, then by name."""
        for kind in type(self).model_fields:
            held = getattr(self, kind)
            if isinstance(held, dict) and held:
                yield from ((kind, name, held[name]) for name in sorted(held))
