"""What of a faulty file can still be checked: its levers without the values that are wrong.

So that a file with a wrong number and an unknown place is told about both at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from scenarios.fields import Lever
from scenarios.future_levers import FutureLevers
from scenarios.policy_levers import PolicyLevers

Items = Mapping[tuple[str, str], Mapping[str, Any]]


def lever_type(levers: type[BaseModel], kind: str) -> type[Lever]:
    """The class of a kind of lever."""
    annotation: Any = levers.model_fields[kind].annotation
    kinds = [held for held in getattr(annotation, "__args__", ()) if hasattr(held, "model_fields")]
    found: type[Lever] = kinds[0] if kinds else annotation
    return found


def partial_levers(
    model: type[PolicyLevers] | type[FutureLevers], items: Items, wrong: set[tuple[str, ...]]
) -> PolicyLevers | FutureLevers:
    """Levers of which the values at `wrong` (kind, name, key) are left out: None stands where one is needed."""
    tables: dict[str, dict[str, Lever]] = {}
    for (kind, name), values in items.items():
        if name:
            bad = {place[2] for place in wrong if place[:2] == (kind, name) and len(place) > 2}
            tables.setdefault(kind, {})[name] = _partial(lever_type(model, kind), values, bad)
    return model.model_construct(**{**dict(model()), **tables})


def _partial(lever: type[Lever], values: Mapping[str, Any], bad: set[str]) -> Lever:
    fields: dict[str, Any] = {}
    for name, field in lever.model_fields.items():
        key = field.alias or name
        if key in values and key not in bad:
            fields[name] = tuple(values[key]) if isinstance(values[key], list) else values[key]
        else:
            fields[name] = None if field.is_required() else field.get_default(call_default_factory=True)
    return lever.model_construct(**fields)
