"""What ensemble commands can do instead of a whole design: verify its folder, or run one shard of it."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from experiments.campaign import contribute
from experiments.ensemble import Study
from experiments.failures import BadInput
from experiments.manifest import Ensemble
from experiments.shard import read_shard


class Partly(Protocol):
    """The options of a command that can verify its folder, or run a shard of its design, and stop."""

    @property
    def shard(self) -> str | None:
        """`i/n`."""
        ...

    @property
    def verify(self) -> int | None:
        """How many finished runs to do again."""
        ...

    @property
    def cluster(self) -> str | None:
        """Address of a Dask scheduler."""
        ...

    @property
    def threads(self) -> int | None:
        """Threads; None: all cores."""
        ...

    @property
    def quiet(self) -> bool:
        """Whether to print nothing."""
        ...


def only_part_of_it(out: Path, ensemble: Ensemble, options: Partly, study: Study | None = None) -> bool:
    """Do what `--verify` or `--shard` asks for, after which the command makes no tables; False where neither was given.

    `study`: what runs the design where that is not a plain `Study`.

    Raises:
        BadInput: both were given, or what they say cannot be used. RunFailure, Interrupted: as they run.
    """
    shard = read_shard(options.shard)
    if options.verify is not None:
        if shard is not None or options.cluster is not None:
            raise BadInput("--verify goes with neither --shard nor --cluster")
        from experiments.verify import verify

        verify(out, ensemble, options.verify, options.threads, options.quiet, study)
        return True
    if options.cluster is not None:
        from experiments.cluster import connected

        with connected(options.cluster):  # refused before anything is written
            pass
    if shard is not None:
        contribute(out, ensemble, shard, options.threads, options.quiet, options.cluster, study)
        return True
    return False
