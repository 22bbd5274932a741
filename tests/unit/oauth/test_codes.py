import asyncio
import datetime as dt
from functools import partial

import pytest

from limen.db.work import Work
from limen.kernel.errors import OAuthRefusal
from limen.kernel.secret import Secret
from limen.oauth.codes import count_failed_redemption, find_code, redeem_code
from limen.oauth.model import AuthorizationCode
from limen.oauth.registry.disable_client import disable_client, enable_client
from limen.oauth.sweep import sweep
from limen.testing.clock import FrozenClock
from tests.unit.oauth.http_kit import Server

pytestmark = pytest.mark.anyio


@pytest.fixture
async def raw(journey: Server) -> Secret[str]:
    client = await journey.client()
    session, _ = await journey.session(await journey.person())
    return Secret(await journey.code(client, session))


async def find(server: Server, raw: Secret[str]) -> AuthorizationCode | None:
    return await server.run(lambda work: find_code(work, raw_code=raw))


async def redeem(server: Server, raw: Secret[str]) -> AuthorizationCode | None:
    return await server.run(lambda work: redeem_code(work, raw_code=raw))


async def was_used(server: Server, raw: Secret[str]) -> bool:
    code = await find(server, raw)
    return code is not None and code.used_at is not None


async def test_of_many_at_once_one_redeems(journey: Server, raw: Secret[str]) -> None:
    outcomes = await asyncio.gather(*(redeem(journey, raw) for _ in range(20)))
    won = [code for code in outcomes if code is not None]
    assert len(won) == 1
    assert won[0] == await find(journey, raw), "as it lies from then on"
    assert await was_used(journey, raw)


async def test_a_refusal_gives_the_code_back(journey: Server, raw: Secret[str]) -> None:
    async def refuse(work: Work) -> None:
        assert await redeem_code(work, raw_code=raw) is not None
        raise OAuthRefusal("invalid_grant", "No.")

    with pytest.raises(OAuthRefusal):
        await journey.run(refuse)
    assert not await was_used(journey, raw)
    assert await redeem(journey, raw) is not None


@pytest.mark.parametrize(("seconds", "in_time"), [(59, True), (60, False), (61, False)])
async def test_a_code_is_over_at_its_very_end(
    journey: Server, raw: Secret[str], clock: FrozenClock, seconds: int, in_time: bool
) -> None:
    clock.advance(dt.timedelta(seconds=seconds))
    assert (await redeem(journey, raw) is not None) is in_time
    code = await find(journey, raw)
    assert code is not None
    assert code.is_expired(now=clock.now()) is not in_time


async def test_a_code_of_another_tenant_is_unknown(journey: Server, raw: Secret[str]) -> None:
    parts = raw.reveal().split("_", 2)
    other = Secret(f"{parts[0]}_othertenan_{parts[2]}")
    assert await find(journey, other) is None
    assert await redeem(journey, other) is None


async def test_an_altered_code_is_unknown(journey: Server, raw: Secret[str]) -> None:
    text = raw.reveal()
    for altered in (text[:-1], text + "A", text.swapcase(), text + "=", text + "\n", "", "x"):
        assert await find(journey, Secret(altered)) is None
        assert await redeem(journey, Secret(altered)) is None


async def test_the_fifth_failure_burns_a_code(journey: Server, raw: Secret[str]) -> None:
    for _ in range(4):
        code = await find(journey, raw)
        assert code is not None
        await journey.run(partial(count_failed_redemption, code_hash=code.code_hash))
    code = await find(journey, raw)
    assert code is not None
    await journey.run(lambda work: count_failed_redemption(work, code_hash=code.code_hash))
    assert await find(journey, raw) is None
    assert await redeem(journey, raw) is None


async def test_failures_after_redemption_hide_no_replay(journey: Server, raw: Secret[str]) -> None:
    assert await redeem(journey, raw) is not None
    code = await find(journey, raw)
    assert code is not None
    for _ in range(6):
        await journey.run(lambda work: count_failed_redemption(work, code_hash=code.code_hash))
    assert await redeem(journey, raw) is None
    assert await was_used(journey, raw)


async def test_a_client_disabled_and_enabled_has_lost_its_codes(
    journey: Server, raw: Secret[str]
) -> None:
    code = await find(journey, raw)
    assert code is not None
    await journey.run(partial(disable_client, client_id=code.client_id))
    await journey.run(partial(enable_client, client_id=code.client_id))
    assert await find(journey, raw) is None


async def test_used_codes_are_kept_until_their_tokens_expire(
    journey: Server, raw: Secret[str], clock: FrozenClock
) -> None:
    assert await redeem(journey, raw) is not None
    clock.advance(dt.timedelta(minutes=15))
    assert await journey.run(sweep) == 0
    assert await was_used(journey, raw)
    clock.advance(dt.timedelta(minutes=1))
    assert await journey.run(sweep) == 1
    assert await find(journey, raw) is None
