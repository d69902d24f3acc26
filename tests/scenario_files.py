"""Small scenario files for tests."""

from __future__ import annotations

from pathlib import Path

POLICY = """
schema = 1
kind = "policy"
title.en = "A test"
"""
FUTURE = POLICY.replace("policy", "future")


def write_policy(folder: Path, text: str = "", name: str = "mine", head: str = POLICY) -> str:
    """Write a policy file (or, with another head, a future); returns its path."""
    path = folder / f"{name}.toml"
    path.write_text(head + text, encoding="utf-8")
    return str(path)


def write_future(folder: Path, text: str = "", name: str = "mine") -> str:
    """Write a future file; returns its path."""
    return write_policy(folder, text, name, FUTURE)
