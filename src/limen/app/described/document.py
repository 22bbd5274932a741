"""The whole OpenAPI document."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from fastapi import FastAPI
from fastapi.routing import APIRoute

from limen.app.described.examples import example_of
from limen.app.described.problems import PROBLEM, with_problems
from limen.oauth.described.discovery import add_oauth

_METHODS: Final = ("get", "post", "put", "patch", "delete")
_WORD: Final = re.compile(r"[A-Za-z0-9]+")
_UNUSED: Final = ("HTTPValidationError", "ValidationError")


def operation_id(route: APIRoute) -> str:
    """Name an operation by its method and path: ``postAuthLogin``, ``getAdminClientsClientId``."""
    words = _WORD.findall(route.path_format.removeprefix("/api/v1"))
    method = min(route.methods or {"GET"}).lower()
    return method + "".join(word.capitalize() for word in words)


def document(api: FastAPI) -> dict[str, Any]:
    """Return the document of the JSON API and the OAuth endpoints.

    Every answer and refusal has a shape and an example: what a route does not say of itself is
    said here, once, for its kind.
    """
    from limen.app.described.plain import (  # noqa: PLC0415 -- a hundred kilobytes that few read
        BROWSERS,
        OTHERS,
    )

    described = api.openapi()
    schemas = {
        name: schema
        for name, schema in described.get("components", {}).get("schemas", {}).items()
        if name not in _UNUSED
    }
    paths = {
        path: {
            method: _complete(with_problems(method, path, operation), schemas)
            if method in _METHODS
            else operation
            for method, operation in item.items()
        }
        for path, item in {**described["paths"], **OTHERS}.items()
    }
    for path, item in BROWSERS.items():
        paths[path] = {method: _complete(told, schemas) for method, told in item.items()}
    components = {**described.get("components", {}), "schemas": {**schemas, "Problem": PROBLEM}}
    return add_oauth({**described, "paths": paths, "components": components})


def _complete(operation: Mapping[str, Any], schemas: Mapping[str, Any]) -> dict[str, Any]:
    """Add the examples that are missing."""
    completed = dict(operation)
    if "requestBody" in operation:
        completed["requestBody"] = _with_examples(operation["requestBody"], schemas)
    completed["responses"] = {
        status: _with_examples(answer, schemas) for status, answer in operation["responses"].items()
    }
    return completed


def _with_examples(part: Mapping[str, Any], schemas: Mapping[str, Any]) -> dict[str, Any]:
    if "content" not in part:
        return dict(part)
    content = {
        media: held
        if "example" in held or "examples" in held
        else {**held, "example": example_of(held.get("schema", {}), schemas)}
        for media, held in part["content"].items()
    }
    return {**part, "content": content}
