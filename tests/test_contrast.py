"""Contrast of figures and of the brief, measured as WCAG 2.1 does: texts 4.5 to 1, lines and signs 3 to 1.

The page itself is measured in the browser (`tests/test_dashboard_browser.py`).
"""

from __future__ import annotations

import re
from itertools import combinations
from xml.etree import ElementTree

import pytest

from experiments.brief import PAGE
from experiments.dashboard import figures
from experiments.dashboard.drawing import COLOURS, DASHES, FAINT, PAPER, Drawing
from experiments.dashboard.frame import STYLE
from experiments.dashboard.region_drawing import (
    BORDER,
    INSIDE,
    KAZAKHSTAN,
    OBLAST,
    RUSSIA,
    TO_RUSSIA,
    region_map,
)
from experiments.language import language
from model.world import load_world
from tests.live_results import live_run, session_with
from tests.test_dashboard_figures import all_drawings

TEXT, GRAPHIC = 4.5, 3.0
SVG = "{http://www.w3.org/2000/svg}"
LANDS = (KAZAKHSTAN, RUSSIA, OBLAST)
HELPERS = {FAINT, "#b5b5b5"}  # grid lines and bounds of oblasts: nothing is read off them alone


def luminance(colour: str) -> float:
    """Relative luminance of #rgb or #rrggbb."""
    digits = colour.lstrip("#")
    digits = "".join(2 * one for one in digits) if len(digits) == 3 else digits
    parts = [int(digits[k : k + 2], 16) / 255 for k in (0, 2, 4)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, two: str) -> float:
    """Contrast ratio of two colours, 1 to 21."""
    low, high = sorted((luminance(one), luminance(two)))
    return (high + 0.05) / (low + 0.05)


def laid_over(colour: str, ground: str, opacity: float) -> str:
    """What a translucent colour looks like on its ground."""
    parts = zip(*(bytes.fromhex(one.lstrip("#")) for one in (colour, ground)), strict=True)
    return "#" + "".join(f"{round(opacity * top + (1 - opacity) * below):02x}" for top, below in parts)


def test_contrast_is_that_of_wcag() -> None:
    assert contrast("#000", "#ffffff") == pytest.approx(21.0)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)  # the example of the guidelines
    assert laid_over("#000000", "#ffffff", 0.5) == "#808080"


def drawn(drawing: Drawing) -> list[tuple[str, str]]:
    """Kind ("text" or "sign") and colour of everything that is read."""
    found = []
    for element in ElementTree.fromstring(drawing.svg()).iter():
        kind = element.tag.removeprefix(SVG)
        if kind == "text":
            found.append(("text", element.attrib["fill"]))
        elif kind in ("line", "polyline", "path"):
            found.append(("sign", element.attrib["stroke"]))
        elif kind in ("rect", "circle") and element.attrib.get("fill", PAPER) != PAPER:
            found.append(("sign", element.attrib["fill"]))
    return found


def test_texts_and_signs_of_all_figures_stand_out_from_the_paper() -> None:
    seen = 0
    for drawing in all_drawings("en"):
        for kind, colour in drawn(drawing):
            if colour not in HELPERS:
                assert contrast(colour, PAPER) >= (TEXT if kind == "text" else GRAPHIC), (
                    drawing.title,
                    colour,
                )
                seen += 1
    assert seen > 500


def test_bands_have_edges_that_stand_out() -> None:
    drawing = figures.fan_figure(session_with(live_run(), "en"), "population", "all")
    assert drawing is not None
    lines = [e.attrib["stroke"] for e in ElementTree.fromstring(drawing.svg()).iter(f"{SVG}polyline")]
    for colour in COLOURS:
        assert lines.count(colour) == 3  # a median and the two edges of its light band


@pytest.mark.parametrize("land", LANDS)
def test_arrows_border_and_names_stand_out_from_the_land(land: str) -> None:
    world, lang = load_world("region"), language("en")
    flows = {("bulaevo", "omsk"): 10.0, ("mamlyutka", "petropavlovsk"): 100.0}
    svg = region_map(lang, world, "t", flows, {"bulaevo": 7000.0}, "n").svg()
    (opacity,) = {float(one) for one in re.findall(r'<g opacity="([\d.]+)"', svg)}
    for colour in (INSIDE, TO_RUSSIA):
        assert contrast(laid_over(colour, land, opacity), land) >= GRAPHIC, colour
    assert contrast(BORDER, land) >= GRAPHIC
    for kind, colour in re.findall(r'<(text|circle) [^>]*?fill="(#\w+)"', svg):
        assert contrast(colour, land) >= (TEXT if kind == "text" else GRAPHIC), (kind, colour)


def test_series_are_told_apart_without_colour() -> None:
    for (one, dash), (two, other) in combinations(zip(COLOURS, DASHES, strict=True), 2):
        assert dash != other or contrast(one, two) >= 1.5, (one, two)


@pytest.mark.parametrize(("style", "ground"), [("page", "#ffffff"), ("brief", "#ffffff")])
def test_colours_of_texts_in_the_styles(style: str, ground: str) -> None:
    text = STYLE if style == "page" else (PAGE / "brief_page.html").read_text(encoding="utf-8")
    rules = re.findall(r"\{([^{}]*)\}", text)
    seen = 0
    for rule in rules:
        colours = re.findall(r"(?<!-)\bcolor: (#[0-9a-f]+)", rule)
        behind = re.findall(r"background: (#[0-9a-f]+)", rule)
        for colour in colours:
            if not (
                style == "page" and luminance(colour) > 0.5 and not behind
            ):  # white texts stand in the head
                assert contrast(colour, behind[0] if behind else ground) >= TEXT, rule
                seen += 1
    assert seen >= 3
