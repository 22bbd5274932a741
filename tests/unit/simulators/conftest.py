"""The simulators, served."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx2
import pytest

from limen.testing.clock import FrozenClock
from tests.simulated import Simulated, serving


@pytest.fixture
async def simulated(clock: FrozenClock) -> AsyncIterator[Simulated]:
    with serving(clock) as base_url:
        async with httpx2.AsyncClient() as http:
            yield Simulated(base_url, http)
