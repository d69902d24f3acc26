"""Queues for jobs: the seekers of every place in the order of their queue numbers, sorted only where somebody asks.

Seekers are first dealt into bins by the leading bits of their numbers. A cut in the queue then needs the
order of one bin.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from model import draws
from model.compiled import kernel, lean_kernel
from model.draws import I64, U64
from model.population import SKILLED

NOBODY = U64(0)
EVERYBODY = U64(0xFFFFFFFFFFFFFFFF)
MEMBERS_OF_BIN = 8  # wanted on average
LEAST_BIN_BITS = 4
MOST_BIN_BITS = 9  # more bins than that, and dealing into them leaves the fast caches


class Seekers(NamedTuple):
    """People who look for a job this year: row of the person, place, and place in the queue (smaller is sooner)."""

    row: NDArray[np.int32]
    place: NDArray[np.int32]
    queue: NDArray[np.uint64]


class JobQueue(NamedTuple):
    """Seekers of all places, dealt into bins.

    Attributes:
        start: int32[n_sim * bins + 1] first position of every bin; the bins of a place follow each other.
        bits: a bin is the leading `bits` bits of a queue number.
        number: uint64[seekers] queue numbers by position. seeker: int32[seekers] index into `Seekers`.
    """

    start: NDArray[np.int32]
    bits: int
    number: NDArray[np.uint64]
    seeker: NDArray[np.int32]


@lean_kernel
def queue_number(key: np.uint64, traits: int, salted: np.uint64, odds: float) -> np.uint64:
    """Place in the queue for jobs: uniform, for the skilled divided by their odds; ties break by key."""
    position = I64(draws.draw(key, salted) >> U64(11))
    position = I64(position / (odds if traits & SKILLED else 1.0))
    return (U64(position) << U64(11)) | (key & U64(0x7FF))


@kernel
def new_queue(seekers: Seekers, n: int, n_sim: int) -> JobQueue:
    """Deal the first `n` seekers into bins (a counting sort by place and leading bits)."""
    places, numbers = seekers.place, seekers.queue
    bits = LEAST_BIN_BITS
    while bits < MOST_BIN_BITS and (n_sim * MEMBERS_OF_BIN) << bits < n:
        bits += 1
    shift = U64(64 - bits)
    start = np.zeros((n_sim << bits) + 1, dtype=np.int32)
    for k in range(n):
        start[(U64(places[k]) << U64(bits)) + (numbers[k] >> shift)] += 1
    position = 0
    for cell in range(start.shape[0]):
        members = start[cell]
        start[cell] = position
        position += members
    number = np.empty(n, dtype=np.uint64)
    seeker = np.empty(n, dtype=np.int32)
    for k in range(n):
        cell = (U64(places[k]) << U64(bits)) + (numbers[k] >> shift)
        at = U64(start[cell])
        number[at] = numbers[k]
        seeker[at] = k
        start[cell] = np.int32(at + U64(1))
    # Dealing has moved every start to the start of the next bin.
    for cell in range(start.shape[0] - 1, 0, -1):
        start[cell] = start[cell - 1]
    start[0] = 0
    return JobQueue(start, bits, number, seeker)


@lean_kernel
def begin_of(queue: JobQueue, place: int) -> int:
    """Position of the first seeker of a place; that of the next place is the end."""
    return I64(queue.start[place << queue.bits])


@lean_kernel
def sort_bin(queue: JobQueue, cell: int) -> None:
    """Bring the members of one bin into the order of their numbers."""
    number, seeker = queue.number, queue.seeker
    begin, end = I64(queue.start[cell]), I64(queue.start[cell + 1])
    gap = 1
    while 3 * gap + 1 < end - begin:
        gap = 3 * gap + 1
    while gap > 0:  # a shell sort: bins hold hundreds in a world of millions
        for k in range(begin + gap, end):
            value, who = number[k], seeker[k]
            at = k
            while at >= begin + gap and number[at - gap] > value:
                number[at] = number[at - gap]
                seeker[at] = seeker[at - gap]
                at -= gap
            number[at] = value
            seeker[at] = who
        gap //= 3


@lean_kernel
def bin_of_position(queue: JobQueue, place: int, position: int) -> int:
    """Bin in which the seeker at a position of the place's part of the queue stands."""
    low = place << queue.bits
    high = (place + 1) << queue.bits
    while high - low > 1:
        middle = (low + high) >> 1
        if queue.start[middle] <= position:
            low = middle
        else:
            high = middle
    return low


@lean_kernel
def cut_after(queue: JobQueue, place: int, n: int) -> np.uint64:
    """Cut such that exactly the first n seekers of the place (all numbers differ) lie below it."""
    begin = begin_of(queue, place)
    if n <= 0:
        return NOBODY
    if n >= begin_of(queue, place + 1) - begin:
        return EVERYBODY
    sort_bin(queue, bin_of_position(queue, place, begin + n))
    return queue.number[begin + n]
