"""The printed audit: one line a finding, then each finding with its numbers, test, consequence, treatment."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any, Final

from rich import box
from rich.console import Console
from rich.text import Text

from calibration.audit import Audit
from calibration.audit_findings import FOUND, NOT_TESTED, Cell, Finding
from experiments.readable_table import ReadableTable

MOST_ROWS: Final = 14
LABELS: Final = (("Test", "test"), ("Consequence", "consequence"), ("Calibration", "treatment"))
WIDEST_CELL: Final = 48
TITLE_ROOM, WIDE_ENOUGH = 26, 90  # characters
PLAIN: Final[Any] = {"markup": False, "highlight": False}
FINDINGS_HEADER: Final = ("id", "title", "verdict", "summary", "test", "consequence", "calibration")


def cell_text(cell: Cell) -> str:
    """Return a figure as printed: thousands separated, no decimals where there are none, years plain."""
    if cell is None:
        return ""
    if isinstance(cell, float):
        return f"{cell:,.0f}" if cell.is_integer() and abs(cell) >= 10 else f"{cell:,.6g}"
    return str(cell)


def print_audit(console: Console, audit: Audit) -> None:
    """Print the audit for reading."""
    findings = audit.findings
    tested = [one for one in findings if one.verdict != NOT_TESTED]
    console.print(
        f"Audit of the data of world '{audit.data.world}': {len(audit.found)} of {len(tested)} defects looked"
        " for were found",
        style="bold",
        **PLAIN,
    )
    summary = ReadableTable(box=box.SIMPLE_HEAD, pad_edge=False)
    room = (
        TITLE_ROOM if console.width >= WIDE_ENOUGH else None
    )  # long summaries would leave a title a word a line
    for heading in ("", "check", "verdict", "in short"):
        summary.add_column(heading, overflow="fold", min_width=room if heading == "check" else None)
    for number, finding in enumerate(findings, 1):
        summary.add_row(str(number), finding.title, _verdict(finding), Text(finding.summary))
    console.print(summary)
    for number, finding in enumerate(findings, 1):
        _print_finding(console, number, finding)


def _verdict(finding: Finding) -> Text:
    return Text(finding.verdict, style="bold" if finding.verdict == FOUND else "")


def _print_finding(console: Console, number: int, finding: Finding) -> None:
    console.print(f"{number}. {finding.title}: {finding.verdict}", style="bold", **PLAIN)
    console.print(finding.summary, **PLAIN)
    if finding.numbers:
        console.print(_numbers(finding.numbers[:MOST_ROWS]))
        if len(finding.numbers) > MOST_ROWS:
            more = len(finding.numbers) - MOST_ROWS
            console.print(f"... and {more} more rows in numbers/{finding.id}.csv", **PLAIN)
    for label, name in LABELS:
        console.print(f"{label}: {getattr(finding, name)}", **PLAIN)
    console.print()


def _numbers(rows: Sequence[Mapping[str, Cell]]) -> ReadableTable:
    table = ReadableTable(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in rows[0]:
        is_text = all(isinstance(row[heading], str) for row in rows)
        table.add_column(
            heading, justify="left" if is_text else "right", overflow="fold", max_width=WIDEST_CELL
        )
    for row in rows:
        table.add_row(*(Text(cell_text(cell)) for cell in row.values()))
    return table


def findings_csv(audit: Audit) -> str:
    """Return the findings, one a row."""
    rows = [
        (one.id, one.title, one.verdict, one.summary, one.test, one.consequence, one.treatment)
        for one in audit.findings
    ]
    return _csv(FINDINGS_HEADER, rows)


def numbers_csv(finding: Finding) -> str:
    """Return the table of numbers of one finding; only valid where it has any."""
    return _csv(tuple(finding.numbers[0]), [tuple(row.values()) for row in finding.numbers])


def _csv(header: Sequence[str], rows: Sequence[Sequence[Cell]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue()
