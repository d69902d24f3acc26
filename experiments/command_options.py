"""What the commands share: their options, and the exit codes of the contract.

Exit codes: 0 success; 2 bad input (message on stderr, nothing written); 1 a failure while running
(complete parts kept, the message says how to resume); 130 Ctrl-C.
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from experiments.failures import BadInput, Interrupted, RunFailure

SUCCESS, FAILURE, BAD_INPUT, CTRL_C = 0, 1, 2, 130

World = Annotated[
    str,
    typer.Option(
        "--world", metavar="towns|region|FILE", help="A shipped world, or the path of your own .toml file."
    ),
]
Seed = Annotated[int, typer.Option("--seed", min=0, help="Seed of parameter draws and of chance.")]
Parameters = Annotated[
    str | None,
    typer.Option(
        "--parameters",
        metavar="prior|posterior|recorded|FILE",
        help="Draw the calibrated parameters from their priors, the shipped posterior, the one that believes the "
        "recorded migration balances, or a CSV file of draws. Default: the posterior where one comes with the world.",
    ),
]
Horizon = Annotated[int, typer.Option("--horizon", help="Last 1 January reported.")]
Out = Annotated[
    Path | None,
    typer.Option(
        "--out",
        metavar="DIR",
        help="Folder of the results; the same one again resumes or extends. "
        "Default: a folder under results/ named by the design.",
    ),
]
Threads = Annotated[int | None, typer.Option("--threads", min=1, help="Default: all cores.")]
Shard = Annotated[
    str | None,
    typer.Option(
        "--shard",
        metavar="i/n",
        help="Run only the i-th of n shares of the parts, for several machines without a server; then once without it.",
    ),
]
Verify = Annotated[
    int | None,
    typer.Option(
        "--verify",
        min=1,
        metavar="RUNS",
        help="Instead: run at least this many finished runs again, chosen at random, and compare them bit for bit.",
    ),
]
Cluster = Annotated[
    str | None,
    typer.Option(
        "--cluster",
        metavar="ADDRESS",
        help="Run on the workers of a Dask scheduler, tcp://host:8786 (extra 'cluster').",
    ),
]
Assignments = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="NAME=VALUE", help="Fix a parameter (repeatable)."),
]
Futures = Annotated[
    list[str] | None,
    typer.Option(
        "--futures", "-f", metavar="FUTURE", help="Also run every policy under this future (repeatable)."
    ),
]
PairedRuns = Annotated[
    int, typer.Option("--runs", min=2, help="Runs of each scenario, on the same people and chance.")
]
NoFigures = Annotated[bool, typer.Option("--no-figures", help="Draw no figures.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but errors.")]


@contextmanager
def exit_codes() -> Iterator[None]:
    """Turn what goes wrong into a message on stderr and the exit code of the contract."""
    try:
        yield
    except BadInput as error:
        _stop(str(error), BAD_INPUT)
    except RunFailure as error:
        _stop(str(error), FAILURE)
    except (Interrupted, KeyboardInterrupt) as error:
        _stop(str(error) or "stopped", CTRL_C)
    except (typer.Exit, typer.Abort, SystemExit):
        raise
    except Exception as error:
        traceback.print_exc()
        notes = "".join(f"\n{note}" for note in getattr(error, "__notes__", ()))
        _stop(f"unexpected failure, please report it: {type(error).__name__}: {error}{notes}", FAILURE)


def _stop(message: str, code: int) -> None:
    print(f"qyzyljar: {message}", file=sys.stderr)
    raise typer.Exit(code)
