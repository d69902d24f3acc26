"""The part of JSON Schema that the published schema uses: whether a document is valid."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

TYPES: dict[str, type | tuple[type, ...]] = {
    "object": dict,
    "array": list,
    "string": str,
    "number": (int, float),
    "integer": int,
    "null": type(None),
}
BOUNDS: dict[str, Callable[[Any, Any], bool]] = {
    "minimum": lambda value, bound: value >= bound,
    "maximum": lambda value, bound: value <= bound,
    "exclusiveMinimum": lambda value, bound: value > bound,
    "exclusiveMaximum": lambda value, bound: value < bound,
    "minLength": lambda value, bound: len(value) >= bound,
    "maxLength": lambda value, bound: len(value) <= bound,
    "minItems": lambda value, bound: len(value) >= bound,
    "maxItems": lambda value, bound: len(value) <= bound,
    "pattern": lambda value, bound: re.search(bound, value) is not None,
}
SILENT = {"title", "description", "default", "$schema", "$defs"}


def is_valid(document: Any, schema: Any, root: dict[str, Any] | None = None) -> bool:
    """Whether the document is valid; a keyword that is not known here raises."""
    root = schema if root is None else root
    assert root is not None
    if isinstance(schema, bool):
        return schema
    for keyword, wanted in schema.items():
        if keyword in SILENT or keyword in ("properties", "additionalProperties", "patternProperties"):
            continue
        if not _holds(keyword, wanted, document, root):
            return False
    return not isinstance(document, dict) or _members_hold(document, schema, root)


def _holds(keyword: str, wanted: Any, document: Any, root: dict[str, Any]) -> bool:
    match keyword:
        case "$ref":
            return is_valid(document, root["$defs"][wanted.removeprefix("#/$defs/")], root)
        case "type":
            return isinstance(document, TYPES[wanted]) and not isinstance(document, bool)
        case "const":
            return bool(document == wanted)
        case "enum":
            return document in wanted
        case "anyOf":
            return any(is_valid(document, schema, root) for schema in wanted)
        case "oneOf":
            return sum(is_valid(document, schema, root) for schema in wanted) == 1
        case "not":
            return not is_valid(document, wanted, root)
        case "required":
            return not isinstance(document, dict) or all(key in document for key in wanted)
        case "items":
            return not isinstance(document, list) or all(is_valid(item, wanted, root) for item in document)
    return BOUNDS[keyword](document, wanted)


def _members_hold(document: dict[str, Any], schema: dict[str, Any], root: dict[str, Any]) -> bool:
    for key, value in document.items():
        patterns = [
            wanted
            for pattern, wanted in schema.get("patternProperties", {}).items()
            if re.search(pattern, key)
        ]
        if key in schema.get("properties", {}):
            patterns.append(schema["properties"][key])
        if not patterns:
            patterns = [schema.get("additionalProperties", True)]
        if not all(is_valid(value, wanted, root) for wanted in patterns):
            return False
    return True
