"""Phase 4, who commutes: the first accepting seekers of the queue get the posts set aside for their place (6)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from model import draws
from model.compiled import kernel
from model.draws import I64, U64
from model.job_queue import EVERYBODY, NOBODY, JobQueue, Seekers
from model.population import People
from model.strips import STRIP, list_marked


@kernel
def fill_commuter_posts(
    people: People,
    seekers: Seekers,
    n: int,
    queue: JobQueue,
    hired: NDArray[np.uint64],
    acceptance: NDArray[np.float64],
    posts: NDArray[np.uint64],
    salted: np.uint64,
    commutes: NDArray[np.bool_],
    commuters: NDArray[np.int32],
) -> NDArray[np.int64]:
    """Fill the posts of every place with its first accepting seekers who found no local job.

    All seekers are asked in the order of their rows, and only those who accept are put in order, where there are
    more of them than posts: the queue itself is never sorted for it.

    Args:
        hired: uint64[n_sim] cut below which a seeker found a local job. acceptance: float64[n_sim] (6).
        posts: uint64[n_sim] posts set aside for the seekers of each place.
        commutes: bool[n] becomes true for whom commutes. commuters: int32[bins] of them by bin of the queue.

    Returns:
        int64[n_sim] new commuters.
    """
    n_sim = posts.shape[0]
    taken = np.zeros(n_sim, dtype=np.int64)
    accepts = np.zeros(n_sim, dtype=np.uint64)
    somewhere = False
    for place in range(n_sim):
        if posts[place] > U64(0):
            accepts[place] = draws.cut(acceptance[place])
            somewhere = True
    if not somewhere:
        return taken
    rows, places, numbers = seekers.row, seekers.place, seekers.queue
    accepting = np.empty(n + 1, dtype=np.int32)
    marks = np.empty(STRIP, dtype=np.bool_)
    n_accepting = I64(0)
    for begin in range(0, n, STRIP):
        end = min(n, begin + STRIP)
        for k in range(begin, end):
            place = U64(places[k])
            low = (draws.draw(people.key[U64(rows[k])], salted) >> U64(11)) < accepts[place]
            marks[k - begin] = low & (numbers[k] >= hired[place])
        n_accepting = list_marked(marks, begin, end - begin, accepting, n_accepting)
    start = np.zeros(n_sim + 1, dtype=np.int64)
    for at in range(n_accepting):
        start[places[accepting[at]] + 1] += 1
    for place in range(n_sim):
        start[place + 1] += start[place]
    fill, ordered = start[:n_sim].copy(), np.empty(n_accepting, dtype=np.uint64)
    for at in range(n_accepting):
        place = places[accepting[at]]
        ordered[fill[place]] = numbers[accepting[at]]
        fill[place] += 1
    cuts = np.empty(n_sim, dtype=np.uint64)
    for place in range(n_sim):
        mine = ordered[start[place] : start[place + 1]]
        cuts[place] = EVERYBODY if posts[place] > U64(0) else NOBODY
        if U64(mine.shape[0]) > posts[place]:
            mine.sort()
            cuts[place] = mine[I64(posts[place])]
    shift = U64(64 - queue.bits)
    for at in range(n_accepting):
        k = accepting[at]
        place = U64(places[k])
        if numbers[k] < cuts[place]:
            commutes[k] = True
            commuters[(place << U64(queue.bits)) + (numbers[k] >> shift)] += 1
            taken[place] += 1
    return taken
