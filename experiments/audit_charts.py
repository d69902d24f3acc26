"""The figure of the audit: one panel of evidence for each finding."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Final

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, StrMethodFormatter

from calibration.audit import Audit
from calibration.audit_findings import FOUND, NOT_TESTED
from experiments.audit_panels import (
    accounts_panel,
    age_panel,
    dating_panel,
    ratio_panel,
    rebasing_panel,
    register_panel,
    same_series_panel,
    shared_panel,
    sum_panel,
    text_panel,
    wage_panel,
)
from experiments.figure_sheets import GREY, PALE, VERMILLION, save_sheet, style

COLUMNS: Final = 3
WIDTH, HEIGHT = 4.1, 2.35  # inches of a panel
LEFT, GAP_X, GAP_Y, HEADER, FOOTER = 0.7, 0.8, 0.95, 0.85, 0.75
LONGEST_HEADING: Final = 62
# Panel and label of its vertical axis by check
PANELS: Final[dict[str, tuple[Callable[[Axes, Audit], None], str]]] = {
    "dating": (dating_panel, "persons"),
    "accounts": (accounts_panel, "persons, cumulated"),
    "regional_sum": (sum_panel, "persons a year"),
    "register_event": (register_panel, "robust z of net migration"),
    "same_series": (same_series_panel, "employed / labour force"),
    "shared_numerator": (shared_panel, "billion KZT, nominal"),
    "wage_outliers": (wage_panel, "wage / region's wage"),
    "labour_ratios": (ratio_panel, "labour force / (.595 P)"),
    "text": (text_panel, ""),
    "census_rebasing": (rebasing_panel, "thousand persons, 1 January"),
    "age_structure": (age_panel, "births, first year = 1"),
}


def draw_audit(audit: Audit, folder: Path) -> list[Path]:
    """Draw the audit into ``folder`` as audit.png and audit.svg; return both paths.

    Raises:
        OSError: the files cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with mpl.rc_context(style()):
        return save_sheet(_sheet(audit), folder, "audit")


def _sheet(audit: Audit) -> Figure:
    rows = -(-len(audit.findings) // COLUMNS)
    width = LEFT + COLUMNS * WIDTH + (COLUMNS - 1) * GAP_X + 0.2
    height = HEADER + rows * HEIGHT + (rows - 1) * GAP_Y + FOOTER
    figure = Figure(figsize=(width, height), facecolor="white")
    found = len(audit.found)
    figure.text(
        0.12 / width,
        1 - 0.12 / height,
        f"Audit of the data, world '{audit.data.world}': {found} of {len(audit.findings)} defects found",
        fontsize=12,
        fontweight="bold",
        va="top",
    )
    figure.text(0.12 / width, 0.1 / height, _footer(audit, width), fontsize=6.5, color=GREY, va="bottom")
    for number, finding in enumerate(audit.findings):
        row, column = divmod(number, COLUMNS)
        left = (LEFT + column * (WIDTH + GAP_X)) / width
        top = 1 - (HEADER + row * (HEIGHT + GAP_Y)) / height
        axes = figure.add_axes((left, top - HEIGHT / height, WIDTH / width, HEIGHT / height))
        _dress(axes)
        draw, label = PANELS[finding.id]
        colour = VERMILLION if finding.verdict == FOUND else GREY
        heading = textwrap.shorten(f"{number + 1}. {finding.title}", LONGEST_HEADING, placeholder=" …")
        figure.text(left, top + 0.3 / height, heading, fontsize=8.5, fontweight="bold")
        figure.text(left, top + 0.12 / height, finding.verdict, fontsize=7.5, color=colour)
        if finding.verdict == NOT_TESTED:
            axes.set_axis_off()
            reason = textwrap.fill(finding.summary, 50)
            axes.text(0.0, 0.8, reason, transform=axes.transAxes, fontsize=7.5, color=GREY, va="top")
            continue
        axes.set_ylabel(label)
        draw(axes, audit)
    return figure


def _dress(axes: Axes) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(length=2.5, width=0.6, labelsize=7)
    axes.yaxis.set_major_locator(MaxNLocator(nbins=5))
    axes.yaxis.set_major_formatter(StrMethodFormatter("{x:,.6g}"))
    axes.xaxis.set_major_locator(MaxNLocator(nbins=7, integer=True))
    axes.grid(axis="y", color=PALE, linewidth=0.4)
    axes.set_axisbelow(True)


def _footer(audit: Audit, width: float) -> str:
    sources = sorted({point.source for table in (audit.data.paper,) for points in table.values()
                      for point in points.values()})  # fmt: skip
    papers = "; ".join(sources) or "none"
    text = (
        "Observed figures, no intervals: the audit reads them as published. Sources: Bureau of National"
        " Statistics of Kazakhstan, numbers 6584, 6548, 6550, 102800, 6567 (counts, births, deaths, labour force,"
        f" net migration); tables of the paper: {papers}. Data {audit.data.digest[:10]}."
    )
    return "\n".join(textwrap.wrap(text, int(width * 20)))
