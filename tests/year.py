"""Part of a year, for tests that look into it."""

from __future__ import annotations

from model.engine import Engine


def up_to(engine: Engine, last: int) -> Engine:
    """Run the phases of the coming year up to number `last`."""
    for phase in engine.PLAN:
        if phase.number <= last:
            getattr(engine, phase.run)()
    return engine
