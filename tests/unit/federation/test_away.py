"""A journey is bound to everything it was begun with; each binding refuses by itself."""

from __future__ import annotations

import dataclasses
import datetime as dt
from typing import Any

import pytest

from limen.db.work import Work
from limen.federation import store
from limen.federation.begin import MAX_AWAY
from limen.federation.store import Binding
from tests.house import House

pytestmark = pytest.mark.anyio
STATE = b"s" * 32
BOUND = Binding(
    purpose="connect", provider="google", user_id="ada", session_id="one", browser_hash=b"b"
)


async def away(house: House) -> None:
    async def body(work: Work) -> None:
        await store.send_away(
            work,
            state_hash=STATE,
            upstream_client_id="client",
            sealed_verifier=b"v",
            nonce_hash=b"n",
            redirect_uri="http://localhost/cb",
            detail={},
            expires_at=work.now + MAX_AWAY,
            **dataclasses.asdict(BOUND),
        )

    await house.run(body)


async def taken(house: House, bound: Binding, state: bytes = STATE) -> bool:
    found = await house.run(lambda work: store.take_away(work, state_hash=state, bound=bound))
    return found is not None


@pytest.mark.parametrize(
    "change",
    [
        {"purpose": "sign_in"},
        {"provider": "notion"},
        {"user_id": "mallory"},
        {"user_id": ""},
        {"session_id": "two"},
        {"session_id": ""},
        {"browser_hash": b"c"},
        {"browser_hash": b""},
    ],
    ids=str,
)
async def test_another_binding_takes_nothing_and_spoils_nothing(
    house: House, change: dict[str, Any]
) -> None:
    await away(house)
    assert not await taken(house, dataclasses.replace(BOUND, **change))
    assert not await taken(house, BOUND, b"t" * 32)
    assert await taken(house, BOUND)
    assert not await taken(house, BOUND)


async def test_an_expired_journey_takes_nothing_and_is_swept(house: House) -> None:
    await away(house)
    house.clock.advance(dt.timedelta(minutes=10))
    assert not await taken(house, BOUND)
    assert await house.run(store.sweep_away) == 1
