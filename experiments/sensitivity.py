"""`qyzyljar sensitivity`: which factor moves which figure, how much of it is chance, what acts together."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console

from experiments.campaign import default_threads, tell_set_aside
from experiments.design import check_horizon
from experiments.failures import BadInput, RunFailure
from experiments.forecast import (
    NARROWEST,
    RESULTS,
    read_assignments,
    read_world,
)
from experiments.manifest import check_folder, recorded_manifest
from experiments.parameter_source import parameter_source
from experiments.sensitivity_campaign import SCREENING, Campaign, tell_share
from experiments.sensitivity_design import (
    SLICES,
    Sampling,
    SensitivityDesign,
    partition,
    subject_blocks,
)
from experiments.sensitivity_factors import (
    FactorSpace,
    named_factors,
    without_spread,
)
from experiments.sensitivity_indices import (
    Index,
    MorrisIndices,
    PawnIndices,
    SobolIndices,
    block_indices,
    empty_index,
    is_constant,
    morris_indices,
    pawn_indices,
    sobol_indices,
    survivors,
    usable,
)
from experiments.sensitivity_levers import read_lever_ranges
from experiments.sensitivity_output_reader import read_outputs
from experiments.sensitivity_outputs import Output
from experiments.sensitivity_pool import build_pool
from experiments.sensitivity_request import (
    SensitivityOptions,
    check_apart_from_groups,
    check_number_named,
    check_numbers,
    check_something_there,
    why_not,
)
from experiments.sensitivity_runs import Figures, TownModel, read_figures, read_values
from experiments.sensitivity_structures import build_switches
from experiments.shard import read_shard
from model.world import World

Floats = NDArray[np.float64]
FIRST_STAGE = 64  # Saltelli blocks before the ranking is looked at for the first time
STABLE_STAGES = 2  # in a row
TRIAL_RUNS = 32


@dataclass(frozen=True)
class OutputResult:
    """What was found for one output; `indices` is None where it took one value in all runs.

    Attributes:
        output: which. indices: by factor. by_block: Sobol' indices of the subject blocks. lost: blocks left out.
        over_time: total index, mu* or median distance by year and factor.
        at_ceiling: share of runs in which a cost stands at its ceiling.
        spread: float64[years] standard deviation of the output's path over all runs, NaN where it is undefined.
    """

    output: Output
    indices: SobolIndices | MorrisIndices | PawnIndices | None
    by_block: SobolIndices | None
    lost: int
    over_time: Index
    at_ceiling: float = 0.0
    spread: Floats = field(default_factory=lambda: np.empty(0))


@dataclass(frozen=True)
class Analysis:
    """A complete analysis, ready to be told.

    Attributes:
        sampling, years, results, figures, blocks: the design and what came of it. screening: the one before, if any.
        stopped: whether the ranking was stable before all blocks were run. notes: what the reader has to know.
    """

    sampling: Sampling
    years: tuple[int, ...]
    results: tuple[OutputResult, ...]
    figures: Figures
    blocks: int
    world: World
    identity: str
    parameters_note: str
    notes: tuple[str, ...] = ()
    screening: Analysis | None = None
    stopped: bool = False


def sensitivity(options: SensitivityOptions) -> Path:
    """Run the design, or what is missing of it, analyse, print and draw; returns the folder.

    Raises:
        BadInput: before anything is written. RunFailure, Interrupted: with complete parts kept.
    """
    from experiments.sensitivity_tables import print_analysis, write_analysis

    world = read_world(options.world)
    check_horizon(options.horizon, world)
    check_numbers(options)
    fixed = read_assignments(world, options.assignments)
    source = parameter_source(world, options.world, options.parameters)
    outputs = _outputs(options, world)
    pool = build_pool(world, options.horizon, options.policies, options.futures, _compared(outputs))
    ranges = read_lever_ranges(options.levers, pool.policies, pool.known[1:])
    switches, left_out = build_switches(world, options.world, source, fixed, options.structures)
    space = FactorSpace(
        world, options.horizon, options.seed, source, fixed, pool.policies, pool.futures, options.seeds_per_set,
        SLICES if options.method == "pawn" else None, pool.known, ranges, switches,
    )  # fmt: skip
    if flat := without_spread(space):
        raise BadInput(
            f"{', '.join(flat)}: the prior is a single point, there is no range; fix it with --set"
        )
    named = named_factors(space, options.factors)
    check_number_named(options, space, named)
    console = Console(quiet=options.quiet)
    if not console.is_terminal:
        console.width = max(console.width, NARROWEST)
    command = _Command(options, world, space, outputs, (*pool.notes, *left_out), console)
    out, analysis = command.run(named, source.note)
    if analysis is None:
        return out
    write_analysis(out, analysis)
    if not options.quiet:
        print_analysis(console, analysis)
    if options.figures:
        _draw_figures(out, analysis)
    console.print(f"Results: {out}", markup=False, highlight=False, soft_wrap=True)
    return out


class _Command:
    """One command on its way: model, folders, stages."""

    def __init__(
        self,
        options: SensitivityOptions,
        world: World,
        space: FactorSpace,
        outputs: Sequence[Output],
        notes: tuple[str, ...],
        console: Console,
    ) -> None:
        self.options, self.world, self.space, self.outputs = options, world, space, tuple(outputs)
        self.model = TownModel(space, outputs)
        self.notes, self.console = notes, console
        self.shard = read_shard(options.shard)
        self.described = {
            "world": world.name,
            "data": world.digest,
            "horizon": options.horizon,
            "set": dict(sorted(space.fixed.items())),
            "parameters": space.source.identity,
            "outputs": [output.text for output in outputs],
            **space.description(),
        }

    def run(self, named: tuple[str, ...], source_note: str) -> tuple[Path, Analysis | None]:
        """Screen where that is wanted, run the design, analyse; a shard or `--verify` gives no analysis."""
        options, factors = self.options, self.space.factors
        self._check_cluster()
        if options.method != "sobol" or named:
            sampling = Sampling(options.method, factors, options.seed)
            design = self._sobol(named) if named else SensitivityDesign(sampling, self.described)
            out = self._folder(design)
            check_folder(out, design)
            return out, self._all_in_one(out, design, source_note)
        screening = SensitivityDesign(Sampling("morris", factors, options.seed), self.described)
        out = self._folder(screening)
        check_folder(out / SCREENING, screening)
        check_apart_from_groups(out, self._sobol(()))
        if options.verify is not None:
            self._verify_screened(out, screening)
            return out, None
        rows = options.trajectories * screening.sampling.rows_per_block
        groups = min(options.most, len(factors) - 2) + 3
        self._try_out(out / SCREENING, rows + options.blocks * groups * (2 if options.interactions else 1))
        first_campaign = self._campaign(out / SCREENING, screening)
        if self.shard is not None and not first_campaign.contribute(self.shard):
            tell_share(first_campaign.folder, self.shard, False, options.quiet)
            return out, None
        if self.shard is None:
            first = self._carried_out(first_campaign, source_note)
        else:
            first = self._analysis(first_campaign, options.trajectories, source_note)
        found = [one.indices for one in first.results if isinstance(one.indices, MorrisIndices)]
        if not found:
            raise RunFailure("no output varied in the screening: there is nothing to analyse")
        design = self._sobol(survivors(found, options.most))
        check_folder(out, design)
        campaign = self._campaign(out, design)
        if self.shard is not None:
            self._contributed(campaign)
            return out, None
        return out, replace(self._carried_out(campaign, source_note), screening=first)

    def _all_in_one(self, out: Path, design: SensitivityDesign, source_note: str) -> Analysis | None:
        """A design that needs no screening."""
        options, campaign = self.options, self._campaign(out, design)
        if options.verify is not None:
            check_something_there(out)
            campaign.verify(options.verify)
            return None
        self._try_out(out, options.blocks * design.sampling.rows_per_block)
        if self.shard is not None:
            self._contributed(campaign)
            return None
        return self._carried_out(campaign, source_note)

    def _verify_screened(self, out: Path, screening: SensitivityDesign) -> None:
        """Verify the screening, and the Sobol' runs where there are any: their groups stand in their manifest."""
        runs = self.options.verify
        assert runs is not None
        check_something_there(out / SCREENING)
        self._campaign(out / SCREENING, screening).verify(runs)
        recorded = recorded_manifest(out)
        if recorded is not None:
            groups = recorded["design"]["groups"]
            design = self._sobol([name for name in groups if groups[name] == [name]])
            check_folder(out, design)
            self._campaign(out, design).verify(runs)

    def _contributed(self, campaign: Campaign) -> None:
        assert self.shard is not None
        all_there = campaign.contribute(self.shard)
        tell_share(campaign.folder, self.shard, all_there, self.options.quiet)

    def _check_cluster(self) -> None:
        """Refuse a cluster that does not answer, and what does not go together, before anything is written."""
        options = self.options
        if options.verify is not None and (self.shard is not None or options.cluster is not None):
            raise BadInput("--verify goes with neither --shard nor --cluster")
        if options.cluster is not None:
            from experiments.cluster import connected

            with connected(options.cluster):
                pass

    def _campaign(self, folder: Path, design: SensitivityDesign) -> Campaign:
        options = self.options
        screens = design.sampling.method != options.method
        return Campaign(
            folder, f"sensitivity {options.method}", design, self.model,
            options.trajectories if screens else options.blocks, options.threads, options.quiet, options.cluster,
        )  # fmt: skip

    def _sobol(self, named: Sequence[str]) -> SensitivityDesign:
        options, factors = self.options, self.space.factors
        blocks = subject_blocks(factors) if options.subject_blocks else ()
        sampling = Sampling(
            "sobol", factors, options.seed, partition(factors, named), blocks, options.interactions
        )
        return SensitivityDesign(sampling, self.described)

    def _folder(self, design: SensitivityDesign) -> Path:
        options = self.options
        name = f"sensitivity-{options.method}-{self.world.name}-{options.horizon}-{design.identity[:10]}"
        return options.out or RESULTS / name

    def _try_out(self, folder: Path, runs: int) -> None:
        """A few runs with all factors drawn at once: what never varies is refused before anything is written.

        Left out where the folder shows that this was done.

        Raises:
            BadInput: an output that took one value, or none, in all of them.
        """
        if recorded_manifest(folder) is not None:
            return
        threads = self.options.threads or default_threads()
        trial = Sampling("pawn", self.space.factors, self.options.seed + 1).sample(TRIAL_RUNS)[:, 0]
        self.model(trial[0])  # compiled code is read and founders are built before the clock starts
        started = time.monotonic()
        with ThreadPoolExecutor(threads) as pool:
            results = list(pool.map(self.model, trial))
        seconds = (time.monotonic() - started) / TRIAL_RUNS
        faults = []
        for k, output in enumerate(self.outputs):
            reason = why_not(np.array([result.values[k] for result in results]), results)
            if reason:
                faults.append(f"--output {output.text}: {reason}")
        if faults:
            raise BadInput("\n".join(faults))
        self.console.print(
            f"At most {runs:,} runs of {self.world.title['en']} to {self.options.horizon}: about "
            f"{_duration(runs * seconds)} as {TRIAL_RUNS} trial runs went; they can be stopped and resumed.",
            markup=False, highlight=False, soft_wrap=True,
        )  # fmt: skip

    def _carried_out(self, campaign: Campaign, source_note: str) -> Analysis:
        """Run what is missing of a design and analyse it."""
        sampling, blocks = campaign.design.sampling, campaign.blocks
        with campaign.store() as store:
            tell_set_aside(store, self.options.quiet)
            # Where all blocks are there already (shards, a stop rule that was switched off) all are looked at
            staged = sampling.method == "sobol" and self.options.stop and store.missing(campaign.batches())
            stages = _stages(blocks) if staged else [blocks]
            steady, reached = 0, blocks
            for reached in stages:
                campaign.run_missing(store, reached)
                if len(stages) > 1:
                    steady = steady + 1 if self._is_stable(campaign.folder, sampling, reached) else 0
                    if steady >= STABLE_STAGES:
                        break
            return self._analysis(campaign, reached, source_note)

    def _analysis(self, campaign: Campaign, reached: int, source_note: str) -> Analysis:
        """Analysis of the first blocks of a folder, all of which are there."""
        design, sampling = campaign.design, campaign.design.sampling
        figures = read_figures(campaign.folder, sampling, self.model, reached)
        results = tuple(self._analysed(output, k, figures, sampling) for k, output in enumerate(self.outputs))
        return Analysis(
            sampling, self.model.years, results, figures, reached, self.world, design.identity, source_note,
            self.notes, None, reached < campaign.blocks,
        )  # fmt: skip

    def _is_stable(self, folder: Path, sampling: Sampling, blocks: int) -> bool:
        """Whether the ranking of every output is that of another sample."""
        values = read_values(folder, sampling, self.model, blocks)
        for k, output in enumerate(self.outputs):
            whole = values[usable(values[:, :, k], output.text), :, k]
            if not is_constant(whole) and not sobol_indices(whole, sampling).is_stable:
                return False
        return True

    def _analysed(self, output: Output, k: int, figures: Figures, sampling: Sampling) -> OutputResult:
        from experiments.sensitivity_paths import over_time, spread_by_year

        values = figures.values[:, :, k]
        whole = usable(values, output.text)
        kept, lost = values[whole], int((~whole).sum())
        ceiling = output.share_at_ceiling(kept)
        if is_constant(kept):
            return OutputResult(output, None, None, lost, empty_index(0, 0))
        series = figures.series[whole][:, :, k]
        path, spread = over_time(series, sampling, whole), spread_by_year(series, sampling)
        if sampling.method == "sobol":
            found, blocks = sobol_indices(kept, sampling), block_indices(kept, sampling)
            return OutputResult(output, found, blocks, lost, path, ceiling, spread)
        if sampling.method == "morris":
            grid = sampling.levels(len(whole))[whole]
            return OutputResult(
                output, morris_indices(kept, grid, sampling), None, lost, path, ceiling, spread
            )
        rows = sampling.sample(len(whole))[whole][:, 0]
        return OutputResult(
            output, pawn_indices(kept[:, 0], rows, sampling), None, lost, path, ceiling, spread
        )


def _outputs(options: SensitivityOptions, world: World) -> tuple[Output, ...]:
    from scenarios.library import names

    texts = options.outputs or (f"population:all:{options.horizon}",)
    files = [name for text in texts for name in _policy_texts(text) if name.endswith(".toml")]
    return read_outputs(texts, world, options.horizon, (*names("policy"), *files))


def _policy_texts(text: str) -> list[str]:
    kind, _, rest = text.partition(":")
    return rest.split(":")[0].split("/") if kind in ("effect", "cost") else []


def _compared(outputs: Sequence[Output]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for output in outputs for name in output.policies))


def _stages(blocks: int) -> list[int]:
    """Numbers of blocks at which the ranking is looked at: doubling, up to all."""
    stages = []
    number = FIRST_STAGE
    while number < blocks:
        stages.append(number)
        number *= 2
    return [*stages, blocks]


def _duration(seconds: float) -> str:
    return f"{max(1, math.ceil(seconds))} s" if seconds < 90 else f"{math.ceil(seconds / 60)} min"


def _draw_figures(out: Path, analysis: Analysis) -> None:
    from experiments.sensitivity_charts import draw_sensitivity_figures

    try:
        draw_sensitivity_figures(out, analysis)
    except OSError as error:
        raise RunFailure(
            f"the figures could not be written: {error}\n"
            f"all runs are complete in {out}; repeat the same command with --out {out} to draw them"
        ) from error
