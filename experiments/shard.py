"""A shard: one of several machines' shares of a design, without a server.

Machine i of n runs the parts whose number leaves the remainder i - 1 when divided by n. Parts are the same whoever
runs them, so that the folder of all shares - one shared folder, or copies put together - is that of a single machine.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from experiments.design import Batch
from experiments.failures import BadInput

_SHARD = re.compile(r"(\d{1,6})/(\d{1,6})")


@dataclass(frozen=True)
class Shard:
    """Share `number` (from 1) of `of`."""

    number: int
    of: int

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"

    @property
    def label(self) -> str:
        """What its lock and its unfinished files are called: no two shards of a folder share it."""
        return f"shard-{self.number}-of-{self.of}"

    def share(self, batches: Sequence[Batch]) -> list[Batch]:
        """Its parts of a design."""
        return [batch for batch in batches if batch.number % self.of == self.number - 1]


def read_shard(text: str | None) -> Shard | None:
    """Read `i/n`; None of None.

    Raises:
        BadInput: no two whole numbers with 1 <= i <= n.
    """
    if text is None:
        return None
    match = _SHARD.fullmatch(text.strip())
    if match is None or not 1 <= int(match[1]) <= int(match[2]):
        raise BadInput(
            f"--shard {text}: expected i/n with 1 <= i <= n, such as 2/3 for the second of three machines"
        )
    return Shard(int(match[1]), int(match[2]))
