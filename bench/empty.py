"""The yardstick P: a Starlette application that reads a small POST and answers nothing much."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route


async def _answer(request: Request) -> Response:
    await request.body()
    return JSONResponse({})


app = Starlette(routes=[Route("/", _answer, methods=["POST"])])
