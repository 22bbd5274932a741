"""Walk routes and say what each of them demands of its caller."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from fastapi.routing import APIRoute
from starlette.routing import BaseRoute, Mount, Route


@dataclass(frozen=True)
class Demand:
    """One route and the permissions its guards declare."""

    path: str
    methods: frozenset[str]
    permissions: tuple[str, ...]


def demands(routes: Iterable[BaseRoute], under: str = "") -> Iterator[Demand]:
    """Yield every route, those of mounted applications too."""
    for route in routes:
        inner = getattr(route, "original_router", None) or getattr(route, "app", None)
        if isinstance(route, Route):
            path = under + route.path
            yield Demand(path, frozenset(route.methods or ()), tuple(_permissions(route)))
        elif isinstance(route, Mount):
            yield from demands(route.routes, under + route.path)
        elif inner is not None and hasattr(inner, "routes"):
            # A router inside a router: the outer one's prefix stands in how it was included.
            prefix = getattr(getattr(route, "include_context", None), "prefix", "")
            yield from demands(inner.routes, under + prefix)


def _permissions(route: Route) -> Iterator[str]:
    """Read what the guards say; limen.access.require makes them for both kinds of route."""
    declared: list[Any] = [getattr(route.endpoint, "guard", None)]
    if isinstance(route, APIRoute):
        declared = list(route.dependencies)
    for guard in declared:
        if isinstance(permission := getattr(guard, "permission", None), str):
            yield permission
