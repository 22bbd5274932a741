"""An example for every JSON body that brings none: made from its shape, by the names in it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

_BY_NAME: Final[Mapping[str, Any]] = {
    "email": "ada@example.org",
    "password": "correct horse battery staple",
    "name": "Ada Lovelace",
    "id": "0194c0b1-7b0e-7000-8000-000000000001",
    "user_id": "0194c0b1-7b0e-7000-8000-000000000001",
    "client_id": "0194c0b1-7b0e-7000-8000-000000000002",
    "scope": "openid profile",
    "scopes": ["read"],
    "resource": "https://api.example",
    "identifier": "https://api.example",
    "url": "https://app.example/hook",
    "redirect_uris": ["https://app.example/callback"],
    "slug": "acme",
    "code": "123456",
    "token": "lmv_…",
    "access_token": "eyJ…",
    "refresh_token": "lmr_…",
    "next_cursor": "",
}
_BY_FORMAT: Final[Mapping[str, Any]] = {
    "date-time": "2030-01-01T12:00:00Z",
    "uri": "https://app.example/",
    "email": "ada@example.org",
    "password": "…",
}
_OF_A_REFUSAL: Final[Mapping[str, Any]] = {**_BY_NAME, "code": "invalid_input"}


def example_of(
    schema: Mapping[str, Any], schemas: Mapping[str, Any], *, inside: tuple[str, ...] = ()
) -> Any:
    """Return a value of a shape, or ``None`` where it would have to hold itself.

    Args:
        schema: JSON Schema as pydantic writes it.
        schemas: The named ones it may point to.
        inside: Those we are in.
    """
    if "$ref" in schema and not schema.get("examples"):
        name = _name_in(schema)
        if name in inside:
            return None
        return example_of(schemas[name], schemas, inside=(*inside, name))
    for known in ("example", "const", "default"):
        if schema.get(known) is not None:
            return schema[known]
    if schema.get("examples"):
        return schema["examples"][0]
    if schema.get("enum"):
        return schema["enum"][0]
    return _of_kind(schema, schemas, inside=inside)


def _of_kind(
    schema: Mapping[str, Any], schemas: Mapping[str, Any], *, inside: tuple[str, ...]
) -> Any:
    for choice in _choices(schema):
        if choice.get("type") != "null":
            return example_of(choice, schemas, inside=inside)
    match schema.get("type"):
        case "object":
            return _object(schema, schemas, inside=inside)
        case "array":
            item = example_of(schema.get("items", {}), schemas, inside=inside)
            return [] if item is None else [item]
        case "string":
            text = str(_BY_FORMAT.get(schema.get("format", ""), "text"))
            return text.ljust(schema.get("minLength", 0), text[-1])
        case "integer" | "number":
            return schema.get("minimum", 1)
        case "boolean":
            return True
        case _:
            return None


def _object(
    schema: Mapping[str, Any], schemas: Mapping[str, Any], *, inside: tuple[str, ...]
) -> dict[str, Any]:
    required, members = schema.get("required", ()), schema.get("properties", {})
    by_name = _OF_A_REFUSAL if "detail" in members else _BY_NAME
    shown = {}
    for name, member in members.items():
        if name in by_name and _fits(by_name[name], member, schemas):
            value = by_name[name]
        else:
            value = example_of(member, schemas, inside=inside)
        if name in required or value is not None:
            shown[name] = value
    return shown


def _fits(value: Any, schema: Mapping[str, Any], schemas: Mapping[str, Any]) -> bool:
    """Say whether a shape may hold what a name makes one think of."""
    if "$ref" in schema:
        return _fits(value, schemas[_name_in(schema)], schemas)
    if choices := _choices(schema):
        return any(_fits(value, choice, schemas) for choice in choices)
    if schema.keys() & {"const", "enum"}:
        return value in (schema.get("const"), *schema.get("enum", ()))
    if isinstance(value, list):
        items = schema.get("items", {})
        return schema.get("type") == "array" and all(_fits(each, items, schemas) for each in value)
    length = schema.get("minLength", 0), schema.get("maxLength", len(value))
    is_text = schema.get("type") == "string" and length[0] <= len(value) <= length[1]
    return is_text and re.search(schema.get("pattern", ""), value) is not None


def _choices(schema: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [choice for name in ("anyOf", "oneOf", "allOf") for choice in schema.get(name, ())]


def _name_in(schema: Mapping[str, Any]) -> str:
    return str(schema["$ref"]).rpartition("/")[2]
