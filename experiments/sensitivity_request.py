"""What a sensitivity analysis is asked for, and what is refused before its first run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from experiments.failures import BadInput
from experiments.forecast import DEFAULT_HORIZON, DEFAULT_SEED
from experiments.manifest import MANIFEST, check_folder, recorded_manifest
from experiments.sensitivity_design import Method, SensitivityDesign
from experiments.sensitivity_factors import CHANCE, DUMMY, FactorSpace
from experiments.sensitivity_indices import is_constant
from experiments.sensitivity_runs import RowResult

Floats = NDArray[np.float64]
LEAST = {"morris": 4, "sobol": 32, "pawn": 200}
UNIT = {"morris": "--trajectories", "sobol": "--base", "pawn": "--runs"}


@dataclass(frozen=True)
class SensitivityOptions:
    """What the user asked for.

    Attributes:
        blocks: trajectories, Saltelli blocks at most, or runs. trajectories: of the screening before Sobol'.
        most: survivors of the screening. factors: named instead of a screening. policies, futures: empty for all.
        levers, structures: ranges of levers; structural switches, empty for all.
        stop: whether to stop once the ranking is stable. The rest as in `forecast`.
    """

    method: Method
    blocks: int
    outputs: Sequence[str] = ()
    world: str = "towns"
    horizon: int = DEFAULT_HORIZON
    seed: int = DEFAULT_SEED
    assignments: Sequence[str] = ()
    parameters: str | None = None
    factors: Sequence[str] = ()
    policies: Sequence[str] = ()
    futures: Sequence[str] = ()
    seeds_per_set: int = 1
    trajectories: int = 20
    most: int = 9
    interactions: bool = True
    subject_blocks: bool = True
    stop: bool = True
    out: Path | None = None
    threads: int | None = None
    figures: bool = True
    quiet: bool = False
    levers: Sequence[str] = ()
    structures: Sequence[str] = ()
    shard: str | None = None
    verify: int | None = None
    cluster: str | None = None


def check_numbers(options: SensitivityOptions) -> None:
    """Refuse designs that are too small to say anything.

    Raises:
        BadInput: naming what is expected.
    """
    faults = []
    if options.blocks < LEAST[options.method]:
        faults.append(
            f"{UNIT[options.method]} {options.blocks}: too few runs to tell factors apart, expected at least "
            f"{LEAST[options.method]}"
        )
    if options.method == "sobol":
        if options.blocks & (options.blocks - 1):
            faults.append(
                f"--base {options.blocks}: the Sobol' sequence is balanced at powers of two; expected "
                f"{1 << (options.blocks.bit_length() - 1)} or {1 << options.blocks.bit_length()}"
            )
        if not options.factors and options.trajectories < LEAST["morris"]:
            faults.append(
                f"--trajectories {options.trajectories}: too few runs to screen, expected at least {LEAST['morris']}"
            )
        if options.most < 1:
            faults.append(f"--most {options.most}: expected at least 1 survivor")
    if options.seeds_per_set < 1:
        faults.append(f"--seeds-per-set {options.seeds_per_set}: expected at least 1")
    if faults:
        raise BadInput("\n".join(faults))


def check_number_named(options: SensitivityOptions, space: FactorSpace, named: Sequence[str]) -> None:
    """Refuse a design without a factor, and factors named where all are looked at.

    Raises:
        BadInput: naming what is wrong.
    """
    real = [name for name in space.names if name not in (CHANCE, DUMMY)]
    if not real:
        raise BadInput(
            "no factor is left: every uncertain parameter is fixed by --set, and no policy or future varies"
        )
    if named and options.method != "sobol":
        raise BadInput("--factors goes with sobol: morris and pawn look at all of them")


def check_apart_from_groups(folder: Path, design: SensitivityDesign) -> None:
    """Refuse a folder of another analysis before the screening, which decides on the groups, is run.

    Raises:
        BadInput: the folder cannot take the design, whatever its groups will be.
    """
    recorded = recorded_manifest(folder)
    if recorded is None:
        return
    asked = {**design.description()}
    for key in ("groups", "blocks_per_part"):
        asked[key] = recorded["design"].get(key)

    class _Same:
        identity = design.identity

        def description(self) -> dict[str, object]:
            return asked

    check_folder(folder, _Same())


def check_something_there(folder: Path) -> None:
    """Refuse to verify a folder without results.

    Raises:
        BadInput: there is no manifest.
    """
    if not (folder / MANIFEST).is_file():
        raise BadInput(
            f"--verify: no results in {folder}; run the command without --verify first, or give its --out"
        )


def why_not(values: Floats, results: Sequence[RowResult]) -> str:
    """Why an output cannot be analysed as trial runs went, "" where it can."""
    known = values[np.isfinite(values)]
    reasons = [result.failure for result in results if result.failure]
    if len(known) <= len(values) // 2:
        why = f" ({reasons[0]})" if reasons else ""
        return f"failed or undefined in {len(values) - len(known)} of {len(values)} trial runs{why}"
    if is_constant(known):
        return (
            f"constant: {known[0]:g} in all {len(known)} trial runs over all factors, so that nothing can be said "
            "about what moves it; choose another year, place or rung"
        )
    return ""
