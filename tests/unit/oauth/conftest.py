"""The authorization server of one tenant, on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from limen.db.work import Works
from limen.kernel.site import Site
from tests.unit.oauth.http_kit import Server, serve
from tests.unit.oauth.journey_kit import extend


@pytest.fixture
async def server(works: Works, site: Site) -> AsyncIterator[Server]:
    made = await serve(works, site)
    yield made
    await made.close()


@pytest.fixture
async def journey(works: Works, site: Site) -> AsyncIterator[Server]:
    """The same with the authorization endpoint, its pages and its JSON API."""
    made = await serve(works, site, extend=extend)
    yield made
    await made.close()
