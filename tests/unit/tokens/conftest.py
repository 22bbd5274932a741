from __future__ import annotations

import pytest

from limen.db.work import Works
from limen.kernel.site import Site
from limen.testing.clock import FrozenClock
from tests.unit.tokens.kit import Tokens, make_tokens


@pytest.fixture
async def tokens(works: Works, site: Site, clock: FrozenClock) -> Tokens:
    return await make_tokens(works, site, clock)
