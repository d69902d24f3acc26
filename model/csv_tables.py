"""The strict reader of CSV files: every value is checked where it stands, nothing is guessed."""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from model.problems import Problems, nearest

LARGEST_FILE = 20_000_000
QUALITIES = frozenset(
    {
        "official",
        "official_copy",
        "derived",
        "estimate",
        "interpolated",
        "assumed",
        "paper",
        "census",
        "press",
        "user",
    }
)
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_WHOLE = re.compile(r"[+-]?\d{1,15}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Row:
    """One record: the line it ends on and its cells by column, stripped of blanks at both ends."""

    line: int
    cells: dict[str, str]


class Files:
    """The files of one world: read once, bounded in size, remembered for the digest."""

    def __init__(self, problems: Problems) -> None:
        """Start with no file read; what cannot be read is noted in ``problems``."""
        self.problems = problems
        self._hash = sha256()

    def text(self, path: Path) -> str | None:
        """Return a file's text (UTF-8, with or without a byte order mark), or None with a problem noted."""
        if not path.is_file():
            siblings = [p.name for p in path.parent.glob("*")] if path.parent.is_dir() else []
            self.problems.at_key(path, (), "no such file" + nearest(path.name, siblings))
            return None
        try:
            size = path.stat().st_size
            if size > LARGEST_FILE:
                self.problems.at_key(
                    path, (), f"{size} bytes; a data file of a world has at most {LARGEST_FILE}"
                )
                return None
            content = path.read_bytes()
        except OSError as error:
            self.problems.at_key(path, (), f"cannot be read ({error.strerror})")
            return None
        self._hash.update(f"{path.name}\0{len(content)}\0".encode())
        self._hash.update(content)
        try:
            return content.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = content.count(b"\n", 0, error.start) + 1
            self.problems.at_line(path, line, "not UTF-8 text; save the file as 'CSV UTF-8'")
            return None

    @property
    def digest(self) -> str:
        """Sha256 over the names and bytes of all files read so far, in the order of reading."""
        return self._hash.hexdigest()

    def rows(self, path: Path, columns: Sequence[str], optional: Sequence[str] = ()) -> list[Row]:
        """Read a CSV file with exactly ``columns`` (any order) and possibly some of the ``optional`` ones.

        Problems noted: missing, unknown or repeated column, a record with too few or too many cells, an
        unreadable file. Returns the well-formed records.
        """
        text = self.text(path)
        if text is None:
            return []
        reader = csv.reader(io.StringIO(text, newline=""), strict=True)
        rows: list[Row] = []
        try:
            header = [cell.strip() for cell in next(reader, [])]
            if not self._header_is_right(path, header, columns, optional):
                return []
            for cells in reader:
                if not any(cell.strip() for cell in cells):
                    continue
                if len(cells) != len(header):
                    self.problems.at_line(
                        path,
                        reader.line_num,
                        f"{len(cells)} cells, expected {len(header)} ({','.join(header)})",
                    )
                    continue
                stripped = {name: cell.strip() for name, cell in zip(header, cells, strict=True)}
                rows.append(Row(reader.line_num, stripped))
        except csv.Error as error:
            self.problems.at_line(path, reader.line_num, f"not a readable CSV record ({error})")
        return rows

    def _header_is_right(
        self, path: Path, header: list[str], columns: Sequence[str], optional: Sequence[str]
    ) -> bool:
        """Check the first line of a CSV file; note what is wrong with it."""
        if len(header) == 1 and ";" in header[0]:
            self.problems.at_line(path, 1, "cells are separated by ';', expected ','")
            return False
        valid = [*columns, *optional]
        unknown = [name for name in header if name not in valid]
        missing = [name for name in columns if name not in header]
        repeated = sorted({name for name in header if header.count(name) > 1})
        for name in missing:
            self.problems.at_line(path, 1, f"column '{name}' is missing; expected {','.join(columns)}")
        for name in unknown:
            self.problems.at_line(path, 1, f"unknown column '{name}'" + nearest(name, missing or valid))
        for name in repeated:
            self.problems.at_line(path, 1, f"column '{name}' stands twice")
        return not (unknown or missing or repeated)

    def number(
        self,
        path: Path,
        row: Row,
        column: str,
        low: float = -math.inf,
        high: float = math.inf,
        whole: bool = False,
    ) -> float:
        """Return a cell as a finite number in [low, high]; a wrong one is noted and returned as NaN."""
        cell = row.cells[column]
        if not _NUMBER.fullmatch(cell):
            comma = "; write the decimal sign as a point" if re.fullmatch(r"-?\d+,\d+", cell) else ""
            kind = "a number that is not finite" if cell.lower().strip("+-") in _NOT_FINITE else "text"
            what = f"{kind} '{cell}'" if cell else "nothing"
            self.problems.at_line(path, row.line, f"column '{column}' holds {what}, expected a number{comma}")
            return math.nan
        value = float(cell)
        if not math.isfinite(value):
            self.problems.at_line(path, row.line, f"column '{column}': {cell} is not a finite number")
            return math.nan
        if not low <= value <= high:
            self.problems.at_line(path, row.line, f"column '{column}': {cell} is outside {low:g} to {high:g}")
            return math.nan
        if whole and value != math.floor(value):
            self.problems.at_line(path, row.line, f"column '{column}': {cell} must be a whole number")
            return math.nan
        return value

    def integer(self, path: Path, row: Row, column: str, low: int, high: int) -> int | None:
        """Return a cell as a whole number in [low, high], or None with a problem noted."""
        cell = row.cells[column]
        if not _WHOLE.fullmatch(cell):
            self.problems.at_line(
                path, row.line, f"column '{column}' holds '{cell}', expected a whole number"
            )
            return None
        value = int(cell)
        if not low <= value <= high:
            self.problems.at_line(path, row.line, f"column '{column}': {value} is outside {low} to {high}")
            return None
        return value

    def name(
        self, path: Path, row: Row, column: str, valid: Sequence[str] | frozenset[str], what: str
    ) -> str | None:
        """Return a cell that must be one of the ``valid`` names, or None with a problem noted."""
        cell = row.cells[column]
        if cell in valid:
            return cell
        self.problems.at_line(path, row.line, f"unknown {what} '{cell}'" + nearest(cell, valid))
        return None

    def quality(self, path: Path, row: Row) -> None:
        """Check that a figure has a source and a known code of quality."""
        self.name(path, row, "quality", QUALITIES, "quality")
        if not row.cells["source"]:
            self.problems.at_line(path, row.line, "column 'source' is empty; every figure needs its source")


_NOT_FINITE = frozenset({"nan", "inf", "infinity"})
