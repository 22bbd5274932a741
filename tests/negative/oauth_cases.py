"""What holds after every refused case of the authorization server."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Final

import httpx2
import pytest
import sqlalchemy as sa

from limen.db.base import metadata
from limen.db.work import Work, Works
from limen.kernel.site import Site
from tests.unit.oauth.http_kit import Server, serve
from tests.unit.oauth.journey_kit import Browser, answered, extend, refused_by_page

__all__ = ["journey"]

_WATCHED: Final = ("codes", "interactions", "consents", "grants", "clients")
_LEAKS: Final = ("Traceback", "SELECT ", "limen_", "site-packages", "sqlite", "asyncpg")


@pytest.fixture
async def journey(works: Works, site: Site) -> AsyncIterator[Server]:
    made = await serve(works, site, extend=extend)
    yield made
    await made.http.aclose()


async def snapshot(server: Server) -> dict[str, int]:
    """How many rows there are of what a refusal must not touch."""

    async def body(work: Work) -> dict[str, int]:
        counts = {}
        for name in _WATCHED:
            counted = sa.select(sa.func.count()).select_from(metadata.tables[f"limen_{name}"])
            counts[name] = int((await work.execute(counted)).scalar())
        return counts

    return await server.run(body)


async def refused(server: Server, url: str, *, browser: Browser | None = None) -> str:
    """Ask, be refused on our own page, and find that nothing else happened (O1 to O5)."""
    before, told = await snapshot(server), len(server.denied())
    answer = await (browser or Browser(server)).get(url)
    code = refused_by_page(answer)
    _check(answer)
    assert await snapshot(server) == before
    assert len(server.denied()) == told + 1
    return code


async def told(server: Server, url: str, *, browser: Browser | None = None) -> str:
    """Ask, be refused by redirect to the client, and find that nothing else happened."""
    before, denied = await snapshot(server), len(server.denied())
    answer = await (browser or Browser(server)).get(url)
    error = answered(answer)["error"]
    _check(answer)
    assert await snapshot(server) == before
    assert len(server.denied()) == denied + 1
    return error


def _check(answer: httpx2.Response) -> None:
    assert answer.headers["cache-control"] == "no-store"
    assert not [leak for leak in _LEAKS if leak in answer.text]
    if answer.headers.get("content-type", "").startswith("text/html"):
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
        assert answer.headers["x-frame-options"] == "DENY"
