from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from limen.db.work import Works
from tests.house import House, house
from tests.unit.signin.kit import WayIn, open_door

__all__ = ["house", "way"]


@pytest.fixture
async def way(house: House, works: Works) -> AsyncIterator[WayIn]:
    made = await open_door(house, works)
    yield made
    await made.close()
