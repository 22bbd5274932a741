"""An example for every JSON body that brings none: made from its shape, by the names in it."""

from __future__ import annotations

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
_DEEPEST: Final = 6


def example_of(schema: Mapping[str, Any], schemas: Mapping[str, Any], *, depth: int = 0) -> Any:
    """Return a value of a shape.

    Args:
        schema: JSON Schema as pydantic writes it.
        schemas: The named ones it may point to.
        depth: How deep we are; shapes that hold themselves end somewhere.
    """
    if depth > _DEEPEST:
        return None
    if "$ref" in schema:
        named = schemas[str(schema["$ref"]).rpartition("/")[2]]
        return example_of(named, schemas, depth=depth + 1)
    for known in ("example", "const", "default"):
        if schema.get(known) is not None:
            return schema[known]
    if schema.get("examples"):
        return schema["examples"][0]
    if schema.get("enum"):
        return schema["enum"][0]
    return _of_kind(schema, schemas, depth=depth)


def _of_kind(schema: Mapping[str, Any], schemas: Mapping[str, Any], *, depth: int) -> Any:
    for choice in (*schema.get("anyOf", ()), *schema.get("oneOf", ()), *schema.get("allOf", ())):
        if choice.get("type") != "null":
            return example_of(choice, schemas, depth=depth)
    match schema.get("type"):
        case "object":
            return _object(schema, schemas, depth=depth)
        case "array":
            item = example_of(schema.get("items", {}), schemas, depth=depth + 1)
            return [] if item is None else [item]
        case "string":
            return _BY_FORMAT.get(schema.get("format", ""), "text")
        case "integer" | "number":
            return schema.get("minimum", 1)
        case "boolean":
            return True
        case _:
            return None


def _object(schema: Mapping[str, Any], schemas: Mapping[str, Any], *, depth: int) -> dict[str, Any]:
    required = schema.get("required", ())
    shown = {}
    for name, member in schema.get("properties", {}).items():
        if name in _BY_NAME and member.get("type") in {None, "string", "array"}:
            value = _BY_NAME[name]
        else:
            value = example_of(member, schemas, depth=depth + 1)
        if name in required or value is not None:
            shown[name] = value
    return shown
