from __future__ import annotations

import asyncio
import dataclasses
import datetime as dt
from typing import Any

import pytest
import sqlalchemy as sa

from limen.db.work import Work, Works
from limen.kernel.errors import Conflict, OAuthRefusal
from limen.kernel.secret import Secret
from limen.kernel.site import Site
from limen.kernel.tokens import mint
from limen.protocol.jwt import peek, sign
from limen.tokens import principals
from limen.tokens.end_grant import end_grant
from limen.tokens.find_grant import find_grant, live_grants_of
from limen.tokens.look_up import ActiveToken, look_up_access
from limen.tokens.redeem_refresh import Refreshed
from limen.tokens.revoke_token import revoke_token
from limen.tokens.sweep import sweep
from limen.tokens.tables import access_tokens, revoked_tokens
from tests.unit.crypto.kit import OTHER_SITE, with_keys
from tests.unit.tokens.kit import API, MINUTES, Tokens

pytestmark = pytest.mark.anyio

SECOND = dt.timedelta(seconds=1)


async def revoke(tokens: Tokens, raw: Secret[str] | None, client_id: str = "app") -> None:
    assert raw is not None

    async def body(work: Work) -> None:
        await revoke_token(
            work, keyring=tokens.keyring, envelope=tokens.envelope, raw=raw, client_id=client_id
        )

    await tokens.run(body)


@pytest.mark.parametrize("opaque", [False, True])
async def test_a_user_s_token_tells_all_it_stands_for(tokens: Tokens, opaque: bool) -> None:
    started = await tokens.start(
        acr="1", amr=("pwd", "otp"), requested_claims={"userinfo": {"email": None}}
    )
    issued = await tokens.access(started, opaque=opaque)
    found = await tokens.look_up(issued.raw)
    assert found is not None
    assert dataclasses.replace(found, claims={}) == ActiveToken(
        kind="access",
        jti=issued.jti,
        client_id="app",
        subject="ada",
        audience=API,
        scope=("read",),
        issued_at=tokens.clock.now(),
        expires_at=tokens.clock.now() + MINUTES,
        user_id="ada",
        grant_id=started.grant.id,
        session_id="s1",
        auth_time=tokens.clock.now(),
        acr="1",
        amr=("pwd", "otp"),
        requested_claims={"userinfo": {"email": None}},
    )
    assert found.claims["sub"] == "ada"


@pytest.mark.parametrize("opaque", [False, True])
async def test_a_client_s_own_token(tokens: Tokens, opaque: bool) -> None:
    issued = await tokens.own(opaque=opaque)
    found = await tokens.look_up(issued.raw)
    assert found is not None
    assert (found.client_id, found.subject, found.user_id, found.grant_id) == (
        "app", "app", None, None,
    )  # fmt: skip


async def test_a_refresh_token_is_looked_up_and_opens_no_api(tokens: Tokens) -> None:
    started = await tokens.start()
    assert started.raw_refresh
    found = await tokens.look_up(started.raw_refresh)
    assert found is not None
    assert (found.kind, found.client_id, found.user_id) == ("refresh", "app", "ada")
    assert found.expires_at == started.grant.expires_at

    async def body(work: Work) -> ActiveToken | None:
        assert started.raw_refresh
        return await look_up_access(work, keyring=tokens.keyring, raw=started.raw_refresh)

    assert await tokens.run(body) is None
    used = await tokens.redeem(started.raw_refresh)
    assert not await tokens.is_active(started.raw_refresh)
    assert await tokens.is_active(used.raw_refresh)


async def test_an_idle_refresh_token_is_inactive(tokens: Tokens) -> None:
    started = await tokens.start(session_id=None)
    tokens.clock.advance(tokens.lifetimes.refresh_idle - SECOND)
    assert await tokens.is_active(started.raw_refresh)
    tokens.clock.advance(SECOND)
    assert not await tokens.is_active(started.raw_refresh)


@pytest.mark.parametrize("opaque", [False, True])
async def test_one_statement_is_enough(tokens: Tokens, opaque: bool) -> None:
    issued = await tokens.access(await tokens.start(), opaque=opaque)
    await tokens.look_up(issued.raw)  # the keys are known from here on
    asked: list[object] = []

    async def body(work: Work) -> None:
        execute = work.execute

        async def counted(statement: Any, **params: Any) -> Any:
            asked.append(statement)
            return await execute(statement, **params)

        work.execute = counted  # type: ignore[method-assign]  # counts this Work's statements
        assert await look_up_access(work, keyring=tokens.keyring, raw=issued.raw)

    await tokens.run(body)
    assert len(asked) == 1


@pytest.mark.parametrize("opaque", [False, True])
@pytest.mark.parametrize("own", [False, True])
async def test_a_token_expires(tokens: Tokens, opaque: bool, own: bool) -> None:
    issued = (
        await tokens.own(opaque=opaque)
        if own
        else await tokens.access(await tokens.start(), opaque=opaque)
    )
    tokens.clock.advance(MINUTES - SECOND)
    assert await tokens.is_active(issued.raw)
    tokens.clock.advance(SECOND)
    assert not await tokens.is_active(issued.raw)


@pytest.mark.parametrize("opaque", [False, True])
async def test_an_ended_grant_s_tokens_are_dead(tokens: Tokens, opaque: bool) -> None:
    started = await tokens.start()
    issued = await tokens.access(started, opaque=opaque)
    other = await tokens.access(await tokens.start(), opaque=opaque)

    async def body(work: Work) -> None:
        await end_grant(work, grant_id=started.grant.id, reason="t")

    await tokens.run(body)
    assert not await tokens.node().is_active(issued.raw)
    assert await tokens.is_active(other.raw)


@pytest.mark.parametrize("opaque", [False, True])
@pytest.mark.parametrize("own", [False, True])
@pytest.mark.parametrize("who", ["ada", "app"])
async def test_n048_tokens_of_the_disabled_are_dead_for_good(
    tokens: Tokens, opaque: bool, own: bool, who: str
) -> None:
    if own and who == "ada":
        return
    issued = (
        await tokens.own(opaque=opaque)
        if own
        else await tokens.access(await tokens.start(), opaque=opaque)
    )
    tokens.clock.advance(SECOND)
    await tokens.set_enabled(who, enabled=False)
    assert not await tokens.is_active(issued.raw)
    await tokens.set_enabled(who, enabled=True)
    assert not await tokens.is_active(issued.raw)
    tokens.clock.advance(SECOND)
    new = await (tokens.own(opaque=opaque) if own else tokens.access(await tokens.start()))
    assert await tokens.is_active(new.raw)


@pytest.mark.parametrize("opaque", [False, True])
@pytest.mark.parametrize("who", ["ada", "app"])
async def test_n067_a_token_issued_after_the_disabling_is_dead(
    tokens: Tokens, opaque: bool, who: str
) -> None:
    # A node whose cache lags behind goes on issuing for a moment.
    started = await tokens.start()
    await tokens.set_enabled(who, enabled=False)
    late = [await tokens.access(started, opaque=opaque)]
    late += [await tokens.own(opaque=opaque)] if who == "app" else []
    for issued in late:
        assert not await tokens.is_active(issued.raw)
    assert not await tokens.is_active(started.raw_refresh)


async def test_a_client_s_token_of_the_second_it_was_disabled_in_is_dead(tokens: Tokens) -> None:
    tokens.clock.advance(dt.timedelta(milliseconds=300))
    issued = await tokens.own()
    tokens.clock.advance(dt.timedelta(milliseconds=300))
    await tokens.set_enabled("app", enabled=False)
    await tokens.set_enabled("app", enabled=True)
    assert not await tokens.is_active(issued.raw)


@pytest.mark.parametrize("opaque", [False, True])
async def test_a_client_s_token_of_after_its_tokens_were_ended_lives_in_the_same_second(
    tokens: Tokens, opaque: bool
) -> None:
    tokens.clock.advance(dt.timedelta(microseconds=300_500))
    before = [await tokens.own(opaque=opaque), await tokens.access(await tokens.start())]
    tokens.clock.advance(dt.timedelta(microseconds=200))
    await tokens.run(lambda work: principals.set_not_before(work, principal_id="app"))
    for dead in before:
        assert not await tokens.is_active(dead.raw), "of the same millisecond even"
    tokens.clock.advance(dt.timedelta(milliseconds=1))
    after = [await tokens.own(opaque=opaque), await tokens.access(await tokens.start())]
    for alive in after:
        assert await tokens.is_active(alive.raw)
    for dead in before:
        assert not await tokens.is_active(dead.raw)


async def test_a_signed_token_whose_grant_or_client_is_unknown_is_dead(tokens: Tokens) -> None:
    good = peek((await tokens.access(await tokens.start())).raw.reveal()).claims
    own = peek((await tokens.own()).raw.reveal()).claims
    key = await tokens.run(lambda work: tokens.keyring.active(work, "ES256"))
    forged = [
        good | {"jti": "0190-unknown.x"},
        good | {"jti": ".x"},
        good | {"jti": "x"},  # a user's token that names no grant
        good | {"client_id": "other"},  # not the grant's client
        good | {"client_id": "nobody"},
        own | {"client_id": "ada", "sub": "ada"},  # a user is no client
        own | {"sub": "ada"},
    ]
    for claims in forged:
        assert not await tokens.is_active(Secret(sign(claims, key, typ="at+jwt")))
    assert await tokens.is_active(Secret(sign(own, key, typ="at+jwt")))


@pytest.mark.parametrize("variant", ["cut", "long", "case", "tenant", "old", "empty", "surrogate"])
async def test_n094_a_mangled_opaque_token(tokens: Tokens, variant: str) -> None:
    raw = (await tokens.own(opaque=True)).raw.reveal()
    mangled = {
        "cut": raw[:-1],
        "long": raw + "A",
        "case": raw.swapcase(),
        "tenant": raw.replace("testtenant", "othertenan"),
        "old": raw[-43:],
        "empty": "",
        "surrogate": raw[:-1] + "\ud800",
    }[variant]
    assert not await tokens.is_active(Secret(mangled))
    assert await tokens.is_active(Secret(raw))


async def test_n277_the_database_holds_no_opaque_token(tokens: Tokens) -> None:
    issued = await tokens.own(opaque=True)
    everything = sa.select(access_tokens).where(
        access_tokens.c.tenant_id == sa.bindparam("tenant_id")
    )

    async def body(work: Work) -> str:
        return repr((await work.execute(everything)).all())

    assert issued.raw.reveal()[-43:] not in await tokens.run(body)


async def test_n206_a_token_is_of_its_tenant_alone(tokens: Tokens, works: Works) -> None:
    await with_keys(works, OTHER_SITE)
    started = await tokens.start()
    theirs = Tokens(works, OTHER_SITE, tokens.clock)
    issued = [
        (await tokens.access(started)).raw,
        (await tokens.access(started, opaque=True)).raw,
        started.raw_refresh,
    ]
    for raw in issued:
        assert raw
        assert not await theirs.is_active(raw)
        await revoke(theirs, raw)
        assert await tokens.is_active(raw)
    same_host = Site("othertenan", "other", tokens.site.issuer, "")
    assert not await Tokens(works, same_host, tokens.clock).is_active(issued[0] or Secret(""))


@pytest.mark.parametrize("opaque", [False, True])
async def test_revoking_an_access_token_ends_that_one(tokens: Tokens, opaque: bool) -> None:
    started = await tokens.start()
    one = await tokens.access(started, opaque=opaque)
    two = await tokens.access(started, opaque=opaque)
    tokens.listen()
    await revoke(tokens, one.raw)
    await revoke(tokens, one.raw)
    assert tokens.names() == ["TokenRevoked"]
    assert not await tokens.node().is_active(one.raw)
    assert await tokens.is_active(two.raw)
    assert await tokens.is_active(started.raw_refresh)


async def test_revoking_a_client_s_own_token(tokens: Tokens) -> None:
    issued = await tokens.own()
    await revoke(tokens, issued.raw)
    assert not await tokens.is_active(issued.raw)


@pytest.mark.parametrize("old", [False, True])
async def test_revoking_a_refresh_token_ends_the_grant(tokens: Tokens, old: bool) -> None:
    started = await tokens.start()
    assert started.raw_refresh
    access = await tokens.access(started)
    used = await tokens.redeem(started.raw_refresh)
    await revoke(tokens, started.raw_refresh if old else used.raw_refresh)
    for raw in (access.raw, used.raw_refresh):
        assert not await tokens.is_active(raw)


async def test_n092_another_client_s_token_is_not_revoked(tokens: Tokens) -> None:
    started = await tokens.start()
    mine = [
        (await tokens.access(started)).raw,
        (await tokens.access(started, opaque=True)).raw,
        started.raw_refresh,
    ]
    for raw in mine:
        with pytest.raises(OAuthRefusal) as caught:
            await revoke(tokens, raw, client_id="other")
        assert caught.value.code == "invalid_grant"
        assert await tokens.is_active(raw)


async def test_revoking_what_is_no_token_is_fine(tokens: Tokens) -> None:
    tokens.listen()
    expired = await tokens.own()
    unknown = mint("lma", tokens.site.tenant_id)
    tokens.clock.advance(MINUTES)
    for raw in (expired.raw, unknown, Secret(""), Secret("a.b.c"), Secret("lmr_x"), Secret("é")):
        await revoke(tokens, raw)
    assert tokens.names() == []


async def test_n047_after_a_revocation_no_token_of_the_family_lives(tokens: Tokens) -> None:
    started = await tokens.start()
    raw = started.raw_refresh
    assert raw
    answers = await asyncio.gather(
        *[tokens.node().redeem(raw) for _ in range(5)],
        revoke(tokens, raw),
        *[tokens.node().redeem(raw) for _ in range(5)],
        return_exceptions=True,
    )
    used = [answer.raw_refresh for answer in answers if isinstance(answer, Refreshed)]
    for each in [raw, *used]:
        assert not await tokens.is_active(each)
        with pytest.raises(OAuthRefusal):
            await tokens.redeem(each)


async def test_sweeping_keeps_a_revocation_until_the_token_expires(tokens: Tokens) -> None:
    issued = await tokens.own()
    await tokens.own(opaque=True)
    await revoke(tokens, issued.raw)
    count = sa.select(sa.func.count()).select_from(revoked_tokens)
    tokens.clock.advance(MINUTES - SECOND)
    assert await sweep(tokens.works) == 0
    assert not await tokens.is_active(issued.raw)
    tokens.clock.advance(SECOND)
    assert await sweep(tokens.works) == 1  # the opaque one
    tokens.clock.advance(dt.timedelta(minutes=2) - SECOND)  # by another node's clock it may live
    assert await sweep(tokens.works) == 0
    tokens.clock.advance(SECOND)
    assert await sweep(tokens.works) == 1

    async def body(work: Work) -> int:
        return int((await work.execute(count)).scalar())

    assert await tokens.run(body) == 0


async def test_n097_no_client_has_the_id_of_a_user(tokens: Tokens) -> None:
    async def put(work: Work) -> None:
        await principals.put(work, kind="client", principal_id="ada")

    with pytest.raises(Conflict):
        await tokens.run(put)

    async def again(work: Work) -> tuple[bool, bool]:
        await principals.put(work, kind="user", principal_id="ada")
        return (
            await principals.is_enabled(work, principal_id="ada"),
            await principals.is_enabled(work, principal_id="nobody"),
        )

    assert await tokens.run(again) == (True, False)
    await tokens.set_enabled("ada", enabled=False)
    assert await tokens.run(again) == (False, False)


async def test_grants_are_found_and_listed(tokens: Tokens) -> None:
    one, two = await tokens.start(), await tokens.start(session_id=None)
    await tokens.start(user_id="bob")

    async def body(work: Work) -> None:
        assert await find_grant(work, grant_id=one.grant.id) == one.grant
        assert await find_grant(work, grant_id="unknown") is None
        found = await live_grants_of(work, user_id="ada")
        assert sorted(grant.id for grant in found) == sorted([one.grant.id, two.grant.id])
        await end_grant(work, grant_id=one.grant.id, reason="t")
        assert await live_grants_of(work, user_id="ada") == [two.grant]
        ended = await find_grant(work, grant_id=one.grant.id)
        assert ended
        assert ended.ended_at == work.now

    await tokens.run(body)
