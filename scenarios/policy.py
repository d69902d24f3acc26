"""A policy and a future as read: resolved, checked, never changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from scenarios.future_levers import FutureLevers
from scenarios.library import REFERENCE
from scenarios.policy_levers import PolicyLevers


@dataclass(frozen=True)
class _Scenario:
    """What policies and futures share.

    Attributes:
        name: file name without .toml. titles, descriptions: by language.
        sources, assumptions: of the file and of all it builds on.
        digest: sha256 over the names and bytes of all files read. files: those files.
    """

    name: str
    titles: Mapping[str, str] = field(hash=False)
    descriptions: Mapping[str, str] = field(hash=False)
    sources: tuple[str, ...]
    assumptions: tuple[str, ...]
    digest: str
    files: tuple[Path, ...]

    def title(self, lang: str = "en") -> str:
        """Title in "en", "ru" or "kk"; English where there is none in that language."""
        return self.titles.get(lang) or self.titles["en"]

    def description(self, lang: str = "en") -> str:
        """Description in "en", "ru" or "kk"; English where there is none in that language."""
        return self.descriptions.get(lang) or self.descriptions.get("en", "")


@dataclass(frozen=True)
class Policy(_Scenario):
    """What a government sets: `extends`, composition and overrides applied."""

    levers: PolicyLevers = field(hash=False)


@dataclass(frozen=True)
class Future(_Scenario):
    """What nobody here sets: departures from the reference future."""

    levers: FutureLevers = field(hash=False)


def scenario_name(policy: Policy, future: Future) -> str:
    """Name in tables: `policy`, or `policy@future`; the reference future is left out."""
    return policy.name if future.name == REFERENCE else f"{policy.name}@{future.name}"
