"""The three ways a command can end early; `command_line` turns each into its exit code."""

from __future__ import annotations


class BadInput(ValueError):
    """What the user gave cannot be used: exit code 2, nothing is written."""


class RunFailure(RuntimeError):
    """Something failed while running: exit code 1, complete parts are kept."""


class Interrupted(RuntimeError):
    """The user pressed Ctrl-C during an ensemble: exit code 130, complete parts are kept."""
