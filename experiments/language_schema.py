"""Words of the declared schema: names of levers, of their keys and values, and the unit of every number."""

from __future__ import annotations

from experiments.language import mark

# Every kind of lever of a policy file, as a heading.
KINDS = {
    "qyzyljar": mark("Special economic zone QYZYLJAR"),
    "zone_project": mark("Project of a zone or sub-zone"),
    "tax_holiday": mark("Tax holiday"),
    "renewal": mark("Renewal of networks"),
    "housing": mark("Housing"),
    "commuter_link": mark("Commuter link"),
    "local_budget": mark("Local budget"),
    "services_kept": mark("Schools and health posts kept"),
    "youth_retention": mark("Youth and graduates"),
    "settlers": mark("Settlers' programme"),
    "public_wages": mark("Public wages"),
    "border": mark("Border crossing"),
    "trade": mark("Trade openness"),
    "rating_input": mark("Input of the rating"),
}
# Every key of a lever: what it is, and its unit ("" where it has none).
KEYS: dict[str, tuple[str, str]] = {
    "from": (mark("first year"), ""),
    "to": (mark("last year"), ""),
    "places": (mark("places"), ""),
    "place": (mark("place"), ""),
    "year": (mark("year of opening"), ""),
    "full_year": (mark("year with all jobs"), ""),
    "last_year": (mark("last year to launch"), ""),
    "kept_until": (mark("kept until"), ""),
    "declared_by": (mark("complete by"), ""),
    "status": (mark("state of the zone"), ""),
    "zone": (mark("name of the zone"), ""),
    "sector": (mark("sector"), ""),
    "launch": (mark("launch"), ""),
    "network": (mark("network"), ""),
    "facilities": (mark("facilities"), ""),
    "indicator": (mark("indicator"), ""),
    "but_for": (mark("only thanks to the zone"), mark("share of launched jobs")),
    "displacement": (mark("taken from other firms"), mark("share of jobs")),
    "declared_jobs": (mark("declared jobs"), mark("jobs")),
    "realisation": (mark("jobs really created"), mark("share of declared jobs")),
    "private_investment": (mark("private investment"), mark("million KZT, 2020 prices")),
    "public_investment": (mark("public investment"), mark("million KZT, 2020 prices")),
    "launch_factor": (mark("readiness to launch"), mark("times the usual chance")),
    "years_free": (mark("years without tax"), mark("years")),
    "forgone_per_job": (mark("tax forgone"), mark("million KZT a job and year, 2020 prices")),
    "km_a_year": (mark("length renewed"), mark("km a year and place")),
    "million_kzt_a_year": (mark("money"), mark("million KZT a year and place, 2020 prices")),
    "share_a_year": (mark("part renewed"), mark("share of the length a year")),
    "flats_built_a_year": (mark("new flats"), mark("flats a year and place")),
    "flats_reused_a_year": (mark("abandoned flats put to use"), mark("flats a year and place")),
    "rent_discount": (mark("rent paid by the budget"), mark("share of the rent")),
    "reach_km": (mark("longer way accepted"), mark("km")),
    "fare_discount": (mark("fare paid by the budget"), mark("share of the fare")),
    "running_cost": (mark("running cost"), mark("million KZT a year and place, 2020 prices")),
    "opening_cost": (mark("opening cost"), mark("million KZT a place, 2020 prices")),
    "thousand_kzt_a_head": (
        mark("money of the town's own"),
        mark("thousand KZT a resident and year, 2020 prices"),
    ),
    "study_odds": (mark("odds of leaving to study"), mark("times the usual odds")),
    "return_gain": (mark("more students who return"), mark("share of students")),
    "cost_per_youth": (mark("cost"), mark("million KZT a resident of 18, 2020 prices")),
    "families_a_year": (mark("families above the baseline"), mark("families a year and place")),
    "supplement": (mark("supplement"), mark("share of public wages")),
    "distance_factor": (mark("distance to Russia"), mark("times the usual distance")),
    "odds_factor": (mark("odds of going to Russia"), mark("times the usual odds")),
    "output_gain": (mark("gain of industrial output"), mark("log points")),
    "change": (mark("change of the indicator"), mark("standardised units, better is +")),
    "cost": (mark("cost"), mark("million KZT a year, 2020 prices")),
}
# Every value that is chosen from a list, and every group of places.
VALUES = {
    "@all": mark("all places"),
    "@towns": mark("all towns"),
    "@rural_districts": mark("all rural districts"),
    "@centres": mark("all centres"),
    "as_realised": mark("as realised"),
    "never_created": mark("never created"),
    "as_declared": mark("as declared"),
    "certain": mark("certain"),
    "hazard": mark("by chance"),
    "heat": mark("heat"),
    "water": mark("water"),
    "sewer": mark("sewers"),
    "road": mark("streets"),
    "all": mark("all networks"),
    "health": mark("health post"),
    "school": mark("school"),
    "food": mark("food industry"),
    "building_materials": mark("building materials"),
    "furniture": mark("furniture"),
    "electronics": mark("electronics"),
    "mechanical_engineering": mark("mechanical engineering"),
    "logistics": mark("logistics"),
    # Indicators of the rating that nothing in the model moves, by their number
    "S10": mark("recipients of targeted social aid"),
    "S11": mark("crimes"),
    "E7": mark("active small firms"),
    "E8": mark("retail turnover per head"),
    "I4": mark("access to piped water"),
    "I5": mark("roads in good condition"),
    "I7": mark("housing commissioned per head"),
    "V1": mark("stationary emissions per head"),
    "V2": mark("drinking-water samples out of norm"),
    "V3": mark("waste-removal coverage"),
    "V4": mark("waste-water treatment"),
    "V5": mark("risk of flood or heat failure"),
}
# Rungs of the extinction ladder.
RATING_CLASSES: dict[str, str] = {
    "development": mark("Development"),
    "depressive": mark("Depressive"),
    "extinction": mark("Extinction"),
}
RUNGS = {
    "legal_town_floor": mark("legal minimum of a town"),
    "primary_care_centre": mark("norm of a primary-care centre"),
    "practical_town_floor": mark("below it towns became villages"),
    "settlement_floor": mark("legal minimum of a settlement"),
    "outpatient_clinic": mark("norm of an outpatient clinic"),
    "rural_okrug": mark("legal minimum of a rural okrug"),
    "dissolution": mark("dissolution"),
}


def schema_messages() -> set[str]:
    """All texts of this file that are not empty."""
    tables = (KINDS, VALUES, RUNGS)
    return {text for table in tables for text in table.values()} | {
        text for pair in KEYS.values() for text in pair if text
    }
