"""Tables in narrow terminals: no word or figure is broken, and without room rows become entries."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from experiments.forecast_tables import new_table
from experiments.readable_table import ReadableTable, broken_anew, print_notes, shared_widths

HEADINGS = ("Settlement", "known", "2030", "", "unemployment, points")
ROWS = [
    ("Bulaevo", "21 of 34", "depressive", "30 (0-96) / 68 (4-98) / 2.5 (0-87)", "-0.34 (-0.73 to -0.07)"),
    ("Mamlyutka", "21 of 34", "depressive", "37 (0-98) / 61 (2-98) / 2.0 (0-85)", "+0.21 (+0.04 to +0.46)"),
]


def table() -> ReadableTable:
    made = new_table("Settlement rating (reconstruction), %", HEADINGS)
    for row in ROWS:
        made.add_row(*row)
    return made


def printed(made: ReadableTable, width: int) -> str:
    said = io.StringIO()
    Console(width=width, file=said).print(made)
    return said.getvalue()


@pytest.mark.parametrize("width", [30, 40, 60, 70, 80, 100, 140])
def test_no_word_of_a_cell_is_broken(width: int) -> None:
    text = printed(table(), width)
    words = {word for row in (HEADINGS, *ROWS) for cell in row for word in cell.split()} - {"Settlement"}
    said = {word.strip(";:,") for word in text.split()}
    assert {word.strip(",") for word in words} - said == set()
    assert max(map(len, text.splitlines())) <= width


def test_a_wide_table_is_as_rich_makes_it() -> None:
    text = printed(table(), 140)
    assert all("  ".join(row[1:3]) in line for row, line in zip(ROWS, text.splitlines()[3:], strict=True))


def test_rows_without_room_become_entries() -> None:
    lines = [line.rstrip() for line in printed(table(), 40).splitlines()]
    assert lines[0] == "Settlement rating (reconstruction), %"
    assert lines[1:6] == [
        "Bulaevo",
        "   known: 21 of 34; 2030: depressive, 30",
        "   (0-96) / 68 (4-98) / 2.5 (0-87);",
        "   unemployment, points: -0.34 (-0.73 to",
        "   -0.07)",
    ]


def test_a_row_below_another_stays_indented() -> None:
    made = new_table("Ladder", ("Place and rung", "group", "half by"))
    made.add_row("Bulaevo")
    made.add_row("  5,000 primary care centre", "service", "after 2045")
    assert [line.rstrip() for line in printed(made, 30).splitlines()][1:] == [
        "Bulaevo",
        "  5,000 primary care centre",
        "     group: service; half by:",
        "     after 2045",
    ]


def test_a_table_printed_narrow_is_whole_on_a_wide_line_afterwards() -> None:
    made = table()
    before = printed(made, 140)
    printed(made, 80)
    assert printed(made, 140) == before


def test_room_goes_to_the_column_that_needs_most_lines() -> None:
    assert shared_widths([2, 6], [2, 22], 40) == [2, 22]
    assert shared_widths([2, 6, 3], [3, 22, 3], 20) == [2, 15, 3]
    assert shared_widths([6, 6], [24, 24], 30) == [15, 15]
    assert shared_widths([2, 6], [2, 22], 8) == [2, 6]
    assert shared_widths([2, 6], [2, 22], 7) is None


NOTES = (
    "Intervals: central 50 and 90 % of runs. Chances: share of runs, with Wilson's 95 % interval; 'under': no",
    "run, so that the chance may be anything below.",
    "  Mamlyutka: deaths (other places 6.87 against 12.9; 5 of 7 naive as good)",
    "",
    "Known limits: two towns.",
)


def test_notes_are_broken_anew_between_words_where_the_window_is_narrow() -> None:
    lines = broken_anew(NOTES, 60)
    assert max(map(len, lines)) <= 60
    assert " ".join(" ".join(lines).split()) == " ".join(" ".join(NOTES).split())
    assert "  Mamlyutka: deaths (other places 6.87 against 12.9; 5 of 7" in lines
    assert lines[lines.index("") + 1] == "Known limits: two towns."
    assert broken_anew(["Not available: drift", "Not available: mean"], 60)[1] == "Not available: mean"


def test_a_file_takes_notes_as_they_are_a_narrow_terminal_does_not() -> None:
    for terminal in (False, True):
        said = io.StringIO()
        print_notes(Console(width=60, file=said, force_terminal=terminal, color_system=None), NOTES, style="")
        assert (said.getvalue().splitlines() == list(NOTES)) is not terminal


def test_notes_stay_as_they_are_where_they_fit() -> None:
    said = io.StringIO()
    print_notes(Console(width=120, file=said), NOTES)
    assert said.getvalue().splitlines() == list(NOTES)
