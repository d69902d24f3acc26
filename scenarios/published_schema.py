"""The published JSON schema of scenario files, for editors and for checks outside this project."""

from __future__ import annotations

import copy
from typing import Any

from pydantic.json_schema import models_json_schema

from scenarios.envelope import FutureFile, PolicyFile

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_FILES = {"policy": PolicyFile, "future": FutureFile}
_DIFFERENCE = "Difference"


def published_schema() -> dict[str, Any]:
    """JSON schema of policy and future files.

    A file that builds on another (`extends`, `combines`) may give of a lever of an inherited name only what changes,
    so that nothing is required within its levers; one that stands alone must give all that is required.
    """
    _, schema = models_json_schema([(PolicyFile, "validation"), (FutureFile, "validation")], by_alias=True)
    definitions = schema["$defs"]
    for node in _nodes(definitions):
        if "patternProperties" in node:
            node["additionalProperties"] = False
    for kind, model in _FILES.items():
        definitions[model.__name__]["properties"]["kind"] = {"const": kind, "title": "Kind"}
    for name, definition in copy.deepcopy(definitions).items():
        definitions[name + _DIFFERENCE] = _difference(
            definition, name in {m.__name__ for m in _FILES.values()}
        )
    for model in _FILES.values():
        definitions[model.__name__]["not"] = {
            "anyOf": [{"required": ["extends"]}, {"required": ["combines"]}]
        }
    return {
        "$schema": DIALECT,
        "title": "Scenario files of Qyzyljar: policies and futures",
        "oneOf": [
            {"$ref": f"#/$defs/{model.__name__}{ending}"}
            for model in _FILES.values()
            for ending in ("", _DIFFERENCE)
        ],
        "$defs": definitions,
    }


def _difference(definition: dict[str, Any], is_file: bool) -> dict[str, Any]:
    """A definition for files that build on others: levers may be given in part."""
    if is_file:
        definition["anyOf"] = [{"required": ["extends"]}, {"required": ["combines"]}]
    elif definition.get("title") != "Words":
        definition.pop("required", None)
    for node in _nodes(definition):
        if "$ref" in node:
            node["$ref"] += _DIFFERENCE
    return definition


def _nodes(node: Any) -> list[dict[str, Any]]:
    """The mapping itself and all mappings within it."""
    if isinstance(node, list):
        return [found for item in node for found in _nodes(item)]
    if not isinstance(node, dict):
        return []
    return [node, *(found for value in node.values() for found in _nodes(value))]
