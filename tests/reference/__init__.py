"""The model once more, as ordinary Mesa agents: the readable specification and the engine's oracle (README.md)."""

from tests.reference.year import ReferenceModel, simulate_reference

__all__ = ["ReferenceModel", "simulate_reference"]
