"""The model once more, as ordinary Mesa agents: the readable specification and the engine's oracle (README.md)."""
