"""The commands `qyzyljar sensitivity morris | sobol | pawn`; what they need is imported when they run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from experiments.command_options import Cluster, NoFigures, Quiet, Shard, Threads, Verify, World, exit_codes

if TYPE_CHECKING:
    from experiments.sensitivity_request import SensitivityOptions

sensitivity = typer.Typer(
    name="sensitivity",
    help="Which uncertain parameter, lever, structure, future or chance moves a figure, with intervals.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Outputs = Annotated[
    list[str] | None,
    typer.Option(
        "--output",
        "-y",
        metavar="OUTPUT",
        help="Repeatable: COLUMN:PLACE:YEAR, crossing:PLACE:RUNG[:YEAR], rating:PLACE:YEAR, "
        "effect:POLICY:COLUMN:PLACE:YEAR or cost:POLICY:PLACE. Default: population:all:HORIZON.",
    ),
]
Horizon = Annotated[int, typer.Option("--horizon", help="Last 1 January reported.")]
Seed = Annotated[int, typer.Option("--seed", min=0, help="Seed of the design and of chance.")]
Fix = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="NAME=VALUE", help="Fix a parameter (repeatable): no factor."),
]
Parameters = Annotated[
    str | None,
    typer.Option(
        "--parameters",
        metavar="prior|posterior|recorded|FILE",
        help="Ranges of the calibrated parameters: their priors one by one, or draws that move them together. "
        "Default: the posterior where one comes with the world.",
    ),
]
Policies = Annotated[
    list[str] | None,
    typer.Option(
        "--policy",
        metavar="POLICY",
        help="Policies that may be in force (repeatable), or 'none'. Default: all shipped.",
    ),
]
Levers = Annotated[
    list[str] | None,
    typer.Option(
        "--lever",
        metavar="POLICY[.FIGURE]=LOW:HIGH",
        help="Range of a policy's amount (default 0:1.5 times its levers, 1 where an output compares it), or of one "
        "figure, such as subzone_tayynsha.realisation=0.3:1 (repeatable).",
    ),
]
Structures = Annotated[
    list[str] | None,
    typer.Option(
        "--structure",
        metavar="NAME",
        help="Structural switches that vary (repeatable), or 'none'. Default: all that fit.",
    ),
]
Futures = Annotated[
    list[str] | None,
    typer.Option(
        "--future",
        "-f",
        metavar="FUTURE",
        help="Futures that may come (repeatable), or 'none'. Default: all shipped.",
    ),
]
SeedsPerSet = Annotated[
    int,
    typer.Option(
        "--seeds-per-set", help="Runs with different seeds averaged for one row: less chance, more time."
    ),
]
Out = Annotated[
    Path | None,
    typer.Option(
        "--out",
        metavar="DIR",
        help="Folder of the results; the same one again resumes or extends. Default: under results/, by the design.",
    ),
]


def _run(options: SensitivityOptions) -> None:
    from experiments.sensitivity import sensitivity as run

    run(options)


@sensitivity.command(
    epilog="Example: qyzyljar sensitivity morris -y population:mamlyutka:2045 --trajectories 30 --out results/screening"
)
def morris(
    output: Outputs = None,
    trajectories: Annotated[
        int,
        typer.Option(
            "--trajectories", help="Trajectories: each runs as many runs as there are factors, and one."
        ),
    ] = 20,
    world: World = "towns",
    horizon: Horizon = 2045,
    seed: Seed = 1,
    assignments: Fix = None,
    parameters: Parameters = None,
    policies: Policies = None,
    levers: Levers = None,
    futures: Futures = None,
    structures: Structures = None,
    seeds_per_set: SeedsPerSet = 1,
    out: Out = None,
    threads: Threads = None,
    shard: Shard = None,
    cluster: Cluster = None,
    verify: Verify = None,
    no_figures: NoFigures = False,
    quiet: Quiet = False,
) -> None:
    """Screen all factors by elementary effects (Morris): cheap, tells what can be forgotten."""
    with exit_codes():
        from experiments.sensitivity_request import SensitivityOptions

        _run(
            SensitivityOptions(
                "morris", trajectories, tuple(output or ()), world, horizon, seed, tuple(assignments or ()), parameters,
                (), tuple(policies or ()), tuple(futures or ()), seeds_per_set, out=out, threads=threads,
                figures=not no_figures, quiet=quiet, levers=tuple(levers or ()), structures=tuple(structures or ()),
                shard=shard, verify=verify, cluster=cluster,
            )
        )  # fmt: skip


@sensitivity.command(
    epilog="Example: qyzyljar sensitivity sobol -y effect:settlers:population:mamlyutka:2045 --base 256"
)
def sobol(
    output: Outputs = None,
    base: Annotated[
        int,
        typer.Option(
            "--base", help="Saltelli blocks at most, a power of two; fewer if the ranking is stable."
        ),
    ] = 512,
    factors: Annotated[
        list[str] | None,
        typer.Option(
            "--factors",
            metavar="NAME",
            help="Factors told apart (repeatable), instead of a screening; all others move together as one.",
        ),
    ] = None,
    trajectories: Annotated[
        int, typer.Option("--trajectories", help="Morris trajectories of the screening.")
    ] = 20,
    most: Annotated[int, typer.Option("--most", help="Factors that survive the screening at most.")] = 9,
    no_interactions: Annotated[
        bool, typer.Option("--no-interactions", help="No second-order indices: half the runs.")
    ] = False,
    no_blocks: Annotated[bool, typer.Option("--no-blocks", help="No indices of subject blocks.")] = False,
    no_stop: Annotated[
        bool, typer.Option("--no-stop", help="Run all blocks even if the ranking is stable.")
    ] = False,
    world: World = "towns",
    horizon: Horizon = 2045,
    seed: Seed = 1,
    assignments: Fix = None,
    parameters: Parameters = None,
    policies: Policies = None,
    levers: Levers = None,
    futures: Futures = None,
    structures: Structures = None,
    seeds_per_set: SeedsPerSet = 1,
    out: Out = None,
    threads: Threads = None,
    shard: Shard = None,
    cluster: Cluster = None,
    verify: Verify = None,
    no_figures: NoFigures = False,
    quiet: Quiet = False,
) -> None:
    """Screen all factors, then share the variance out among the survivors (Sobol'), chance among them."""
    with exit_codes():
        from experiments.sensitivity_request import SensitivityOptions

        _run(
            SensitivityOptions(
                "sobol", base, tuple(output or ()), world, horizon, seed, tuple(assignments or ()), parameters,
                tuple(factors or ()), tuple(policies or ()), tuple(futures or ()), seeds_per_set, trajectories, most,
                not no_interactions, not no_blocks, not no_stop, out, threads, not no_figures, quiet,
                tuple(levers or ()), tuple(structures or ()), shard, verify, cluster,
            )
        )  # fmt: skip


@sensitivity.command(epilog="Example: qyzyljar sensitivity pawn -y crossing:mamlyutka:5000 --runs 4096")
def pawn(
    output: Outputs = None,
    runs: Annotated[int, typer.Option("--runs", help="Runs, all factors drawn at once.")] = 2048,
    world: World = "towns",
    horizon: Horizon = 2045,
    seed: Seed = 1,
    assignments: Fix = None,
    parameters: Parameters = None,
    policies: Policies = None,
    levers: Levers = None,
    futures: Futures = None,
    structures: Structures = None,
    seeds_per_set: SeedsPerSet = 1,
    out: Out = None,
    threads: Threads = None,
    shard: Shard = None,
    cluster: Cluster = None,
    verify: Verify = None,
    no_figures: NoFigures = False,
    quiet: Quiet = False,
) -> None:
    """Compare whole distributions (PAWN): for figures that are skewed or have two humps."""
    with exit_codes():
        from experiments.sensitivity_request import SensitivityOptions

        _run(
            SensitivityOptions(
                "pawn", runs, tuple(output or ()), world, horizon, seed, tuple(assignments or ()), parameters,
                (), tuple(policies or ()), tuple(futures or ()), seeds_per_set, out=out, threads=threads,
                figures=not no_figures, quiet=quiet, levers=tuple(levers or ()), structures=tuple(structures or ()),
                shard=shard, verify=verify, cluster=cluster,
            )
        )  # fmt: skip
