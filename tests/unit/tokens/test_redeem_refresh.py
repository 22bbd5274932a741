from __future__ import annotations

import asyncio
import base64
import collections
import dataclasses
import datetime as dt

import pytest
import sqlalchemy as sa

from limen.db.work import Work
from limen.kernel.errors import InvalidInput, OAuthRefusal
from limen.kernel.secret import Secret
from limen.tokens import principals
from limen.tokens.end_grant import (
    end_grant,
    end_grants_of_client,
    end_grants_of_consent,
    end_grants_of_session,
    end_grants_of_user,
)
from limen.tokens.redeem_refresh import Presented, Refreshed, redeem_refresh
from limen.tokens.refresh_token import read_refresh
from limen.tokens.start_grant import Started
from limen.tokens.sweep import sweep
from limen.tokens.tables import grants
from tests.unit.tokens.kit import Tokens

pytestmark = pytest.mark.anyio

SECOND = dt.timedelta(seconds=1)
_ROWS = sa.select(grants).where(grants.c.tenant_id == sa.bindparam("tenant_id"))


def raw_of(started: Started) -> Secret[str]:
    assert started.raw_refresh is not None
    return started.raw_refresh


async def refused(tokens: Tokens, raw: Secret[str], **changes: object) -> None:
    with pytest.raises(OAuthRefusal) as caught:
        await tokens.redeem(raw, **changes)
    assert (caught.value.code, caught.value.public) == (
        "invalid_grant",
        "The refresh token is invalid or expired.",
    )


async def test_rotation_gives_a_new_token_and_ends_the_old_one(tokens: Tokens) -> None:
    started = await tokens.start()
    tokens.listen()
    used = await tokens.redeem(raw_of(started))
    assert used.rotated
    assert used.raw_refresh != started.raw_refresh
    used_at = tokens.clock.now()
    assert used.grant == dataclasses.replace(started.grant, generation=1, last_used_at=used_at)
    assert tokens.names() == ["TokensRefreshed"]
    again = await tokens.node().redeem(used.raw_refresh)
    assert again.grant.generation == 2


async def test_a_kept_token_stays_the_same(tokens: Tokens) -> None:
    started = await tokens.start()
    used = await tokens.redeem(raw_of(started), rotate=False)
    for _ in range(3):
        used = await tokens.redeem(raw_of(started), rotate=False)
        assert used.raw_refresh == started.raw_refresh
        assert not used.rotated
    assert used.grant.generation == 0


async def test_n277_the_database_holds_no_refresh_token(tokens: Tokens) -> None:
    started = await tokens.start()
    used = await tokens.redeem(raw_of(started))

    async def body(work: Work) -> str:
        return repr((await work.execute(_ROWS)).all())

    dump = await tokens.run(body)
    for raw in (raw_of(started), used.raw_refresh):
        secret = raw.reveal()[-92:]
        assert secret not in dump
        assert repr(base64.urlsafe_b64decode(secret)[21:53])[2:-1] not in dump


async def test_n043_an_old_token_after_the_grace_ends_everything(tokens: Tokens) -> None:
    started = await tokens.start()
    used = await tokens.redeem(raw_of(started))
    access = await tokens.access(used)
    tokens.clock.advance(10 * SECOND)
    tokens.listen()
    await refused(tokens, raw_of(started))
    assert tokens.names() == ["RefreshReused", "GrantEnded"]
    assert not await tokens.is_active(access.raw)
    await refused(tokens, used.raw_refresh)


async def test_reuse_ends_the_grant_although_the_request_is_refused(tokens: Tokens) -> None:
    started = await tokens.start()
    used = await tokens.redeem(raw_of(started))
    tokens.clock.advance(11 * SECOND)
    await refused(tokens, raw_of(started))
    assert not await tokens.node().is_active(used.raw_refresh)


async def test_n046_reuse_is_known_after_a_restart(tokens: Tokens) -> None:
    started = await tokens.start()
    used = await tokens.redeem(raw_of(started))
    tokens.clock.advance(10 * SECOND)
    node = tokens.node()
    await refused(node, raw_of(started))
    await refused(node, used.raw_refresh)


async def test_in_the_grace_the_same_successor_comes_back_three_times(tokens: Tokens) -> None:
    started = await tokens.start()
    used = await tokens.redeem(raw_of(started))
    tokens.listen()
    tokens.clock.advance(9 * SECOND)
    for opening in (1, 2, 3):
        again = await tokens.node().redeem(raw_of(started))
        assert again.raw_refresh == used.raw_refresh
        assert again.in_grace
        assert tokens.heard[-1].detail()["opening"] == opening
    assert tokens.names() == ["RefreshGraceOpened"] * 3
    await refused(tokens, raw_of(started))
    assert tokens.names() == ["RefreshGraceOpened"] * 3
    assert (await tokens.redeem(used.raw_refresh)).rotated


async def test_strict_grace_gives_nothing_and_ends_nothing(tokens: Tokens) -> None:
    tokens.lifetimes = dataclasses.replace(tokens.lifetimes, grace_openings=0)
    started = await tokens.start()
    used = await tokens.redeem(raw_of(started))
    await refused(tokens, raw_of(started))
    assert (await tokens.redeem(used.raw_refresh)).rotated


async def test_the_successor_s_first_use_ends_the_grace(tokens: Tokens) -> None:
    started = await tokens.start()
    used = await tokens.redeem(raw_of(started))
    last = await tokens.redeem(used.raw_refresh)
    await refused(tokens, raw_of(started))
    await refused(tokens, last.raw_refresh)  # two generations old: theft, the family ended


async def test_a_kept_successor_s_first_use_ends_the_grace_too(tokens: Tokens) -> None:
    started = await tokens.start()
    used = await tokens.redeem(raw_of(started))
    await tokens.redeem(used.raw_refresh, rotate=False)
    await refused(tokens, raw_of(started))
    assert not await tokens.is_active(used.raw_refresh)


@pytest.mark.parametrize("rotate", [True, False])
async def test_n044_of_twenty_at_once_one_rotates(tokens: Tokens, rotate: bool) -> None:
    tokens.lifetimes = dataclasses.replace(tokens.lifetimes, grace_openings=0)
    started = await tokens.start()
    nodes = [tokens.node() for _ in range(20)]
    for node in nodes:
        node.lifetimes = tokens.lifetimes
    answers = await asyncio.gather(
        *[node.redeem(raw_of(started), rotate=rotate) for node in nodes], return_exceptions=True
    )
    used = [answer for answer in answers if isinstance(answer, Refreshed)]
    assert len(used) == (1 if rotate else 20)
    assert all(isinstance(answer, OAuthRefusal) for answer in answers if answer not in used)
    assert len({answer.raw_refresh.reveal() for answer in used}) == 1
    assert (await tokens.redeem(used[0].raw_refresh)).rotated


async def test_of_twenty_at_once_three_more_get_the_same_successor(tokens: Tokens) -> None:
    started = await tokens.start()
    answers = await asyncio.gather(
        *[tokens.node().redeem(raw_of(started)) for _ in range(20)], return_exceptions=True
    )
    used = [answer for answer in answers if isinstance(answer, Refreshed)]
    assert collections.Counter(answer.in_grace for answer in used) == {False: 1, True: 3}
    assert len({answer.raw_refresh.reveal() for answer in used}) == 1
    assert (await tokens.redeem(used[0].raw_refresh)).rotated


@pytest.mark.parametrize(
    "bad",
    ["mac", "random", "grant", "generation", "tenant", "kind", "short", "long", "case", "pad"],
)
async def test_a_token_with_a_bad_mac_ends_nothing(tokens: Tokens, bad: str) -> None:
    started = await tokens.start()
    used = await tokens.redeem(raw_of(started))
    tokens.clock.advance(10 * SECOND)
    raw = raw_of(started).reveal()
    body = bytearray(base64.urlsafe_b64decode(raw[-92:]))
    places = {"grant": 3, "generation": 20, "random": 30, "mac": 60}
    if bad in places:
        body[places[bad]] ^= 1
    forged = {
        "tenant": raw.replace("testtenant", "othertenan"),
        "kind": raw.replace("lmr_", "lma_"),
        "short": raw[:-4],
        "long": raw + "AAAA",
        "case": raw[:-92] + raw[-92:].swapcase(),
        "pad": raw + "=",
    }.get(bad, raw[:-92] + base64.urlsafe_b64encode(bytes(body)).decode())
    await refused(tokens, Secret(forged))
    assert (await tokens.redeem(used.raw_refresh)).rotated


@pytest.mark.parametrize(
    "text", ["", "lmr_", "lmr_testtenant_", "a.b.c", "é", "\ud800", "lmr_testtenant_" + "A" * 92]
)
async def test_any_text_is_refused(tokens: Tokens, text: str) -> None:
    await refused(tokens, Secret(text))


async def test_another_client_s_token_is_refused_and_ends_nothing(tokens: Tokens) -> None:
    started = await tokens.start()
    await refused(tokens, raw_of(started), client_id="other")
    used = await tokens.redeem(raw_of(started))
    tokens.clock.advance(11 * SECOND)
    await refused(tokens, raw_of(started), client_id="other")
    assert (await tokens.redeem(used.raw_refresh)).rotated


async def test_a_bound_token_needs_its_key_also_in_the_grace(tokens: Tokens) -> None:
    started = await tokens.start(bound_to="jkt:abc")
    for other in ("", "jkt:abd"):
        await refused(tokens, raw_of(started), bound_to=other)
    used = await tokens.redeem(raw_of(started), bound_to="jkt:abc")
    await refused(tokens, raw_of(started))
    again = await tokens.redeem(raw_of(started), bound_to="jkt:abc")
    assert again.raw_refresh == used.raw_refresh


async def test_an_unbound_token_takes_no_key(tokens: Tokens) -> None:
    await refused(tokens, raw_of(await tokens.start()), bound_to="jkt:abc")


async def test_n053_an_offline_grant_idles_and_ends(tokens: Tokens) -> None:
    day = dt.timedelta(days=1)
    started = await tokens.start(session_id=None)
    raw = raw_of(started)
    for _ in range(6):
        tokens.clock.advance(30 * day - SECOND)
        raw = (await tokens.redeem(raw)).raw_refresh
    tokens.clock.advance(6 * SECOND)  # 180 days since the start
    await refused(tokens, raw)
    idle = raw_of(await tokens.start(session_id=None))
    tokens.clock.advance(30 * day)
    await refused(tokens, idle)


@pytest.mark.parametrize("rotate", [True, False])
async def test_a_bound_grant_ends_with_its_session(tokens: Tokens, rotate: bool) -> None:
    started = await tokens.start(expires_at=tokens.clock.now() + dt.timedelta(days=60))
    tokens.clock.advance(dt.timedelta(days=60) - SECOND)
    raw = (await tokens.redeem(raw_of(started), rotate=rotate)).raw_refresh
    tokens.clock.advance(SECOND)
    await refused(tokens, raw)
    assert not await tokens.is_active(raw)


async def test_n053_an_expired_token_has_no_grace(tokens: Tokens) -> None:
    started = await tokens.start(expires_at=tokens.clock.now() + 5 * SECOND)
    await tokens.redeem(raw_of(started))
    tokens.clock.advance(5 * SECOND)
    await refused(tokens, raw_of(started))


@pytest.mark.parametrize("who", ["ada", "app"])
@pytest.mark.parametrize("in_grace", [True, False])
async def test_n048_a_disabled_user_or_client_gets_nothing(
    tokens: Tokens, who: str, in_grace: bool
) -> None:
    started = await tokens.start()
    raw = raw_of(started)
    access = await tokens.access(started)
    if in_grace:
        await tokens.redeem(raw)
    tokens.clock.advance(SECOND)
    await tokens.set_enabled(who, enabled=False)
    await refused(tokens, raw)
    assert not await tokens.is_active(access.raw)
    await tokens.set_enabled(who, enabled=True)
    await refused(tokens, raw)
    assert not await tokens.is_active(access.raw)
    assert (await tokens.start()).raw_refresh


async def test_n048_what_began_before_a_password_reset_is_over(tokens: Tokens) -> None:
    started = await tokens.start(session_id=None)
    proven_at = tokens.clock.now()
    tokens.clock.advance(SECOND)
    await tokens.run(lambda work: principals.set_not_before(work, principal_id="ada"))
    await refused(tokens, raw_of(started))
    with pytest.raises(OAuthRefusal):
        await tokens.start(authenticated_at=proven_at)
    assert (await tokens.start()).raw_refresh


async def test_n048_each_way_to_end_a_grant(tokens: Tokens) -> None:
    async def user(work: Work) -> object:
        return await end_grants_of_user(work, user_id="ada", reason="t")

    async def session(work: Work) -> object:
        return await end_grants_of_session(work, session_id="s1", reason="t")

    async def client(work: Work) -> object:
        return await end_grants_of_client(work, client_id="app", reason="t")

    async def consent(work: Work) -> object:
        return await end_grants_of_consent(work, user_id="ada", client_id="app", reason="t")

    for end in (user, session, client, consent):
        mine, others = (
            await tokens.start(),
            await tokens.start(user_id="bob", client_id="other", session_id="s2"),
        )
        access = await tokens.access(mine)
        tokens.listen()
        assert await tokens.run(end) == 1
        assert tokens.names() == ["GrantsEnded"]
        assert await tokens.run(end) == 0
        assert tokens.names() == ["GrantsEnded"]
        await refused(tokens, raw_of(mine))
        assert not await tokens.is_active(access.raw)
        assert (await tokens.redeem(raw_of(others), client_id="other")).rotated


async def test_a_changed_password_keeps_its_session_and_may_keep_offline_grants(
    tokens: Tokens,
) -> None:
    here, there = await tokens.start(), await tokens.start(session_id="s2")
    offline = await tokens.start(session_id=None)

    async def change(work: Work, *, with_offline: bool) -> int:
        return await end_grants_of_user(
            work, user_id="ada", reason="t", keep_session="s1", offline=with_offline
        )

    assert await tokens.run(lambda work: change(work, with_offline=False)) == 1
    await refused(tokens, raw_of(there))
    kept = await tokens.redeem(raw_of(here))
    assert await tokens.is_active(offline.raw_refresh)
    assert await tokens.run(lambda work: change(work, with_offline=True)) == 1
    assert not await tokens.is_active(offline.raw_refresh)
    assert await tokens.is_active(kept.raw_refresh)


async def test_ending_a_grant_twice_is_once(tokens: Tokens) -> None:
    started = await tokens.start()
    tokens.listen()

    async def end(work: Work) -> bool:
        return await end_grant(work, grant_id=started.grant.id, reason="t")

    assert await tokens.run(end)
    assert not await tokens.run(end)
    assert tokens.names() == ["GrantEnded"]


async def test_n052_what_the_caller_refuses_is_not_rotated(tokens: Tokens) -> None:
    started = await tokens.start()

    async def too_much(work: Work) -> None:
        presented = Presented(raw=raw_of(started), client_id="app", rotate=True)
        await redeem_refresh(
            work, envelope=tokens.envelope, lifetimes=tokens.lifetimes, presented=presented
        )
        raise InvalidInput("invalid_scope")

    for _ in range(3):
        with pytest.raises(InvalidInput):
            await tokens.run(too_much)
    used = await tokens.redeem(raw_of(started))
    assert used.grant.generation == 1
    assert used.rotated


async def test_n038_a_grant_for_someone_disabled_does_not_start(tokens: Tokens) -> None:
    with pytest.raises(OAuthRefusal):
        await tokens.start(user_id="nobody")
    for who in ("ada", "app"):
        await tokens.set_enabled(who, enabled=False)
        with pytest.raises(OAuthRefusal) as caught:
            await tokens.start()
        assert caught.value.code == "invalid_grant"
        await tokens.set_enabled(who, enabled=True)


async def test_a_user_is_no_client_and_a_client_no_user(tokens: Tokens) -> None:
    for changes in ({"user_id": "app"}, {"client_id": "ada"}):
        with pytest.raises(OAuthRefusal):
            await tokens.start(**changes)


async def test_a_grant_without_refresh_has_no_token(tokens: Tokens) -> None:
    started = await tokens.start(refreshable=False)
    assert started.raw_refresh is None
    assert await tokens.is_active((await tokens.access(started)).raw)


async def test_sweeping_erases_successors_and_old_grants(tokens: Tokens) -> None:
    started = await tokens.start()
    await tokens.redeem(raw_of(started))
    assert await sweep(tokens.works) == 0
    tokens.clock.advance(10 * SECOND)
    assert await sweep(tokens.works) == 1

    async def successors(work: Work) -> list[object]:
        return [row.sealed_successor for row in (await work.execute(_ROWS)).all()]

    assert await tokens.run(successors) == [None]
    tokens.clock.advance(dt.timedelta(days=61))
    assert await sweep(tokens.works) == 1
    assert await tokens.run(successors) == []


async def test_a_refresh_token_has_one_spelling(tokens: Tokens) -> None:
    raw = raw_of(await tokens.start())
    assert len(raw.reveal()) == len("lmr_testtenant_") + 92

    async def is_ours(text: str) -> bool:
        async def body(work: Work) -> bool:
            return await read_refresh(work, tokens.envelope, Secret(text)) is not None

        return await tokens.run(body)

    assert await is_ours(raw.reveal())
    for other in (raw.reveal() + "\n", " " + raw.reveal(), raw.reveal().replace("lmr", "LMR")):
        assert not await is_ours(other)
