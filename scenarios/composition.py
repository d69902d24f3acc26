"""Several policies put together, and what in them contradicts what."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from scenarios.fields import LAST_YEAR, Dated, Placed
from scenarios.policy import Policy
from scenarios.policy_levers import PolicyLevers
from scenarios.problems import Findings

Overlap = Callable[[Sequence[str], Sequence[str]], bool]


def symbolic_overlap(one: Sequence[str], two: Sequence[str]) -> bool:
    """Whether two lists of places share an entry, no world being known: '@all' overlaps every list."""
    return bool(set(one) & set(two)) or "@all" in one or "@all" in two


def contradictions(levers: PolicyLevers, overlap: Overlap = symbolic_overlap) -> list[str]:
    """Pairs of levers that set the same thing in one place and year, one text each; equal ones are booked twice."""
    found = []
    held = [(kind, name, lever) for kind, name, lever in levers.items() if not lever.additive]
    for number, (kind, name, one) in enumerate(held):
        for other_kind, other_name, two in held[number + 1 :]:
            years = _common_years(one, two)
            if kind != other_kind or not years or not one.touches() & two.touches():
                continue
            if isinstance(one, Placed) and not overlap(one.places, two.places):
                continue
            where = (
                f" in {', '.join(one.places)} and {', '.join(two.places)}" if isinstance(one, Placed) else ""
            )
            last = f"-{years[-1]}" if years[-1] < LAST_YEAR else " and later"
            found.append(
                f"contradictory levers: [{kind}.{name}] sets {_said(one)} and [{other_kind}.{other_name}] "
                f"sets {_said(two)}{where} in {years[0]}{last}; keep one of them"
            )
    if levers.qyzyljar.status == "never_created":
        found += [
            f"contradictory levers: [zone_project.{name}] belongs to the zone qyzyljar, which status "
            "'never_created' leaves out"
            for name, project in sorted(levers.zone_project.items())
            if project.zone == "qyzyljar"
        ]
    return found


def compose(policies: Sequence[Policy], name: str) -> Policy:
    """One policy with the levers of all; a lever that two of them hold alike is taken once.

    Raises:
        ValueError: no policy. ScenarioError: contradictory levers, each pair named.

    Example:
        >>> from scenarios.composition import compose
        >>> from scenarios.reading import load_policy
        >>> both = compose([load_policy("housing"), load_policy("settlers")], "homes for settlers")
        >>> sorted({kind for kind, _, _ in both.levers.items()})
        ['housing', 'settlers']
    """
    if not policies:
        raise ValueError("compose: expected at least one policy")
    findings = Findings(f"policy '{name}'")
    tables: dict[str, Any] = {}
    owners: dict[tuple[str, str], str] = {}
    for policy in policies:
        for kind, item, lever in policy.levers.items():
            table = tables.setdefault(kind, {})
            if table.setdefault(item, lever) != lever:
                findings.at(
                    name,
                    (),
                    f"contradictory levers: [{kind}.{item}] of '{owners[kind, item]}' and of '{policy.name}' differ",
                )
            owners.setdefault((kind, item), policy.name)
    zones = {policy.name: policy.levers.qyzyljar for policy in policies if not policy.levers.qyzyljar.neutral}
    if len(set(map(str, zones.values()))) > 1:
        said = " and ".join(f"'{owner}' {_said(zone)}" for owner, zone in zones.items())
        findings.at(name, (), f"contradictory levers: [qyzyljar] is set differently by {said}")
    if zones:
        tables["qyzyljar"] = next(iter(zones.values()))
    levers = PolicyLevers.model_construct(**{**dict(PolicyLevers()), **tables})
    for text in contradictions(levers):
        findings.at(name, (), text)
    findings.raise_if_any()
    languages = dict.fromkeys(lang for policy in policies for lang in policy.titles)
    return Policy(
        name,
        {lang: " + ".join(policy.title(lang) for policy in policies) for lang in languages},
        {
            lang: " ".join(filter(None, (policy.description(lang) for policy in policies)))
            for lang in languages
        },
        _once(text for policy in policies for text in policy.sources),
        _once(text for policy in policies for text in policy.assumptions),
        hashlib.sha256("\0".join(policy.digest for policy in policies).encode()).hexdigest(),
        tuple(dict.fromkeys(file for policy in policies for file in policy.files)),
        levers,
    )


def _common_years(one: Dated, two: Dated) -> range:
    last = min(lever.last if lever.last is not None else LAST_YEAR for lever in (one, two))
    return range(max(one.first, two.first), last + 1)


def _said(lever: Any) -> str:
    return ", ".join(f"{key} = {value}" for key, value in lever.settings().items())


def _once(texts: Iterable[str] | Iterator[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(texts))
