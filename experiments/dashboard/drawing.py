"""Drawing as SVG text: the same figures on the page and in the brief, in the reader's language, without a library.

Widths of texts are measured with the font that the brief embeds (DejaVu Sans, which comes with matplotlib and has all
Kazakh letters), so that nothing overlaps or runs out of the picture.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache
from html import escape
from pathlib import Path
from typing import Any

# Okabe & Ito 2008: told apart by colour-blind readers; each series has a dash of its own as well.
COLOURS = ("#3a3a3a", "#0072B2", "#D55E00", "#007A59", "#A0467C")
DASHES = ("", "", "7 3", "2 3", "9 3 2 3")
INK, GREY, FAINT, PAPER = "#1c1c1c", "#444444", "#d9d9d9", "#ffffff"
FONT = "'DejaVu Sans', Roboto, Verdana, sans-serif"
TEXT = 12.0
Point = tuple[float, float]


@cache
def font_path() -> Path:
    """DejaVu Sans as it comes with matplotlib."""
    import matplotlib

    return Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"


@cache
def _font() -> tuple[dict[int, str], Any, int]:
    from fontTools.ttLib import TTFont

    font = TTFont(font_path())
    return font.getBestCmap(), font["hmtx"], font["head"].unitsPerEm


def missing_glyphs(text: str) -> set[str]:
    """Characters that the embedded font cannot draw."""
    known = _font()[0]
    return {char for char in text if ord(char) not in known and not char.isspace()}


@cache
def text_width(text: str, size: float = TEXT) -> float:
    """Width of a text in pixels."""
    known, widths, em = _font()
    return float(sum(widths[known[ord(c)]][0] if ord(c) in known else em for c in text)) * size / em


def fitting(text: str, width: float, size: float = TEXT) -> str:
    """The text, or its beginning with an ellipsis, so that it fits."""
    if text_width(text, size) <= width:
        return text
    while text and text_width(text + "…", size) > width:
        text = text[:-1]
    return text.rstrip() + "…"


def wrapped(text: str, width: float, size: float = TEXT) -> list[str]:
    """The text in lines that fit, broken between words; a word wider than a line is shortened."""
    lines: list[str] = []
    for word in text.split(" "):
        if lines and text_width(f"{lines[-1]} {word}", size) <= width:
            lines[-1] += f" {word}"
        else:
            lines.append(fitting(word, width, size))
    return lines


class Drawing:
    """A picture that grows by shapes."""

    def __init__(self, width: float, height: float, title: str, description: str = "") -> None:
        self.width, self.height = width, height
        self.title, self.description = title, description
        self._parts: list[str] = []
        self.boxes: list[tuple[float, float, float, float]] = []  # of all texts, for tests of overflow

    def add(self, shape: str) -> None:
        """Add a piece of SVG."""
        self._parts.append(shape)

    def line(self, a: Point, b: Point, colour: str = FAINT, width: float = 1.0, dash: str = "") -> None:
        """A straight line."""
        extra = f' stroke-dasharray="{dash}"' if dash else ""
        self.add(
            f'<line x1="{a[0]:.1f}" y1="{a[1]:.1f}" x2="{b[0]:.1f}" y2="{b[1]:.1f}" stroke="{colour}" '
            f'stroke-width="{width:g}"{extra}/>'
        )

    def polyline(
        self, points: Sequence[Point], colour: str, width: float = 2.0, dash: str = "", tip: str = ""
    ) -> None:
        """A line through points."""
        extra = f' stroke-dasharray="{dash}"' if dash else ""
        self.add(
            f'<polyline points="{_points(points)}" fill="none" stroke="{colour}" stroke-width="{width:g}"{extra}>'
            f"{tooltip(tip)}</polyline>"
        )

    def area(self, points: Sequence[Point], colour: str, opacity: float = 1.0, stroke: str = "none") -> None:
        """A filled polygon."""
        self.add(
            f'<polygon points="{_points(points)}" fill="{colour}" fill-opacity="{opacity:g}" stroke="{stroke}" '
            'stroke-width="0.7"/>'
        )

    def box(self, x: float, y: float, width: float, height: float, colour: str, tip: str = "") -> None:
        """A filled rectangle."""
        self.add(
            f'<rect x="{x:.1f}" y="{y:.1f}" width="{max(0.0, width):.1f}" height="{height:.1f}" fill="{colour}">'
            f"{tooltip(tip)}</rect>"
        )

    def circle(self, centre: Point, radius: float, colour: str, tip: str = "") -> None:
        """A filled circle with a white rim."""
        self.add(
            f'<circle cx="{centre[0]:.1f}" cy="{centre[1]:.1f}" r="{radius:.1f}" fill="{colour}" stroke="{PAPER}" '
            f'stroke-width="1">{tooltip(tip)}</circle>'
        )

    def text(
        self,
        at: Point,
        text: str,
        *,
        anchor: str = "start",
        size: float = TEXT,
        colour: str = INK,
        bold: bool = False,
        halo: bool = False,
    ) -> None:
        """A line of text on its baseline."""
        width = text_width(text, size) * (1.08 if bold else 1.0)
        left = at[0] - {"start": 0.0, "middle": width / 2, "end": width}[anchor]
        self.boxes.append((left, at[1] - size, left + width, at[1] + 0.25 * size))
        extra = ' font-weight="bold"' if bold else ""
        extra += (
            f' stroke="{PAPER}" stroke-width="3" paint-order="stroke" stroke-linejoin="round"' if halo else ""
        )
        self.add(
            f'<text x="{at[0]:.1f}" y="{at[1]:.1f}" text-anchor="{anchor}" font-size="{size:g}" fill="{colour}"{extra}>'
            f"{escape(text)}</text>"
        )

    def overflow(self) -> list[tuple[float, float, float, float]]:
        """Boxes of texts that run out of the picture."""
        return [
            b
            for b in self.boxes
            if b[0] < -0.5 or b[1] < -0.5 or b[2] > self.width + 0.5 or b[3] > self.height + 2
        ]

    def svg(self) -> str:
        """The picture, scaling with its frame, with title and description for screen readers."""
        said = f"<title>{escape(self.title)}</title>"
        if self.description:
            said += f"<desc>{escape(self.description)}</desc>"
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {self.width:g} {self.height:g}" role="img" '
            f'aria-label="{escape(self.title, quote=True)}" font-family="{FONT}" width="100%">'
            f'{said}<rect width="100%" height="100%" fill="{PAPER}"/>{"".join(self._parts)}</svg>'
        )


def _points(points: Sequence[Point]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in points)


def tooltip(tip: str) -> str:
    """What a reader sees who rests on a shape."""
    return f"<title>{escape(tip)}</title>" if tip else ""


def ticks(low: float, high: float, number: int = 5) -> list[float]:
    """Round numbers that span an interval."""
    if not high > low:
        high = low + max(1.0, abs(low) * 0.1)
    raw = (high - low) / number
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(power * head for head in (1.0, 2.0, 2.5, 5.0, 10.0) if power * head >= raw * (1 - 1e-9))
    first = math.floor(low / step + 1e-9)
    last = math.ceil(high / step - 1e-9)
    return [k * step for k in range(first, last + 1)]
