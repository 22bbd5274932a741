"""The types of ``authorization_details`` that a resource declares (RFC 9396 section 10).

Each has a description for people and a schema, in a small part of JSON Schema: ``type``,
``properties``, ``required``, ``items``, ``enum``, ``maxLength`` and ``maxItems``. Other keywords
are refused, for nobody would enforce them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from limen.kernel.errors import InvalidInput
from limen.protocol.authorization_details import KINDS, MAX_TEXT, Declaration

FIELD: Final = "authorization_details_types"
MAX_TYPES: Final = 50
MAX_TYPE_CHARACTERS: Final = 256
MAX_BYTES: Final = 65_536
MAX_DEPTH: Final = 5
_KEYWORDS: Final = frozenset(
    {"type", "description", "properties", "required", "items", "enum", "maxLength", "maxItems"}
)


def parse_declarations(raw: Mapping[str, Any]) -> dict[str, Declaration]:
    """Read what a resource declares: its types by name.

    Raises:
        InvalidInput: ``resource_invalid``.
    """
    if len(raw) > MAX_TYPES or len(json.dumps(raw)) > MAX_BYTES:
        raise _invalid(f"at most {MAX_TYPES} types in {MAX_BYTES} bytes.")
    return {name: _declaration(name, said) for name, said in raw.items()}


def _declaration(name: str, said: object) -> Declaration:
    if not 0 < len(name) <= MAX_TYPE_CHARACTERS or not name.isprintable():
        raise _invalid("a type's name is a short text.")
    if not isinstance(said, dict) or not said.keys() <= {"description", "schema"}:
        raise _invalid("a type has a description and a schema.")
    description, schema = said.get("description", ""), said.get("schema", {"type": "object"})
    if not isinstance(description, str) or len(description) > MAX_TEXT:
        raise _invalid("a description is a short text.")
    if not isinstance(schema, dict) or schema.get("type") != "object":
        raise _invalid("the schema of a type is of the type object.")
    _check_schema(schema, depth=0)
    return {"description": description, "schema": schema}


def _check_schema(schema: object, *, depth: int) -> None:
    """Refuse a schema that would not be enforced to the letter."""
    if not isinstance(schema, dict) or not schema.keys() <= _KEYWORDS:
        raise _invalid(f"a schema is an object of {', '.join(sorted(_KEYWORDS))}.")
    kind = schema.get("type")
    if depth > MAX_DEPTH or not isinstance(kind, str) or kind not in KINDS:
        raise _invalid(f"a schema's type is one of {', '.join(KINDS)}, {MAX_DEPTH} deep at most.")
    _check_bounds(schema)
    properties = schema.get("properties", {})
    if not isinstance(properties, dict):
        raise _invalid("properties is an object.")
    for each in properties.values():
        _check_schema(each, depth=depth + 1)
    if ("items" in schema) != (schema["type"] == "array"):
        raise _invalid("an array, and nothing else, has items.")
    if "items" in schema:
        _check_schema(schema["items"], depth=depth + 1)


def _check_bounds(schema: Mapping[str, Any]) -> None:
    for name in ("maxLength", "maxItems"):
        if not KINDS["integer"](schema.get(name, 0)):
            raise _invalid(f"{name} is a whole number.")
    for name in ("enum", "required"):
        if not isinstance(schema.get(name, []), list):
            raise _invalid(f"{name} is a list.")
    if not all(isinstance(name, str) for name in schema.get("required", ())):
        raise _invalid("required names members.")


def _invalid(problem: str) -> InvalidInput:
    return InvalidInput("resource_invalid", f"{FIELD}: {problem}", field=FIELD)
