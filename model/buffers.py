"""Rows of one run: the live columns, the columns the year streams into, and the lists of its phases.

Each year streams from a source to a destination buffer; all buffers grow when they must and are never
shrunk. Kernels write without looking, so every phase makes room before it starts.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from model.accounts import Ledger
from model.demography import Candidates
from model.founding import Founding
from model.job_queue import Seekers
from model.migration import LONE_FIRST_AGE, LONE_LAST_AGE, STUDY_FIRST_AGE, STUDY_LAST_AGE, Students
from model.new_homes import LoneMoves
from model.population import WORKING_AGE, Households, People, new_households, new_people
from model.strips import USUAL_MEMBERS

SPARE_ROWS = 512


class Buffers:
    """Columns and lists of a run.

    Attributes:
        people, households: live columns; n_people, n_households rows of them are in use.
        spare_people, spare_households: what the next year is written into.
        residence: uint16[people] everyone's place, on 1 January and after the moves; n_settled households of it.
        fate: uint8[people] what befalls a person this year. students: the outside register, n_students rows.
        moves, own: people who found a household after a move, or in their place. seekers, candidates, pairs,
            bereft: lists of the labour market and of unions.
        ledger: accounts of the year; its closing stock says how much room is needed.
    """

    def __init__(self, founding: Founding, ledger: Ledger) -> None:
        """Room for the founders and some growth."""
        self.ledger = ledger
        rows = founding.n_people + founding.n_people // 8 + SPARE_ROWS
        household_rows = founding.n_households + founding.n_households // 8 + SPARE_ROWS
        self.people, self.spare_people = new_people(rows), new_people(rows)
        self.households, self.spare_households = (
            new_households(household_rows),
            new_households(household_rows),
        )
        self.n_people, self.n_households = founding.n_people, founding.n_households
        self.fate: NDArray[np.uint8] = np.zeros(rows, np.uint8)
        self.residence: NDArray[np.uint16] = np.zeros(rows + USUAL_MEMBERS, np.uint16)
        self.students = Students(
            np.empty(0, np.uint64),
            np.empty(0, np.uint8),
            np.empty(0, np.uint8),
            np.empty(0, np.uint8),
            np.empty(0, np.uint16),
        )
        self.n_students = self.n_moves = self.first_new_student = self.n_settled = 0
        self.moves = LoneMoves(*(np.empty(0, np.int32) for _ in range(3)))
        self.own = LoneMoves(*(np.empty(0, np.int32) for _ in range(3)))
        self.seekers = Seekers(np.empty(0, np.int32), np.empty(0, np.int32), np.empty(0, np.uint64))
        self.candidates = Candidates(
            np.empty(0, np.int32), np.empty(0, np.int32), np.empty(0, np.int32), np.empty(0, np.uint64)
        )
        self.pairs: NDArray[np.int32] = np.empty((0, 2), np.int32)
        self.bereft: NDArray[np.int32] = np.empty(0, np.int32)

    def young_people(self) -> int:
        """Residents of the ages at which people leave to study."""
        return int(self.ledger.closing[:, :, STUDY_FIRST_AGE : STUDY_LAST_AGE + 1].sum())

    def ensure_room(self, people: int, households: int) -> None:
        """Room for that many more rows in the live columns, keeping what they hold."""
        if self.n_people + people > len(self.people.key):
            self.people = People(
                *(_grown(column, self.n_people, self.n_people + people) for column in self.people)
            )
        if self.n_households + households >= len(self.households.key):
            wanted = self.n_households + households + 1
            key, place, traits, first = (
                _grown(column, self.n_households + 1, wanted + 1) for column in self.households
            )
            self.households = Households(key, place, traits, first)
        self.ensure_fate()
        self.ensure_residence()

    def ensure_spare(self, people: int, households: int) -> None:
        """Room in the columns that the year streams into."""
        if people > len(self.spare_people.key):
            self.spare_people = new_people(people + people // 16 + SPARE_ROWS)
        if households >= len(self.spare_households.key):
            self.spare_households = new_households(households + households // 16 + SPARE_ROWS)

    def ensure_fate(self) -> None:
        """One fate for every row; rows added since the last phase start with none."""
        if len(self.fate) < len(self.people.key):
            self.fate = _grown(self.fate, len(self.fate), len(self.people.key))
        self.fate[self.n_people :] = 0

    def ensure_residence(self) -> None:
        """A place for every row, and room for what `spread_places` writes too much."""
        rows = len(self.people.key) + USUAL_MEMBERS
        if len(self.residence) < rows:
            self.residence = _grown(self.residence, len(self.residence), rows)

    def ensure_seekers(self) -> None:
        """Room for everyone who might seek a job."""
        wanted = int(self.ledger.closing[:, :, WORKING_AGE:].sum()) + 1
        if len(self.seekers.row) < wanted:
            rows = wanted + wanted // 16
            self.seekers = Seekers(
                np.empty(rows, np.int32), np.empty(rows, np.int32), np.empty(rows, np.uint64)
            )

    def ensure_students(self, rows: int) -> None:
        """Room in the register of students outside, keeping what it holds."""
        if len(self.students.key) < rows:
            self.students = Students(
                *(_grown(column, self.n_students, rows + rows // 4) for column in self.students)
            )
        young = self.young_people() + int(self.ledger.closing[:, :, LONE_FIRST_AGE : LONE_LAST_AGE + 1].sum())
        if len(self.moves.row) < young:
            self.moves = LoneMoves(*(np.empty(young + young // 4, np.int32) for _ in range(3)))

    def ensure_lists(self) -> None:
        """Room for candidates, new households and the bereft."""
        singles = len(self.fate)
        if len(self.candidates.row) < singles:
            self.candidates = Candidates(
                np.empty(singles, np.int32),
                np.empty(singles, np.int32),
                np.empty(singles, np.int32),
                np.empty(singles, np.uint64),
            )
            self.pairs = np.empty((singles // 2 + 1, 2), np.int32)
            self.own = LoneMoves(*(np.empty(singles, np.int32) for _ in range(3)))
        if len(self.bereft) < self.n_households:
            self.bereft = np.empty(len(self.households.key), np.int32)


def _grown(column: NDArray[Any], used: int, rows: int) -> NDArray[Any]:
    """A copy of a column with more rows, of which the first `used` are kept."""
    larger = np.zeros(rows + rows // 16 + SPARE_ROWS, column.dtype)
    larger[:used] = column[:used]
    return larger
