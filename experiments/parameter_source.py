"""Where an ensemble's parameters come from: the shipped posterior, the declared priors, or a file of draws."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from experiments.failures import BadInput
from model.problems import nearest
from model.world import World, shipped_worlds

if TYPE_CHECKING:
    from calibration.posterior_draws import PosteriorDraws

PRIOR, POSTERIOR, RECORDED = "prior", "posterior", "recorded"
PRIORS: Final = "declared priors"


@dataclass(frozen=True)
class ParameterSource:
    """A choice of parameters.

    Attributes:
        identity: enters the identity of a design: two sources that differ in any draw differ here.
        note: what the output says. draws: None where all parameters come from their priors.
    """

    identity: str
    note: str
    draws: PosteriorDraws | None = None


FROM_PRIORS = ParameterSource(PRIORS, f"{PRIORS} (--parameters {PRIOR})")


def parameter_source(world: World, world_source: str, choice: str | None = None) -> ParameterSource:
    """Return the source of a world's parameters.

    Args:
        world_source: what the user named the world by. choice: "prior", "posterior", "recorded" (the posterior
            that believes the paper's migration balances), the path of a file of draws, or None for the
            posterior where one is shipped and the priors elsewhere.

    Raises:
        BadInput: no such choice, no posterior shipped with this world, or a file that cannot be used.
    """
    from calibration.posterior_draws import DrawsError, read_draws, shipped_draws

    if choice == PRIOR:
        return FROM_PRIORS
    try:
        if choice in (None, POSTERIOR):
            draws = shipped_draws(world, world_source)
            if draws is None and choice == POSTERIOR:
                raise BadInput(
                    f"--parameters {POSTERIOR}: no posterior comes with world '{world_source}'; make one with "
                    f"'qyzyljar calibrate --world {world_source} --out DIR' and give --parameters DIR/draws.csv"
                )
            if draws is None:
                text = f"{PRIORS} (no posterior comes with world '{world.name}')"
                return ParameterSource(PRIORS, text)
            return _from_draws(draws, f"posterior of world '{world.name}'", world)
        if choice == RECORDED:
            shipped = recorded_draws(world.name)
            if world_source not in shipped_worlds() or not shipped.is_file():
                raise BadInput(
                    f"--parameters {RECORDED}: no such posterior comes with world '{world_source}'; make one with "
                    f"'qyzyljar calibrate --believe {RECORDED} --world {world_source} --out DIR' and give "
                    "--parameters DIR/draws.csv"
                )
            title = f"posterior of world '{world.name}' that believes the recorded migration balances"
            return _from_draws(read_draws(shipped, world), title, world)
        path = Path(str(choice))
        if not path.is_file() and path.suffix != ".csv":
            raise BadInput(
                f"--parameters {choice}: expected {PRIOR}, {POSTERIOR}, {RECORDED} or the path of a .csv file "
                "of draws" + nearest(str(choice), (PRIOR, POSTERIOR, RECORDED))
            )
        return _from_draws(read_draws(path, world), f"draws of {path}", world)
    except DrawsError as error:
        raise BadInput(f"--parameters: {error}") from None


def recorded_draws(world: str) -> Path:
    """Return where the draws that believe the recorded balances are shipped."""
    from calibration.posterior_draws import SHIPPED

    return SHIPPED / f"{world}-{RECORDED}.csv"


def _from_draws(draws: PosteriorDraws, title: str, world: World) -> ParameterSource:
    stale = draws.manifest.get("world_digest") not in (None, world.digest)
    note = f"{title} ({len(draws)} draws of {len(draws.names)} parameters, the others from their priors)"
    if stale:
        note += "; the world's data have changed since it was made: 'qyzyljar calibrate' makes it anew"
    return ParameterSource(f"draws {draws.digest[:16]}", note, draws)
