"""Steps around the index: groups, questionnaires, problems, checks, and the geography behind them."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from calibration.rating import rate, weights_for
from calibration.rating_checks import (
    AGREEMENT,
    DISAGREEMENT,
    UNDECIDED,
    kendall_tau,
    order_checks,
    rank_stability,
    related_study,
    scheme_rankings,
)
from calibration.rating_figures import RatedFigures, observed_figures
from calibration.rating_groups import (
    BORDER,
    CENTRE,
    SINGLE_INDUSTRY,
    SMALL_TOWN,
    SUPPORT_VILLAGE,
    VILLAGES,
    criteria_of,
    groups_of,
    rated_groups,
)
from calibration.rating_problems import findings
from calibration.rating_questionnaire import (
    COLUMNS,
    Answers,
    read_questionnaires,
    template,
    with_grades,
)
from calibration.rating_system import rating_system
from calibration.region_geography import basemap, border_distances, border_km, places_of
from experiments.region_map import draw_map_figure, map_places, on_base_map
from model.problems import WorldError
from model.world import World

SYSTEM = rating_system()


def filled(world: World, answers: dict[tuple[str, str, str], str], respondent: str = "expert-1") -> str:
    """The template with answers by (section, item, place)."""
    rows = list(csv.DictReader(io.StringIO(template(world, SYSTEM, 2020))))
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for row in rows:
        row["answer"] = answers.pop((row["section"], row["item"], row["place"]), "")
        writer.writerow({**row, "respondent": respondent})
    assert not answers
    return text.getvalue()


def test_a_filled_template_is_read_back(tmp_path: Path, towns: World) -> None:
    points = {("importance", item, ""): "5" for item in (*SYSTEM.ids, "social", "economic", "infrastructure")}
    points["importance", "environment", ""] = "0"
    first, second = tmp_path / "one.csv", tmp_path / "two.csv"
    first.write_text(
        filled(
            towns,
            {
                **points,
                ("grade", "V3", "bulaevo"): "2",
                ("grade", "S11", "bulaevo"): "5",
                ("employer", "largest_employer", "mamlyutka"): "35",
            },
        )
    )
    second.write_text(filled(towns, {("grade", "V3", "bulaevo"): "5"}, "expert-2"))
    answers = read_questionnaires([first, second], towns, SYSTEM)
    assert answers.respondents == ("expert-1", "expert-2")
    assert answers.largest_employer() == {"mamlyutka": 35.0}
    weights = weights_for("expert", observed_figures(towns, SYSTEM, "tables"), SYSTEM, answers.importance())
    np.testing.assert_allclose(weights.blocks, [1 / 3, 1 / 3, 1 / 3, 0])
    before = observed_figures(towns, SYSTEM, "official")
    after = with_grades(before, answers, SYSTEM)
    cell = (after.years.index(2020), after.places.index("bulaevo"))
    scores = SYSTEM.scores(after.values)[(0, *cell)]
    assert scores[SYSTEM.position("V3")] == pytest.approx((0.25 + 1.0) / 2)
    assert scores[SYSTEM.position("S11")] == pytest.approx(1.0)
    assert after.half_width[(*cell, SYSTEM.position("V3"))] == pytest.approx(0.375)
    assert after.half_width[(*cell, SYSTEM.position("S11"))] == pytest.approx(0.125)
    assert after.source("V3", "bulaevo", 2020) == "graded by 2 respondents"
    assert after.coverage()[cell] - before.coverage()[cell] == pytest.approx(2 / 34)


def test_a_grade_never_replaces_a_figure(tmp_path: Path, towns: World) -> None:
    path = tmp_path / "one.csv"
    path.write_text(",".join(COLUMNS) + "\ngrade,S2,bulaevo,2020,how is it?,5,anna,resident\n")
    before = observed_figures(towns, SYSTEM, "official")
    after = with_grades(before, read_questionnaires([path], towns, SYSTEM), SYSTEM)
    np.testing.assert_array_equal(before.values, after.values)


def test_all_problems_of_questionnaires_are_told_at_once(tmp_path: Path, towns: World) -> None:
    bad, empty = tmp_path / "bad.csv", tmp_path / "empty.csv"
    bad.write_text(
        ",".join(COLUMNS)
        + "\nimportence,S1,,,?,5,anna,expert\n"
        + "importance,S99,,,?,5,anna,expert\n"
        + "importance,S1,bulaevo,,?,5,anna,expert\n"
        + "importance,S2,,,?,11,anna,expert\n"
        + "importance,S3,,,?,5,boris,resident\n"
        + "grade,V1,bulaewo,2020,?,3,anna,expert\n"
        + "grade,V1,bulaevo,twenty,?,3,anna,expert\n"
        + "grade,V2,bulaevo,2020,?,6,anna,expert\n"
        + "grade,V3,bulaevo,2020,?,3,,expert\n"
        + "grade,V4,bulaevo,2020,?,3,anna,mayor\n"
        + "employer,biggest,bulaevo,2020,?,30,anna,expert\n"
        + "grade,V5,bulaevo,2020,?,3,anna,expert\n"
        + "grade,V5,bulaevo,2020,?,4,anna,expert\n"
    )
    empty.write_text(template(towns, SYSTEM, 2020))
    with pytest.raises(WorldError) as caught:
        read_questionnaires([bad, empty], towns, SYSTEM)
    text = str(caught.value)
    for part in (
        ":2: unknown section 'importence'; nearest valid name: 'importance'",
        ":3: unknown indicator 'S99'",
        ":4: importance is asked without place and year",
        ":5: column 'answer': 11 is outside 0 to 10",
        ":6: points of importance are asked of experts only",
        ":7: unknown place 'bulaewo'; nearest valid name: 'bulaevo'",
        ":8: column 'year' holds 'twenty'",
        ":9: column 'answer': 6 is outside 1 to 5",
        ":10: column 'respondent' is empty",
        ":11: unknown role 'mayor'",
        ":12: unknown item 'biggest'; expected 'largest_employer'",
        ":14: respondent 'anna' answers this already at",
        "empty.csv: holds no answer",
    ):
        assert part in text, part
    assert "13 problems" in text


def test_groups_follow_the_paper_s_four_and_say_what_is_not_known(region: World) -> None:
    distances = border_distances("region", region.ids[: region.n_sim])
    criteria = {one.place: one for one in criteria_of(region, SYSTEM, distances, {"mamlyutka": 25.0})}
    assert groups_of(criteria["bulaevo"], SYSTEM) == ([SMALL_TOWN, BORDER], [SINGLE_INDUSTRY])
    assert groups_of(criteria["mamlyutka"], SYSTEM) == ([SMALL_TOWN, SINGLE_INDUSTRY, BORDER], [])
    assert groups_of(criteria["tayynsha"], SYSTEM)[0] == [SMALL_TOWN]
    assert groups_of(criteria["petropavlovsk"], SYSTEM)[0][0] == CENTRE
    assert groups_of(criteria["esil_rural"], SYSTEM) == ([VILLAGES], [SUPPORT_VILLAGE])
    by_group = rated_groups(list(criteria.values()), SYSTEM)
    assert by_group[SMALL_TOWN] == ["bulaevo", "mamlyutka", "sergeevka", "tayynsha"]
    assert len(by_group[VILLAGES]) == 13
    nowhere = criteria_of(region, SYSTEM, {}, {})[0]
    assert BORDER in groups_of(nowhere, SYSTEM)[1]


def test_distances_to_the_border_agree_with_the_published_schematic_ones() -> None:
    with (Path(__file__).parent.parent / "model" / "data" / "places.csv").open(encoding="utf-8") as file:
        published = {
            row["id"]: float(row["border_km_schematic"])
            for row in csv.DictReader(file)
            if row["border_km_schematic"]
        }
    assert set(published) == {"petropavlovsk", "bulaevo", "mamlyutka", "tayynsha", "sergeevka"}
    known = places_of("region")
    for place, km in published.items():
        assert border_km(known[place].lat, known[place].lon) == pytest.approx(km, abs=9), place
    omsk = known["omsk"]
    assert border_km(omsk.lat, omsk.lon) > 50
    assert basemap().border.shape[1:] == (2, 2)


def test_the_map_shows_all_units_and_no_world_elsewhere(region: World) -> None:
    ids = region.ids[: region.n_sim]
    names = dict(zip(region.ids, region.names("en"), strict=True))
    places = map_places(
        "region", ids, names, {}, {"bulaevo": 0.5}, {"bulaevo": "half"}, {"esil_rural": False}
    )
    assert [one.id for one in places] == list(ids)
    assert on_base_map(places)
    assert not on_base_map([])
    figure = draw_map_figure("Map", [("2020", places)], "index", (0, 1), ["source"])
    texts = [text.get_text() for axes in figure.axes for text in axes.texts]
    assert "Bulaevo\nhalf" in texts
    assert sum(name in " ".join(texts) for name in names.values()) >= region.n_sim
    assert "Natural Earth" in " ".join(text.get_text() for text in figure.texts)


def made(scores: np.ndarray[tuple[int, ...], np.dtype[np.float64]], places: tuple[str, ...]) -> RatedFigures:
    worst = np.array([one.worst for one in SYSTEM.indicators])
    best = np.array([one.best for one in SYSTEM.indicators])
    years = tuple(range(2015, 2015 + scores.shape[1]))
    return RatedFigures(
        "official", places, years, worst + scores * (best - worst), np.zeros(scores.shape[1:])
    )


def test_problems_are_the_lowest_scores_and_risks_the_falling_ones(towns: World) -> None:
    scores = np.full((3, 6, 1, 34), 0.6)
    scores[..., SYSTEM.position("S2")] = 0.1
    scores[..., SYSTEM.position("I1")] = 0.3
    scores[..., SYSTEM.position("V1")] = np.nan
    scores[:, :, 0, SYSTEM.position("E1")] = 0.9 - 0.05 * np.arange(6)
    scores[:2, 2, 0, SYSTEM.position("E2")] = np.nan  # a gap: no change over five years is known
    figures = made(scores, ("bulaevo",))
    found = findings(figures, SYSTEM, weights_for("number", figures, SYSTEM))
    assert [(one.kind, one.indicator.id) for one in found] == [
        ("problem", "S2"), ("problem", "I1"), ("risk", "E1"),
    ]  # fmt: skip
    assert found[0].loss == pytest.approx(0.9 / 34)
    assert found[2].change == pytest.approx(-0.25)
    assert found[0].runs == 1.0
    assert found[0].text == "more deaths than births, or few births"


def test_the_order_of_the_related_study_is_reported_never_forced(towns: World) -> None:
    assert related_study() == {
        "mamlyutka": "severely_depressed", "sergeevka": "severely_depressed", "bulaevo": "vulnerable",
    }  # fmt: skip
    scores = np.full((1, 6, 2, 34), 0.5)
    scores[0, 0, 1], scores[0, 1, 1] = 0.3, 0.7
    scores[0, 2, 1, :11], scores[0, 2, 1, 11:22] = 0.2, 0.8
    scores[0, 3:, 0] = np.nan
    scores[0, 3:, 0, 0] = 0.5
    figures = made(scores, ("bulaevo", "mamlyutka"))
    checks = order_checks(figures, SYSTEM, weights_for("equal", figures, SYSTEM), 200, 1)
    assert [one.verdict for one in checks[:3]] == [AGREEMENT, DISAGREEMENT, UNDECIDED]
    assert checks[3].indicators == ("S1",)
    assert checks[3].coverage == pytest.approx(1 / 34)
    assert {(one.worse, one.better) for one in checks} == {("mamlyutka", "bulaevo")}


def test_the_paper_and_the_study_disagree_in_some_years(towns: World) -> None:
    """What the shipped tables say: reported as found, whatever it is."""
    figures = observed_figures(towns, SYSTEM, "tables").only(("bulaevo", "mamlyutka"))
    checks = order_checks(figures, SYSTEM, weights_for("equal", figures, SYSTEM), 400, 1)
    assert {one.year: one.verdict for one in checks}[2019] == DISAGREEMENT
    assert {one.year: one.verdict for one in checks}[2020] == AGREEMENT
    assert len(checks[-1].indicators) == 7


def test_kendall_tau_is_scipy_s() -> None:
    generator = np.random.default_rng(4)
    for _ in range(20):
        one, other = generator.integers(0, 6, (2, 9)).astype(float)
        assert kendall_tau(one, other) == pytest.approx(stats.kendalltau(one, other).statistic)
    assert np.isnan(kendall_tau(np.zeros(4), np.arange(4.0)))


def test_ranks_that_no_weight_can_change_are_stable(towns: World) -> None:
    scores = np.broadcast_to(np.array([0.2, 0.4, 0.6])[:, None], (3, 34))
    stable = np.broadcast_to(scores, (1, 6, 3, 34)).copy()
    stable[0, -1, 1] = np.tile([0.0, 1.0], 17)
    stable[0, -1, 0, 5] = np.nan
    figures = made(stable, ("a", "b", "c"))
    found = rank_stability(figures, SYSTEM, weights_for("equal", figures, SYSTEM), 100, 1)
    np.testing.assert_allclose(found[0].tau, 1.0)
    assert found[-1].tau.min() < 1.0
    assert len(found[0].indicators) == 34
    assert len(found[-1].indicators) == 33
    assert scheme_rankings(made(stable[:, :5], ("a", "b", "c")), SYSTEM, {})["equal"] == ("c", "b", "a")


def test_two_scales_region_and_own_past(towns: World) -> None:
    figures = observed_figures(towns, SYSTEM, "official")
    rating = rate(figures, towns, weights_for("equal", figures, SYSTEM), 100, 1)
    p = figures.places.index("bulaevo")
    np.testing.assert_allclose(rating.against_start[:, 0], 0.0)
    region = np.zeros(2)
    scores = SYSTEM.scores(figures.values)[0, -1, p]
    from calibration.rating_figures import region_figures

    official = SYSTEM.scores(region_figures(towns, SYSTEM))[-1]
    shared = (
        [SYSTEM.position(id) for id in ("S1", "S2", "S3", "S6")],
        [SYSTEM.position(id) for id in ("E1", "E2")],
    )
    region = np.array([official[one].mean() for one in shared])
    own = np.array([scores[one].mean() for one in shared])
    assert rating.against_region[1, -1, p] == pytest.approx(own.mean() - region.mean())
    assert not Answers().answers
