"""What the declared schema says of every lever: its keys, their kinds, ranges and defaults, for sliders.

The schema allows wide ranges (money up to ten trillion tenge). A slider would be of no use over such a range: it
reaches to a few times the largest value that the shipped policies use, and the number beside it takes all that is
declared.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from experiments.language_schema import KEYS
from scenarios.library import names
from scenarios.published_schema import published_schema
from scenarios.reading import load_policy

Form = Literal["number", "integer", "choice", "choices", "places", "place", "text"]
WIDEST_SLIDER = 100.0  # declared ranges up to this are shown whole
BEYOND_LIBRARY = 4.0
STEPS = 100
PLACE_KEYS = {"places": "places", "place": "place"}


@dataclass(frozen=True)
class Key:
    """One key of a lever.

    Attributes:
        name: as written in a file. form: how it is entered.
        least, most: declared range of a number (NaN: none). above_least: whether `least` itself is excluded.
        slider_most: where the slider ends. step: of the slider.
        default: value where the file says nothing, None where it may be left out. required: whether it must be given.
        options: values to choose from. unit: English text, "" where it has none. description: of the schema.
    """

    name: str
    form: Form
    least: float
    most: float
    above_least: bool
    slider_most: float
    step: float
    default: Any
    required: bool
    options: tuple[str, ...]
    unit: str
    description: str


@cache
def declared_levers() -> dict[str, dict[str, Key]]:
    """Keys of every kind of lever of a policy file, in the order of the schema."""
    schema = published_schema()["$defs"]
    levers: dict[str, dict[str, Key]] = {}
    for kind, held in schema["PolicyFile"]["properties"].items():
        reference = _reference(held)
        if reference is None or reference == "Words":
            continue
        definition = schema[reference]
        required = definition.get("required", ())
        levers[kind] = {
            name: _key(kind, name, spec, name in required) for name, spec in definition["properties"].items()
        }
    return levers


def _reference(spec: dict[str, Any]) -> str | None:
    """Name of the definition of a lever's table; None for the other keys of a file."""
    nested = next(iter(spec.get("patternProperties", {}).values()), spec)
    return str(nested["$ref"]).rsplit("/", 1)[-1] if "$ref" in nested else None


def _key(kind: str, name: str, spec: dict[str, Any], required: bool) -> Key:
    plain = next((one for one in spec.get("anyOf", ()) if one.get("type") != "null"), spec)
    options = tuple(plain.get("enum", plain.get("items", {}).get("enum", ())))
    least = float(plain.get("minimum", plain.get("exclusiveMinimum", math.nan)))
    most = float(plain.get("maximum", plain.get("exclusiveMaximum", math.nan)))
    form = _form(name, plain, options)
    end = (
        _slider_end(kind, name, least, most, spec.get("default"))
        if form in ("number", "integer")
        else math.nan
    )
    step = (
        1.0 if form == "integer" else _round_step((end - least) / STEPS) if not math.isnan(end) else math.nan
    )
    return Key(
        name,
        form,
        least,
        most,
        "exclusiveMinimum" in plain,
        end,
        step,
        spec.get("default"),
        required,
        options,
        KEYS[name][1],
        spec.get("description", ""),
    )


def _form(name: str, plain: dict[str, Any], options: tuple[str, ...]) -> Form:
    if name == "places":
        return "places"
    if name == "place":
        return "place"
    if options:
        return "choices" if plain.get("type") == "array" else "choice"
    if plain.get("type") == "integer":
        return "integer"
    return "number" if plain.get("type") == "number" else "text"


def _slider_end(kind: str, name: str, least: float, most: float, default: Any) -> float:
    """The declared end where that is near, else a few times what the library and the default use."""
    if most <= WIDEST_SLIDER or (least >= 2000 and most <= 2200):
        return most
    used = [value for value in (_library_values(kind, name)) if value > 0] or [25.0]
    if isinstance(default, (int, float)):
        used.append(float(default))
    return float(min(most, _round_up(BEYOND_LIBRARY * max(used))))


def _library_values(kind: str, name: str) -> list[float]:
    """What the shipped policies give for a key."""
    found: list[float] = []
    for policy in names("policy"):
        for held, _, lever in load_policy(policy).levers.items():
            value = getattr(lever, name, None)
            if held == kind and isinstance(value, (int, float)):
                found.append(float(value))
    return found


def _round_up(value: float) -> float:
    """The next of 1, 2, 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(value))
    return next(power * head for head in (1.0, 2.0, 5.0, 10.0) if power * head >= value * (1 - 1e-9))


def _round_step(value: float) -> float:
    return float(f"{_round_up(value):.0e}")
