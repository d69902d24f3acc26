"""A map of the region: oblasts, the border with Russia, places as symbols coloured by a value of each.

Used by the rating and by the dashboard: `draw_region_map` draws into axes, `draw_map_figure` makes a whole figure.
Outlines are schematic (`calibration.region_geography`); districts are drawn as squares at their seats, since no open
outline of the districts is at hand.
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.colors import Colormap, Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from calibration.region_geography import BASEMAP_NOTICE, KM_PER_DEGREE, OBLAST, basemap
from experiments.figure_sheets import BLACK, GREY, VERMILLION

LAND = {"KZ": "#f4f1ea", "RU": "#e3e6ea"}
OWN_LAND: Final = "#fffdf7"
MARGIN_DEGREES: Final = 0.45
ROOM_FOR_NAME: Final = 1.3  # degrees west of a place that its name needs
SMALLEST, LARGEST = 5.5, 15.0  # points, diameter of symbols
MARKERS: Final = {"town": "o", "rural_district": "s", "regional_centre": "D", "capital": "D", "russia": "D"}
WIDTH: Final = 9.2  # inches


@dataclass(frozen=True, slots=True)
class MapPlace:
    """A place on the map.

    Attributes:
        lat, lon: degrees. kind: kind of place, decides the marker. people: decides its size; NaN for places without.
        value: decides the colour; NaN draws it hollow. label: below the name. sure: False hatches the symbol's edge.
    """

    id: str
    name: str
    kind: str
    lat: float
    lon: float
    people: float = math.nan
    value: float = math.nan
    label: str = ""
    sure: bool = True


def draw_region_map(
    axes: Axes,
    places: Sequence[MapPlace],
    colours: Colormap,
    norm: Normalize,
    centres: Sequence[MapPlace] = (),
    labels: bool = True,
) -> None:
    """Draw oblasts, the border and the places into axes whose aspect is set for the middle of the places.

    Args:
        places: with values. centres: cities around, named only; those outside the frame are left out.
    """
    west, east, south, north = _frame(places)
    base = basemap()
    for oblast in base.oblasts:
        own = oblast.name == OBLAST
        axes.add_collection(
            PolyCollection(
                list(oblast.outlines),
                facecolors=OWN_LAND if own else LAND[oblast.country],
                edgecolors="#b5b0a5",
                linewidths=0.9 if own else 0.5,
                zorder=1 if own else 0,
            )
        )
    axes.add_collection(
        LineCollection(list(base.border), colors=VERMILLION, linewidths=1.6, zorder=2, capstyle="round")
    )
    for centre in centres:
        if west < centre.lon < east and south < centre.lat < north:
            axes.plot(centre.lon, centre.lat, marker="*", color=GREY, markersize=7, zorder=3)
            axes.annotate(
                centre.name,
                (centre.lon, centre.lat),
                (5, -3),
                textcoords="offset points",
                fontsize=7,
                color=GREY,
                zorder=3,
            )
    moved = _apart(places)
    for place in sorted(places, key=lambda one: -_size(one)):
        lon, lat = moved[place.id]
        hollow = math.isnan(place.value)
        axes.plot(
            lon,
            lat,
            marker=MARKERS[place.kind],
            markersize=_size(place),
            markerfacecolor="white" if hollow else colours(norm(place.value)),
            markeredgecolor=BLACK,
            markeredgewidth=0.8,
            linestyle="none",
            fillstyle="full" if place.sure or hollow else "left",
            markerfacecoloralt="white",
            zorder=5 if place.kind == "town" else 4,
        )
    axes.set_xlim(west, east)
    axes.set_ylim(south, north)
    if labels:
        _write_names(axes, places, moved)
    axes.set_aspect(1.0 / math.cos(math.radians((south + north) / 2.0)))
    axes.set_xticks([])
    axes.set_yticks([])
    _scale_bar(axes, west, south, north)


def _frame(places: Sequence[MapPlace]) -> tuple[float, float, float, float]:
    """West, east, south and north end: the places, the width of the region where they lie in it, and a margin."""
    lons, lats = [one.lon for one in places], [one.lat for one in places]
    own = basemap().oblast(OBLAST).outlines[0]
    (west, south), (east, north) = own.min(axis=0), own.max(axis=0)
    if all(west <= lon <= east for lon in lons) and all(south <= lat <= north for lat in lats):
        lons += [float(west), float(east)]
        lats += [float(north)]
    return (
        min(lons) - MARGIN_DEGREES,
        max(lons) + MARGIN_DEGREES,
        min(lats) - MARGIN_DEGREES,
        max(lats) + MARGIN_DEGREES / 2,
    )


def _size(place: MapPlace) -> float:
    """Diameter in points: the area grows with the logarithm of the people."""
    if math.isnan(place.people) or place.people <= 0.0:
        return SMALLEST
    share = (math.log10(place.people) - 3.5) / 2.0
    return SMALLEST + (LARGEST - SMALLEST) * min(1.0, max(0.0, share))


def _apart(places: Sequence[MapPlace]) -> dict[str, tuple[float, float]]:
    """Where to draw: a district whose seat is a town of its own is drawn half a symbol south of it."""
    moved = {}
    for place in places:
        lon, lat = place.lon, place.lat
        if place.kind == "rural_district" and any(
            other.kind != "rural_district" and math.hypot(other.lon - lon, other.lat - lat) < 0.12
            for other in places
        ):
            lat -= 0.14
        moved[place.id] = (lon, lat)
    return moved


def _write_names(axes: Axes, places: Sequence[MapPlace], moved: Mapping[str, tuple[float, float]]) -> None:
    """Write names beside the symbols, at the side where fewer others stand, else below."""
    for place in places:
        lon, lat = moved[place.id]
        near = [
            (there[0] - lon, there[1] - lat)
            for id, there in moved.items()
            if id != place.id and abs(there[1] - lat) < 0.12 and abs(there[0] - lon) < ROOM_FOR_NAME
        ]
        right, left = sum(east > 0 for east, _ in near), sum(east < 0 for east, _ in near)
        no_room_west = lon - axes.get_xlim()[0] < ROOM_FOR_NAME
        away = _size(place) / 2.0 + 2.5
        if right and (left or no_room_west):
            offset, across, along = (0.0, -away), "center", "top"
        elif right > left:
            offset, across, along = (-away, 0.0), "right", "center"
        else:
            offset, across, along = (away, 0.0), "left", "center"
        axes.annotate(
            place.name + (f"\n{place.label}" if place.label else ""),
            (lon, lat),
            offset,
            textcoords="offset points",
            fontsize=6.6,
            ha=across,
            va=along,
            linespacing=1.1,
            zorder=6,
            bbox={"boxstyle": "round,pad=0.1", "facecolor": "white", "alpha": 0.65, "linewidth": 0},
        )


def _scale_bar(axes: Axes, west: float, south: float, north: float) -> None:
    length = 100.0 / (KM_PER_DEGREE * math.cos(math.radians((south + north) / 2.0)))
    x, y = west + 0.12, south + 0.14
    axes.plot([x, x + length], [y, y], color=BLACK, linewidth=1.2, zorder=6)
    axes.text(x + length / 2, y + 0.04, "100 km", fontsize=6.5, ha="center", va="bottom", zorder=6)


def draw_map_figure(
    title: str,
    panels: Sequence[tuple[str, Sequence[MapPlace]]],
    value_label: str,
    limits: tuple[float, float],
    footer: Sequence[str],
    centres: Sequence[MapPlace] = (),
    colours: str = "viridis",
    labels: bool = True,
) -> Figure:
    """A figure with one map above the other, a colour bar, a legend of symbols and a footer with sources.

    Args:
        panels: heading and places of each map. limits: of the colours. colours: a map that is read with any vision.
    """
    west, east, south, north = _frame(panels[0][1])
    aspect = (north - south) / ((east - west) * math.cos(math.radians((south + north) / 2.0)))
    inner = WIDTH - 0.3
    height_map = inner * aspect
    lines = [row for line in (*footer, f"{BASEMAP_NOTICE}.") for row in textwrap.wrap(line, int(WIDTH * 20))]
    below = 1.0 + 0.14 * len(lines)
    height = 0.5 + len(panels) * (height_map + 0.35) + below
    figure = Figure(figsize=(WIDTH, height), facecolor="white")
    figure.text(0.15 / WIDTH, 1 - 0.12 / height, title, fontsize=12, fontweight="bold", va="top")
    norm, palette = Normalize(*limits), mpl.colormaps[colours]
    for k, (heading, places) in enumerate(panels):
        top = 0.5 + k * (height_map + 0.35) + 0.25
        axes = figure.add_axes(
            (0.15 / WIDTH, 1 - (top + height_map) / height, inner / WIDTH, height_map / height)
        )
        draw_region_map(axes, places, palette, norm, centres, labels)
        axes.set_title(heading, loc="left", fontsize=9, fontweight="bold", pad=4)
    bar = figure.add_axes((0.3 / WIDTH, (below - 0.35) / height, 2.6 / WIDTH, 0.12 / height))
    figure.colorbar(ScalarMappable(norm, palette), cax=bar, orientation="horizontal")
    bar.tick_params(labelsize=6.5, length=2)
    bar.set_title(value_label, fontsize=7, loc="left", pad=2)
    figure.legend(
        handles=_legend(panels),
        loc="lower right",
        bbox_to_anchor=(1 - 0.15 / WIDTH, (below - 0.75) / height),
        ncols=2,
        frameon=False,
        fontsize=7,
    )
    figure.text(
        0.15 / WIDTH,
        0.1 / height,
        "\n".join(lines),
        fontsize=6.5,
        color=GREY,
        va="bottom",
        linespacing=1.3,
    )
    return figure


def _legend(panels: Sequence[tuple[str, Sequence[MapPlace]]]) -> list[Line2D]:
    shown = [one for _, places in panels for one in places]
    names = {"town": "town", "rural_district": "rural district (at its seat)", "regional_centre": "centre"}
    handles = [
        Line2D([], [], linestyle="none", marker=MARKERS[kind], markerfacecolor=GREY, markeredgecolor=BLACK,
               markersize=7, label=text)
        for kind, text in names.items()
        if any(one.kind == kind for one in shown)
    ]  # fmt: skip
    if any(not one.sure for one in shown):
        handles.append(
            Line2D([], [], linestyle="none", marker="o", fillstyle="left", markerfacecolor=GREY,
                   markerfacecoloralt="white", markeredgecolor=BLACK, markersize=7,
                   label="fewer than half of the indicators known: no class")
        )  # fmt: skip
    handles.append(Line2D([], [], color=VERMILLION, linewidth=1.6, label="border with Russia (schematic)"))
    handles.append(
        Line2D([], [], linestyle="none", marker="*", color=GREY, markersize=7, label="other centres")
    )
    return handles


def map_places(
    world_source: str,
    ids: Sequence[str],
    names: Mapping[str, str],
    people: Mapping[str, float],
    values: Mapping[str, float],
    labels: Mapping[str, str] | None = None,
    sure: Mapping[str, bool] | None = None,
) -> list[MapPlace]:
    """Places of a world with coordinates from its files; those without coordinates are left out.

    Raises:
        WorldError: the world's files cannot be read.
    """
    from calibration.region_geography import places_of

    known = places_of(world_source)
    return [
        MapPlace(
            id,
            names[id],
            known[id].kind,
            known[id].lat,
            known[id].lon,
            people.get(id, math.nan),
            values.get(id, math.nan),
            (labels or {}).get(id, ""),
            (sure or {}).get(id, True),
        )
        for id in ids
        if id in known and not np.isnan(known[id].lat + known[id].lon)
    ]


def on_base_map(places: Sequence[MapPlace]) -> bool:
    """Whether there are places and the base map shows all of them: a user's world may lie elsewhere."""
    points = np.concatenate([line for one in basemap().oblasts for line in one.outlines])
    (west, south), (east, north) = points.min(axis=0), points.max(axis=0)
    return bool(places) and all(west <= one.lon <= east and south <= one.lat <= north for one in places)
