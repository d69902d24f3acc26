"""The region as a map: border, towns, centres, and who moves where in a year as arrows.

Coordinates are those of the world's places files (the shipped ones: GeoNames); oblasts: `data/README.md`.
A place beyond the base map is left out of the map, which says so, not of the figures.
"""

from __future__ import annotations

import itertools
import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

from experiments.dashboard.drawing import GREY, INK, Drawing, Point, fitting, text_width, tooltip
from experiments.language import Language
from model.world import World

BASEMAP = Path(__file__).resolve().parent / "data" / "basemap.geojson"
WIDTH, HEIGHT = 760.0, 470.0
WEST, EAST, SOUTH, NORTH = 61.6, 76.2, 50.5, 57.6
KAZAKHSTAN, OBLAST, RUSSIA, BORDER = "#f4f1e8", "#fbe9b7", "#e6ebf0", "#7a2048"
TO_RUSSIA, INSIDE = "#b04a00", "#00609a"  # of the palette, darker: they lie on coloured land
LEAST_FLOW = 0.5  # persons a year: arrows below are left out
WHOLE_FROM = 10.0  # persons: smaller means over the runs keep a decimal
WIDEST_ARROW = 9.0
MOST_ARROWS = 64  # more hide each other
SMALLEST_TEXT = 9.5


@cache
def _shapes() -> tuple[tuple[str, str, tuple[tuple[Point, ...], ...]], ...]:
    """Name, country and outer rings of every oblast."""
    held = json.loads(BASEMAP.read_text(encoding="utf-8"))
    found = []
    for feature in held["features"]:
        geometry = feature["geometry"]
        polygons = (
            geometry["coordinates"] if geometry["type"] == "MultiPolygon" else [geometry["coordinates"]]
        )
        rings = tuple(tuple((float(x), float(y)) for x, y in polygon[0]) for polygon in polygons)
        found.append((feature["properties"]["name"], feature["properties"]["country"], rings))
    return tuple(found)


@cache
def _border() -> tuple[tuple[Point, Point], ...]:
    """Edges of the state border: those of one oblast of Kazakhstan alone, without the cut."""
    count: Counter[tuple[Point, Point]] = Counter()
    for name, country, rings in _shapes():
        if country == "KZ" and name != "Astana":  # a city inside an oblast that is drawn without a hole
            for ring in rings:
                for pair in itertools.pairwise(ring):
                    one, two = sorted(pair)
                    count[one, two] += 1
    return tuple(edge for edge, times in sorted(count.items()) if times == 1 and not _on_frame(*edge))


def _on_frame(one: Point, two: Point) -> bool:
    """Whether an edge is where the base map was cut off."""
    return any(one[k] == two[k] for k in range(2))


def _at(lon: float, lat: float) -> Point:
    """Equirectangular projection, true to shape at the middle latitude."""
    squeeze = math.cos(math.radians((SOUTH + NORTH) / 2))
    scale = min((WIDTH - 20) / ((EAST - WEST) * squeeze), (HEIGHT - 70) / (NORTH - SOUTH))
    left = (WIDTH - scale * (EAST - WEST) * squeeze) / 2
    return left + scale * (lon - WEST) * squeeze, 40 + scale * (NORTH - lat)


def region_map(
    lang: Language,
    world: World,
    title: str,
    flows: Mapping[tuple[str, str], float],
    population: Mapping[str, float],
    note: str,
) -> Drawing:
    """Draw moves of a year.

    Args:
        flows: persons by (origin, destination). population: of simulated places.
    """
    drawing = Drawing(WIDTH, HEIGHT, title, note)
    clip = f'<clipPath id="frame"><rect x="8" y="28" width="{WIDTH - 16:g}" height="{HEIGHT - 78:g}"/></clipPath>'
    drawing.add(clip + '<g clip-path="url(#frame)">')
    for name, country, rings in _shapes():
        colour = KAZAKHSTAN if country == "KZ" else RUSSIA
        for ring in rings:
            drawing.area(
                [_at(*p) for p in ring], OBLAST if name == "North Kazakhstan" else colour, 1.0, "#b5b5b5"
            )
    for one, two in _border():
        drawing.line(_at(*one), _at(*two), BORDER, 2.2)
    held = _positions(world)
    missing = {place for pair, persons in flows.items() if persons >= LEAST_FLOW for place in pair} - set(
        held
    )
    if missing:
        names = ", ".join(lang.place(world, place) for place in world.ids if place in missing)
        note = lang.text("{note}; not on this map: {places}", note=note, places=names)
    largest = max([*(persons for pair, persons in flows.items() if set(pair) <= set(held)), 1.0])
    shown = [
        (persons, origin, destination)
        for (origin, destination), persons in flows.items()
        if persons >= LEAST_FLOW and origin in held and destination in held
    ]
    if len(shown) > MOST_ARROWS:
        shown = sorted(shown)[-MOST_ARROWS:]
        note = lang.text("{note}; smaller flows are left out", note=note)
    for persons, origin, destination in sorted(shown):
        if origin != destination:
            colour = TO_RUSSIA if world.nest[world.index(destination)] == 1 else INSIDE
            moved = _moved(lang, persons)
            tip = f"{lang.place(world, origin)} → {lang.place(world, destination)}: {moved}"
            _arrow(drawing, held[origin], held[destination], persons / largest, colour, tip)
    drawing.add("</g>")
    _countries(drawing, lang)
    _names(drawing, lang, world, held, population)
    _one_line(drawing, 18, title, 14)
    _key(drawing, lang, largest)
    _one_line(drawing, HEIGHT - 6, note, 10.5, GREY)
    return drawing


def _moved(lang: Language, persons: float) -> str:
    """Mean moves of a year: whole, small ones with a decimal."""
    return lang.number(persons, 0 if persons >= WHOLE_FROM else 1)


def _one_line(drawing: Drawing, y: float, text: str, size: float, colour: str = INK) -> None:
    """Write a text across the map, a little smaller where it is long."""
    size = max(SMALLEST_TEXT, min(size, size * (WIDTH - 24) / text_width(text, size)))
    drawing.text((12, y), fitting(text, WIDTH - 24, size), size=round(size - 0.05, 1), colour=colour)


def _in_frame(point: Point) -> bool:
    """Whether the base map reaches there: a world of one's own may lie elsewhere."""
    return 8 < point[0] < WIDTH - 8 and 28 < point[1] < HEIGHT - 50


def _positions(world: World) -> dict[str, Point]:
    """Where each place stands on the map; places of one spot (a town and its villages) are set apart a little."""
    taken: dict[Point, int] = {}
    found = {}
    for place in world.ids:
        if place in world.where and _in_frame(_at(*world.where[place])):
            x, y = _at(*world.where[place])
            spot = (round(x / 6), round(y / 6))
            number = taken.get(spot, 0)
            taken[spot] = number + 1
            found[place] = (x + 9.0 * number, y + 7.0 * number)
    return found


def _arrow(drawing: Drawing, start: Point, end: Point, share: float, colour: str, tip: str) -> None:
    """A bent arrow; its width grows with the number of persons."""
    dx, dy = end[0] - start[0], end[1] - start[1]
    length = math.hypot(dx, dy)
    if length < 6.0:
        return
    width = max(0.8, WIDEST_ARROW * share)
    bend = 0.16
    middle = (start[0] + dx / 2 - bend * dy, start[1] + dy / 2 + bend * dx)
    head = min(7.0 + width, 0.6 * length)
    ax, ay = end[0] - middle[0], end[1] - middle[1]
    size = math.hypot(ax, ay)
    ux, uy = ax / size, ay / size
    tip_at = (end[0] - 4 * ux, end[1] - 4 * uy)
    base = (tip_at[0] - head * ux, tip_at[1] - head * uy)
    side = head * 0.5
    drawing.add(
        f'<g opacity="0.9"><path d="M{start[0]:.1f},{start[1]:.1f} Q{middle[0]:.1f},{middle[1]:.1f} '
        f'{base[0]:.1f},{base[1]:.1f}" fill="none" stroke="{colour}" stroke-width="{width:.1f}">{tooltip(tip)}</path>'
        f'<polygon points="{tip_at[0]:.1f},{tip_at[1]:.1f} {base[0] - side * uy:.1f},{base[1] + side * ux:.1f} '
        f'{base[0] + side * uy:.1f},{base[1] - side * ux:.1f}" fill="{colour}"/></g>'
    )


def _countries(drawing: Drawing, lang: Language) -> None:
    drawing.text(_at(69.3, 57.1), lang.text("Russia"), anchor="middle", size=15, colour="#5a6570", halo=True)
    drawing.text(
        _at(66.4, 51.0), lang.text("Kazakhstan"), anchor="middle", size=15, colour="#6b6346", halo=True
    )


# Where a name can stand beside its dot: to the right, the left, above, below, and at the corners.
_SIDES = (
    (8, 4, "start"), (-8, 4, "end"), (0, -9, "middle"), (0, 18, "middle"),
    (7, -7, "start"), (-7, -7, "end"), (7, 16, "start"), (-7, 16, "end"), (8, -20, "start"), (-8, 30, "end"),
)  # fmt: skip


def _names(
    drawing: Drawing, lang: Language, world: World, held: Mapping[str, Point], population: Mapping[str, float]
) -> None:
    """Dots and names; a name goes where it covers no other one."""
    named = [place for place in held if world.kind[world.index(place)] != "rural_district"]
    dots = {
        place: (held[place][0] - 6, held[place][1] - 6, held[place][0] + 6, held[place][1] + 6)
        for place in named
    }
    taken: list[tuple[float, float, float, float]] = []
    rank = {"town": 0, "capital": 1, "russia": 1, "regional_centre": 1}
    order = sorted(held, key=lambda place: rank.get(world.kind[world.index(place)], 2))
    for place in reversed(order):
        simulated = world.index(place) < world.n_sim
        radius = 3.6 if place not in named else 5.0 if simulated else 4.0
        drawing.circle(held[place], radius, INK if simulated else "#777777", lang.place(world, place))
    for place in (one for one in order if one in named):
        x, y = held[place]
        simulated = world.index(place) < world.n_sim
        people = population.get(place)
        name = lang.place(world, place)
        label = name if people is None else f"{name} {lang.number(people, 0)}"
        size = 12.0 if simulated else 11.0
        width = text_width(label, size)
        for dx, dy, anchor in _SIDES:
            left = x + dx - {"start": 0.0, "end": width, "middle": width / 2}[anchor]
            box = (left, y + dy - size, left + width, y + dy + 3)
            inside = box[0] > 8 and box[2] < WIDTH - 8 and box[1] > 28
            others = [*taken, *(dot for other, dot in dots.items() if other != place)]
            if inside and not any(_overlap(box, other) for other in others):
                taken.append(box)
                drawing.text((x + dx, y + dy), label, anchor=anchor, size=size, halo=True)
                break


def _overlap(one: Sequence[float], two: Sequence[float]) -> bool:
    return one[0] < two[2] and two[0] < one[2] and one[1] < two[3] and two[1] < one[3]


def _key(drawing: Drawing, lang: Language, largest: float) -> None:
    y = HEIGHT - 28
    x = 14.0
    entries = [
        (INSIDE, lang.text("to places in Kazakhstan"), WIDEST_ARROW * 0.5),
        (TO_RUSSIA, lang.text("to Russia"), WIDEST_ARROW * 0.5),
        (BORDER, lang.text("state border"), 2.2),
        (
            "#555555",
            lang.text("widest arrow: {persons} persons a year", persons=_moved(lang, largest)),
            WIDEST_ARROW,
        ),
    ]
    for colour, label, width in entries:
        drawing.line((x, y - 4), (x + 22, y - 4), colour, width)
        drawing.text((x + 27, y), label, size=11)
        x += 27 + text_width(label, 11) + 14
