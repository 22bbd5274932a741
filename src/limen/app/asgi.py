"""The application the server runs: what is asked often at once, the rest through FastAPI."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from fastapi import APIRouter, FastAPI
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from limen.web.locate import route_path


class LiteralPaths:
    """Answers the paths that have no parameters from a dictionary.

    Starlette's router tries some hundred patterns one after the other; a token request should
    not pay for the pages and the admin API.

    Args:
        routes: Those with a parameter are left to ``otherwise``.
        hot: Few, with parameters, tried before ``otherwise``.
        otherwise: Answers what is not found here.
    """

    def __init__(
        self, routes: Iterable[BaseRoute], *, hot: Sequence[Route] = (), otherwise: ASGIApp
    ) -> None:
        self._otherwise: Final = otherwise
        self._hot: Final = hot
        self._verbs: dict[str, dict[str, Route]] = {}
        for route in routes:
            if isinstance(route, Route) and "{" not in route.path:
                verbs = self._verbs.setdefault(route.path, {})
                verbs.update(dict.fromkeys(route.methods or (), route))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or hand on; leave the route's template to whoever counts."""
        found = self._find(scope) if scope["type"] == "http" else None
        if found is None:
            await self._otherwise(scope, receive, send)
        else:
            scope["route"] = found
            await found.app(scope, receive, send)
        scope.get("state", {}).get("seen", {})["route"] = scope.get("route")

    def _find(self, scope: Scope) -> Route | None:
        path, method = route_path(scope), scope["method"]
        verbs = self._verbs.get(path)
        if verbs is not None:
            return verbs.get(method)
        for route in self._hot:
            match = route.path_regex.match(path)
            if match is not None and method in (route.methods or ()):
                scope["path_params"] = match.groupdict()
                return route
        return None


class GrowsOnDemand:
    """A FastAPI application that gets some of its routes when they are first asked for.

    What administers is half of all routes. To import and build it takes a third of a second and
    7 MB, which a process that only serves need not spend.

    Args:
        api: Has the other routes.
        make: Returns those to come; runs in a thread, so that nobody else waits meanwhile.
        under: The paths they are under.
    """

    def __init__(
        self, api: FastAPI, *, make: Callable[[], Sequence[APIRouter]], under: tuple[str, ...]
    ) -> None:
        self._api: Final = api
        self._make: Final = make
        self._under: Final = under
        self._is_whole = False
        self._one_at_a_time: Final = asyncio.Lock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, after growing if need be."""
        if not self._is_whole and route_path(scope).startswith(self._under):
            await self.grow()
        await self._api(scope, receive, send)

    async def grow(self) -> None:
        """Add the routes, unless they are there."""
        async with self._one_at_a_time:
            if not self._is_whole:
                for router in await asyncio.to_thread(self._make):
                    self._api.include_router(router)
                self._is_whole = True
